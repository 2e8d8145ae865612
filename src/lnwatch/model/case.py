"""A case: an open finding with a life. Alerts and the exception queue are the same thing."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lnwatch.model.rule import Owner, Severity


class CaseState(StrEnum):
    """Where in its life a case stands."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CLOSED = "closed"


LIVING = frozenset({CaseState.OPEN, CaseState.ACKNOWLEDGED, CaseState.SNOOZED})


class Transition(StrEnum):
    """A change that somebody may have to be told of."""

    OPENED = "opened"
    ESCALATED = "escalated"
    EASED = "eased"
    CHANGED = "changed"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    AWOKE = "awoke"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


class Reason(StrEnum):
    """Why something was decided, 'no message' included."""

    PENDING = "pending"  # found, has not lasted long enough
    VANISHED = "vanished"  # was clear before it had lasted long enough
    LASTED = "lasted"  # found for as long as the rule asks: opened
    STILL_FOUND = "still_found"
    INHIBITED = "inhibited"  # a parent has a case: opened, not told
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    GRACE = "grace"  # everything restarts together
    RELEASED = "released"  # what kept it untold is gone: told now
    WORSE = "worse"
    BETTER = "better"
    HELD_UNKNOWN = "held_unknown"  # an input is missing: kept as it is
    KEEP_FIRING = "keep_firing"  # clear, but not for long enough
    CLEAR = "clear"  # resolved
    CLEAR_UNTOLD = "clear_untold"  # resolved, and nobody had been told of it
    FLAPPING = "flapping"  # came back within the flap window: the old case goes on
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    SNOOZE_ENDED = "snooze_ended"
    CLOSED_BY_HAND = "closed_by_hand"
    HELD_CLOSED = "held_closed"  # the evidence is unchanged since a person closed it
    NEW_EVIDENCE = "new_evidence"  # as grave as before, but what is known of it is news: told to those who were told
    NOT_CONFIGURED = "not_configured"  # what it is about is no longer watched: ended
    NOTHING = "nothing"  # neither a case nor a finding


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes a case the same case."""

    site: str
    rule: str
    subject: str


def short_id(fingerprint: Fingerprint) -> str:
    """Eight hex digits that people read and type for a case: the same for each of its openings, everywhere."""
    # As JSON, so that no part can run into the next.
    named = json.dumps([fingerprint.site, fingerprint.rule, fingerprint.subject])
    return hashlib.sha256(named.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands. Times in epoch seconds.

    `number` is the opening's own: a recurrence after the flap window gets a new one. `transition`
    counts the changes of this opening, from 1: it keys the outbox. `told` are the channels' business
    summed up: whether a message that it is open left, so that its end must be told too. `scope` is the
    source that its rule was run for, empty for site and daemon.
    """

    fingerprint: Fingerprint
    number: int
    state: CaseState
    scope: str
    severity: Severity
    owner: Owner
    sentence: str
    found_at: float
    seen_at: float
    facts: Mapping[str, str] = field(default_factory=dict)
    evidence: str = ""
    opened_at: float | None = None
    clear_since: float | None = None
    ended_at: float | None = None
    transition: int = 0
    told: bool = False
    told_severity: Severity | None = None
    flaps: int = 0
    actor: str = ""
    note: str = ""
    snoozed_until: float | None = None

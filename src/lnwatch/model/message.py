"""What is told: a Notice is one change of one case as it stood then, a Message the notices of one sending."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

from lnwatch.model.case import CaseState, Fingerprint, Transition
from lnwatch.model.rule import Owner, Severity

Pager = Literal["lnwatch", "alertmanager"]  # who calls somebody for what is critical


@dataclass(frozen=True, slots=True)
class Notice:
    """One row of the outbox: change `transition_number` of opening `number` of a case, for one channel.

    Times in epoch seconds. Frozen when the case changed, in the same transaction. `root` names what a
    storm comes from, where a parent is known. `never_muted` ones are told singly, whatever else waits;
    `until` is when a snooze ends.
    """

    fingerprint: Fingerprint
    number: int
    transition_number: int
    transition: Transition
    state: CaseState
    severity: Severity
    owner: Owner
    sentence: str
    at: float
    found_at: float
    opened_at: float | None = None
    ended_at: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    actor: str = ""
    note: str = ""
    root: str = ""
    never_muted: bool = False
    until: float | None = None


class Marking(StrEnum):
    """What a message is beside the ordinary."""

    NONE = "none"
    TEST = "test"  # `lnwatch notify test`
    POSSIBLE_REPEAT = "possible_repeat"  # we crashed between sending and noting that it was sent


@dataclass(frozen=True, slots=True)
class Message:
    """What one sending carries: one notice, or many (a digest). `link_base` is the base of every link.

    `reference` is what the service called this case's first message (Slack: channel and timestamp),
    None before it or where the service has no such thing; in a digest `references` has one for each
    notice, so that earlier messages can be brought up to date. `missed` is what could not be told before
    the one notice, which is its end.
    """

    channel: str
    notices: tuple[Notice, ...]
    link_base: str
    marking: Marking = Marking.NONE
    reference: str | None = None
    references: tuple[str | None, ...] = ()
    missed: Transition | None = None

    @property
    def digest(self) -> bool:
        """Whether it carries more than one case."""
        return len(self.notices) > 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a service answered to a message that it took. `answer` is for people, without secrets."""

    answer: str
    reference: str | None = None


def runbook_url(link_base: str, rule: str) -> str:
    """Where the runbook of a rule is served."""
    return f"{link_base}/runbooks/{rule}"


def case_url(link_base: str, fingerprint: Fingerprint) -> str:
    """Where a case's own page is; subjects hold `:` and `/`, so its parts are quoted."""
    return f"{link_base}/cases/{fingerprint.site}/{fingerprint.rule}/{quote(fingerprint.subject, safe='')}"

"""What the engine brings of cases, and what a page asks for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Severity


class Addressed(NamedTuple):
    """A notice for one channel of delivery, which is not told before `not_before` (epoch seconds)."""

    channel: str
    notice: Notice
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One decision: the case as it is from now on, why, and what to tell to whom.

    `case` None: a pending one is gone without ever having opened. each of the `notices`
    names the transition that `tell` is.
    """

    case: Case | None
    fingerprint: Fingerprint
    at: float
    reason: Reason
    tell: Transition | None = None
    notices: tuple[Addressed, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryStep:
    """A decision that changed something in opening `number`; steps count from 1. `state` None: it never opened."""

    number: int
    step: int
    at: float
    reason: Reason
    transition: Transition | None
    state: CaseState | None
    severity: Severity
    sentence: str
    actor: str
    note: str


class Delivery(StrEnum):
    """What has become of one message."""

    PENDING = "pending"  # waits for its turn, or for another try
    CLAIMED = "claimed"  # a worker is at it, until its lease ends
    SENT = "sent"  # or needed no sending
    PARKED = "parked"  # can't be sent; a person is told


@dataclass(frozen=True, slots=True)
class CaseMessage:
    """One notice for one channel, and what became of it. Times in epoch seconds; `failure` is why the last
    try failed, `words` the same for people, `reference` what the service called it."""

    channel: str
    notice: Notice
    status: Delivery
    tries: int
    not_before: float
    sent_at: float | None
    failure: str | None
    words: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """All that is kept of one fingerprint: its newest opening (None: it never opened), and the newest steps and
    messages of all its openings, oldest first."""

    case: Case | None
    history: tuple[HistoryStep, ...]
    messages: tuple[CaseMessage, ...]

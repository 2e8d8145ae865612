"""Cases and what is decided of them, with everything that a test does not care about filled in."""

from dataclasses import replace
from typing import Any

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Owner, Severity
from lnwatch.store import Addressed, CaseChange
from tests.store.stories import NOW, SITE

DOWN = Fingerprint(SITE, "lightning_down", "node:ln1")
FULL = Fingerprint(SITE, "host_disk_low", "path:/data")


def case(state: CaseState = CaseState.OPEN, fingerprint: Fingerprint = DOWN, **more: Any) -> Case:  # noqa: ANN401 - a table of fields
    told = Case(
        fingerprint=fingerprint,
        number=1,
        state=state,
        scope="ln1",
        severity=Severity.CRITICAL,
        owner=Owner.ONCALL,
        sentence="node:ln1 does not answer.",
        found_at=NOW - 60.25,
        seen_at=NOW,
        facts={"since": "12:00"},
    )
    return replace(told, **more)


def notice(of: Case, transition: Transition = Transition.OPENED, at: float = NOW, **more: Any) -> Notice:  # noqa: ANN401 - a table of fields
    told = Notice(
        fingerprint=of.fingerprint,
        number=of.number,
        transition_number=of.transition,
        transition=transition,
        state=of.state,
        severity=of.severity,
        owner=of.owner,
        sentence=of.sentence,
        at=at,
        found_at=of.found_at,
        facts=of.facts,
    )
    return replace(told, **more)


def change(
    of: Case | None,
    reason: Reason,
    at: float = NOW,
    tell: Transition | None = None,
    channels: tuple[str, ...] = (),
    *,
    fingerprint: Fingerprint = DOWN,
) -> CaseChange:
    """A decision; where something is told, each of the channels gets it."""
    if of is None:
        return CaseChange(None, fingerprint, at, reason)
    notices = tuple(Addressed(channel, notice(of, tell, at)) for channel in channels) if tell is not None else ()
    return CaseChange(of, of.fingerprint, at, reason, tell, notices)


def opened(fingerprint: Fingerprint = DOWN, channels: tuple[str, ...] = ("slack",), at: float = NOW) -> CaseChange:
    """A case opens, and that is told."""
    of = case(fingerprint=fingerprint, opened_at=at, transition=1, told=True, told_severity=Severity.CRITICAL)
    return change(of, Reason.LASTED, at, Transition.OPENED, channels)


def resolved(fingerprint: Fingerprint = DOWN, channels: tuple[str, ...] = ("slack",), at: float = NOW) -> CaseChange:
    """What `opened` opened ends, and that is told."""
    of = case(CaseState.RESOLVED, fingerprint, opened_at=NOW, clear_since=at, ended_at=at, transition=2)
    return change(of, Reason.CLEAR, at, Transition.RESOLVED, channels)

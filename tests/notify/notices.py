"""Notices and messages as the engine writes them, for tests of what tells them."""

from dataclasses import replace

from lnwatch.model.case import CaseState, Fingerprint, Transition
from lnwatch.model.message import Marking, Message, Notice
from lnwatch.model.rule import Owner, Severity

NOW = 1_800_000_000.0  # where the manual clock begins: 2027-01-15 08:00:00 UTC
LINKS = "https://desk.example"

_STATES = {
    Transition.ACKNOWLEDGED: CaseState.ACKNOWLEDGED,
    Transition.SNOOZED: CaseState.SNOOZED,
    Transition.RESOLVED: CaseState.RESOLVED,
    Transition.CLOSED: CaseState.CLOSED,
}
_ENDED = (CaseState.RESOLVED, CaseState.CLOSED)


def notice(
    transition: Transition = Transition.OPENED,
    *,
    subject: str = "node:ln1",
    rule: str = "lightning_down",
    site: str = "main",
    **traits: object,
) -> Notice:
    """A change at NOW of a case that opened a minute before, found a minute before that."""
    state = _STATES.get(transition, CaseState.OPEN)
    opening = transition is Transition.OPENED
    base = Notice(
        fingerprint=Fingerprint(site, rule, subject),
        number=3,
        transition_number=1 if opening else 2,
        transition=transition,
        state=state,
        severity=Severity.CRITICAL,
        owner=Owner.ONCALL,
        sentence=f"{subject} (lnd) has given no answer since 2027-01-15 07:58:00 UTC: connection refused.",
        at=NOW,
        found_at=NOW - 60 if opening else NOW - 3_660,
        opened_at=NOW if opening else NOW - 3_600,
        ended_at=NOW if state in _ENDED else None,
        facts={"state": "down", "version": "0.20.0-beta"},
    )
    return replace(base, **traits)  # type: ignore[arg-type]  # as the case says


def message(*notices: Notice, **traits: object) -> Message:
    """A sending of these to the channel `ops`."""
    return replace(Message("ops", notices or (notice(),), LINKS), **traits)  # type: ignore[arg-type]  # as the case says


def storm(size: int, transition: Transition = Transition.OPENED) -> tuple[Notice, ...]:
    """So many nodes that went down with their bitcoind."""
    root = "bitcoind_down source:core"
    return tuple(notice(transition, subject=f"node:ln{number}", root=root) for number in range(size))


def mixed() -> tuple[Notice, ...]:
    """A storm as it comes: the root, what follows from it, warnings beside it, and what ended meanwhile."""
    root = notice(rule="bitcoind_down", subject="source:core", sentence="source:core (bitcoind) has given no answer.")
    quiet = [
        notice(
            rule="channel_inactive",
            subject=f"channel:{'ab' * 32}:{number}",
            severity=Severity.WARNING,
            owner=Owner.OPERATORS,
        )
        for number in range(4)
    ]
    over = notice(Transition.RESOLVED, rule="host_disk_low", subject="path:/data")
    return (over, *storm(7), *quiet, root)


__all__ = ["LINKS", "NOW", "Marking", "message", "mixed", "notice", "storm"]

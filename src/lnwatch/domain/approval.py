"""Who must have said yes before something is done, for how long that holds, and to what exactly."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lnwatch.domain.wording import duration, moment
from lnwatch.model.action import Approval, Ground, ProposalRecord, Verdict


class Approvers(StrEnum):
    """Whose yes it takes."""

    NOBODY = "nobody"
    ONE = "one"
    TWO = "two"  # different people
    SOLO = "solo"  # one, and then time to think again


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose yes an action takes; a yes holds for `holds` seconds, for one person alone from `delay` on."""

    approvers: Approvers
    holds: float
    delay: float


def allowed(record: ProposalRecord, policy: Policy, now: float) -> Verdict:
    """Whether the people that it takes have said yes to exactly this, and it still holds."""
    if policy.approvers is Approvers.NOBODY:
        return Verdict(Ground.ACT, "it needs nobody's approval")
    valid = _valid(record, policy, now)
    people = sorted({person(approval.actor): approval.actor for _, approval in valid}.values())
    if not valid:
        again = " again: the one that it had has run out" if record.approvals else ""
        needed = "two people" if policy.approvers is Approvers.TWO else "one person"
        return Verdict(Ground.NEEDS_APPROVAL, f"it needs the approval of {needed}{again}")
    if policy.approvers is Approvers.TWO and len(people) < 2:
        return Verdict(Ground.NEEDS_SECOND, f"{people[0]} approved it, a second person must too")
    if policy.approvers is Approvers.SOLO:
        ripe = min(at for at, _ in valid) + policy.delay
        if now < ripe:
            words = f"{people[0]} approved it alone: it waits until {moment(ripe)} ({duration(ripe - now)} more)"
            return Verdict(Ground.DELAYED, words)
    return Verdict(Ground.ACT, f"approved by {' and '.join(people)}")


def person(actor: str) -> str:
    """Who somebody is: neither capitals nor blanks make a second person of one."""
    return " ".join(actor.split()).casefold()


def _valid(record: ProposalRecord, policy: Policy, now: float) -> list[tuple[float, Approval]]:
    digest = record.proposal.digest
    holds = policy.holds + (policy.delay if policy.approvers is Approvers.SOLO else 0.0)
    return list(_holding(record.approvals, digest, now - holds, now))


def _holding(
    approvals: Iterable[tuple[float, Approval]], digest: str, since: float, until: float
) -> Iterable[tuple[float, Approval]]:
    return ((at, given) for at, given in approvals if given.digest == digest and since < at <= until)

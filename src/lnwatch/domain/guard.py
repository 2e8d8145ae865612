"""Decides whether a proposal may be carried out now: from the journal alone, and always with a reason."""

from dataclasses import dataclass

from lnwatch.domain.approval import Policy, allowed
from lnwatch.domain.book import Book
from lnwatch.domain.budget import Budgets, exceeded, spent, wanted
from lnwatch.model.action import Ground, KillSwitch, ProposalRecord, ProposalState, Verdict


@dataclass(frozen=True, slots=True)
class Terms:
    """What one kind of action is held to: its policy and budgets.

    `pause`: seconds between two proposals for one need; `stands`: seconds after which one expires.
    """

    policy: Policy
    budgets: Budgets
    pause: float
    stands: float


def verdict(record: ProposalRecord, book: Book, terms: Terms, hands: str, now: float) -> Verdict:
    """Whether `hands` may carry out the proposal, by all that the book says."""
    if record.state is not ProposalState.PROPOSED:
        return Verdict(Ground.OVER, f"it is {record.state}")
    if book.kill_switch.on:
        return stopped(book.kill_switch)
    proposal = record.proposal
    for other in book.unsettled:
        if (other.proposal.site, other.proposal.node) == (proposal.site, proposal.node):
            return Verdict(Ground.UNSETTLED, f"what became of proposal {other.id} on {proposal.node} is not known yet")
    permission = allowed(record, terms.policy, now)
    if not permission.acts:
        return permission
    if over := exceeded(wanted(record, hands, now), terms.budgets, spent(book.records.values())):
        return Verdict(Ground.OVER_BUDGET, over)
    return permission


def stopped(switch: KillSwitch) -> Verdict:
    """What a kill switch that is on means for everything."""
    by = f" by {switch.actor}" if switch.actor else ""
    note = f": {switch.note}" if switch.note else ""
    return Verdict(Ground.STOPPED, f"the kill switch was put on{by}{note}")

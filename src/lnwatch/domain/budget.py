"""Nested budgets: per attempt, day and month, for a site and for each subject; a window rolls, so none is exceeded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lnwatch.domain.wording import count
from lnwatch.model.action import Action, Outcome, ProposalRecord
from lnwatch.model.money import format_msat

DAY = 86_400.0
MONTH = 30 * DAY


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How often something may be done or was, how much is moved by it, and what that costs."""

    actions: int
    amount_msat: int
    fee_msat: int


@dataclass(frozen=True, slots=True)
class Budget:
    """What a single attempt, any 24 hours and any 30 days may take."""

    attempt: Ceiling
    day: Ceiling
    month: Ceiling


@dataclass(frozen=True, slots=True)
class Budgets:
    """For the site as a whole, and for each subject (a channel, a peer) that an action touches."""

    site: Budget
    subject: Budget


@dataclass(frozen=True, slots=True)
class Spend:
    """What one action takes: reserved at its worst until its receipt says what it was."""

    site: str
    action: Action
    hands: str
    at: float
    touches: tuple[str, ...]
    amount_msat: int
    fee_msat: int


def wanted(record: ProposalRecord, hands: str, now: float) -> Spend:
    """What carrying it out now would take at its worst."""
    proposal = record.proposal
    return Spend(
        proposal.site,
        proposal.action,
        hands,
        now,
        proposal.touches,
        proposal.amount_msat,
        proposal.fee_limit_msat,
    )


def spent(records: Iterable[ProposalRecord]) -> Iterator[Spend]:
    """What was taken or is reserved. A failed attempt costs nothing, but it was an attempt."""
    for record in records:
        if record.intent is None or record.intended_at is None:
            continue
        worst, receipt = wanted(record, record.intent.hands, record.intended_at), record.receipt
        if receipt is None or receipt.outcome is Outcome.REHEARSED:
            yield worst  # a rehearsal is to end where the real thing would
        else:
            yield Spend(
                worst.site,
                worst.action,
                worst.hands,
                worst.at,
                worst.touches,
                receipt.amount_msat,
                receipt.fee_msat,
            )


def exceeded(want: Spend, budgets: Budgets, spends: Iterable[Spend]) -> str:
    """Which ceiling `want` would break, as a clause; empty where it breaks none.

    Counted is what the same hands did of the same kind at the same site: rehearsals take nothing from what
    is real.
    """
    same = (want.site, want.action, want.hands)
    comparable = [each for each in spends if (each.site, each.action, each.hands) == same]
    holders = [(f"site {want.site}", budgets.site, comparable)]
    for subject in want.touches:
        touching = [each for each in comparable if subject in each.touches]
        holders.append((subject, budgets.subject, touching))
    for holder, budget, before in holders:
        if words := _broken(want, budget, before):
            return f"the budget of {holder} {words}"
    return ""


def used(budget: Budget, spends: Iterable[Spend], now: float) -> Mapping[str, float]:
    """Which share of each window is spent: of the number of actions, the amount or the fees, whichever is most."""
    before = list(spends)
    return {
        name: max(
            _share(taken.actions, ceiling.actions),
            _share(taken.amount_msat, ceiling.amount_msat),
            _share(taken.fee_msat, ceiling.fee_msat),
        )
        for name, ceiling, window in (("day", budget.day, DAY), ("month", budget.month, MONTH))
        for taken in (_taken(before, now - window),)
    }


def _share(taken: int, limit: int) -> float:
    return taken / limit if limit else float(taken > 0)


def _taken(before: Iterable[Spend], since: float) -> Ceiling:
    # An entry from the future (the clock was put back) still counts.
    counted = [each for each in before if each.at > since]
    amount, fee = sum(each.amount_msat for each in counted), sum(each.fee_msat for each in counted)
    return Ceiling(len(counted), amount, fee)


def _broken(want: Spend, budget: Budget, before: list[Spend]) -> str:
    for ceiling, name, window in (
        (budget.attempt, "for one attempt", 0.0),
        (budget.day, "for 24 hours", DAY),
        (budget.month, "for 30 days", MONTH),
    ):
        taken = _taken(before if window else (), want.at - window)
        actions = 1 + taken.actions
        amount, fee = want.amount_msat + taken.amount_msat, want.fee_msat + taken.fee_msat
        if actions > ceiling.actions:
            return f"{name} is {count(ceiling.actions, 'action')}, this would be number {actions}"
        if amount > ceiling.amount_msat:
            return f"{name} is {format_msat(ceiling.amount_msat)} moved, it would become {format_msat(amount)}"
        if fee > ceiling.fee_msat:
            return f"{name} is {format_msat(ceiling.fee_msat)} in fees, it would become {format_msat(fee)}"
    return ""

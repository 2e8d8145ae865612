"""Budgets: what may be taken per attempt, day and month, by a site and by each subject."""

from dataclasses import replace

import pytest

from lnwatch.domain.budget import DAY, MONTH, Budget, Budgets, Ceiling, Spend, exceeded, spent, used
from lnwatch.model.action import Action, Intent, Outcome, ProposalRecord, ProposalState, Receipt
from lnwatch.model.money import Msat
from tests.domain.proposals import NOW, move

SITE = Budget(Ceiling(1, 1_000, 10), Ceiling(3, 2_500, 25), Ceiling(4, 3_000, 30))
EACH = Budget(Ceiling(1, 1_000, 10), Ceiling(2, 1_500, 20), Ceiling(3, 2_000, 25))
BUDGETS = Budgets(SITE, EACH)


def take(amount: int = 500, fee: int = 5, *, ago: float = 0.0, touches: tuple[str, ...] = ("channel:a",)) -> Spend:
    return Spend("main", Action.REBALANCE_CHANNEL, "lnd", NOW - ago, touches, amount, fee)


@pytest.mark.parametrize(
    ("before", "want", "words"),
    [
        ([], take(1_000, 10), ""),
        ([], take(1_001), "the budget of site main for one attempt is 1 sat moved, it would become 1.001 sat"),
        ([], take(1, 11), "for one attempt is 0.010 sat in fees"),
        ([take(1_000)], take(500), ""),
        ([take(1_000)], take(501), "the budget of channel:a for 24 hours is 1.500 sat moved"),
        ([take(1, 10), take(1, 10)], take(1, 1), "channel:a for 24 hours is 2 actions, this would be number 3"),
        ([take(1, 10)], take(1, 10), ""),
        ([take(1, 10, touches=("channel:b",))] * 2, take(1, 6), "the budget of site main for 24 hours is 0.025 sat in"),
        ([take(1_000, ago=DAY)], take(1_000), ""),
        ([take(1_000, ago=DAY - 1)], take(1_000), "channel:a for 24 hours"),
        ([take(1_000, ago=DAY), take(500, ago=2 * DAY)], take(501), "channel:a for 30 days is 2 sat moved"),
        ([take(1_000, ago=MONTH), take(500, ago=MONTH)], take(1_000), ""),
        ([take(1_000, ago=-60)], take(1_000), "channel:a for 24 hours"),  # the clock was put back
        ([replace(take(1_000), hands="dry_run")], take(1_000), ""),
        ([replace(take(1_000), site="shop")], take(1_000), ""),
    ],
)
def test_ceilings(before: list[Spend], want: Spend, words: str) -> None:
    """What would break one is told which; what reaches it exactly may pass."""
    found = exceeded(want, BUDGETS, before)
    assert words in found if words else found == ""


def test_every_subject_counts() -> None:
    """A payment between two channels draws on both."""
    before = [take(1_000, touches=("channel:b", "channel:c"))]
    assert "channel:b for 24 hours" in exceeded(take(1_000, touches=("channel:a", "channel:b")), BUDGETS, before)


@pytest.mark.parametrize(
    ("receipt", "amount", "fee"),
    [
        (None, 300_000_000, 150_000),
        (Receipt(Outcome.DONE, "", Msat(300_000_000), Msat(90_000)), 300_000_000, 90_000),
        (Receipt(Outcome.FAILED, ""), 0, 0),
        (Receipt(Outcome.REHEARSED, ""), 300_000_000, 150_000),
    ],
)
def test_reserved_until_known(receipt: Receipt | None, amount: int, fee: int) -> None:
    """At its worst until the receipt; then what it was; a failure costs nothing but was an attempt."""
    draft = move()
    record = ProposalRecord("p", draft, NOW, ProposalState.INTENDED, (), Intent(draft.digest, "lnd", "r"), NOW)
    (spend,) = spent([replace(record, receipt=receipt), ProposalRecord("q", draft, NOW)])
    assert (spend.amount_msat, spend.fee_msat, spend.touches) == (amount, fee, draft.touches)


@pytest.mark.parametrize(
    ("before", "day", "month"),
    [
        ([], 0.0, 0.0),
        ([take(0, 0)], 1 / 3, 1 / 4),
        ([take(1_000, 1)], 1_000 / 2_500, 1_000 / 3_000),
        ([take(10, 20)], 20 / 25, 20 / 30),
        ([take(1_000, 1, ago=DAY)], 0.0, 1_000 / 3_000),
        ([take(1_000, 1, ago=MONTH)], 0.0, 0.0),
        ([take(0, 0, ago=-60)], 1 / 3, 1 / 4),  # the clock was put back
    ],
)
def test_how_much_is_used(before: list[Spend], day: float, month: float) -> None:
    """Of number, amount and fees counts what is nearest to its end."""
    assert used(SITE, before, NOW) == {"day": day, "month": month}


def test_a_ceiling_of_nought() -> None:
    """Where nothing may be moved nothing is used while nothing was, and all of it after that."""
    calls = Budget(Ceiling(1, 0, 0), Ceiling(4, 0, 0), Ceiling(8, 0, 0))
    assert used(calls, [take(0, 0)], NOW) == {"day": 0.25, "month": 0.125}
    assert used(calls, [take(1, 0)], NOW) == {"day": 1.0, "month": 1.0}

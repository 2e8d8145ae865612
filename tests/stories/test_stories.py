"""Exam (c): each recorded story ends in the truth of the recordings' README, whatever becomes of its webhooks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from lnwatch.model.merchant import Method
from lnwatch.model.order import Leg, Order, Outcome, Proof, Rail
from lnwatch.store import Ledger
from tests.sources.btcpay.recordings import FOLDER
from tests.stories.play import Variant, opened, play_story
from tests.stories.stage import StoryClock

LN, LNURL, CHAIN = Method.LIGHTNING, Method.LNURL, Method.CHAIN


@dataclass(frozen=True)
class Truth:
    """What an order must become; `evidence` and `cases` are by name."""

    outcome: Outcome
    rail: Rail = Rail.NONE
    methods: tuple[Method, ...] = ()
    paid: str = "0"
    due: str = "10.00"
    evidence: tuple[Proof, ...] = ()
    cases: tuple[str, ...] = ()
    business: bool = True
    refunded: bool = False


PAID = Truth(Outcome.SETTLED, Rail.LIGHTNING, (LN,), "10.00")
ON_CHAIN = Truth(Outcome.SETTLED, Rail.ONCHAIN, (CHAIN,), "10.00")
NO_BUSINESS = Truth(Outcome.EXCLUDED, business=False)
EXPIRED = Truth(Outcome.UNEXPLAINED)
OPEN = Truth(Outcome.OPEN)
HELD = Truth(Outcome.FAILED, Rail.ONCHAIN, (CHAIN,), "10.00")
TRUTHS: dict[str, list[Truth]] = {
    "01-lightning-paid": [PAID],
    "02-chain-paid": [ON_CHAIN],
    "03-chain-over": [replace(ON_CHAIN, paid="15.00", cases=("paid_over",))],
    "04-lightning-then-chain-twice": [replace(PAID, methods=(LN, CHAIN), paid="20.00", cases=("paid_twice",))],
    "05-zero-amount": [replace(NO_BUSINESS, due="0.0")],
    "06-top-up": [replace(ON_CHAIN, paid="6.17", due="6.17")],
    "07-marked-settled": [NO_BUSINESS],
    "08-marking-a-settled-one": [PAID],
    "09-archived": [OPEN],
    "10-replaced": [replace(OPEN, evidence=(Proof.REPLACED,), cases=("invoice_regressed",))],
    "11-expired-unpaid": [EXPIRED],
    "12-partial-then-late": [replace(HELD, paid="7.50", evidence=(Proof.PAID_PARTIAL,), cases=("paid_partial",))],
    "13-paid-late": [replace(HELD, evidence=(Proof.PAID_LATE,), cases=("paid_late",))],
    "15-lightning-after-expiry": [EXPIRED],
    "16-processing-then-invalid": [replace(HELD, evidence=(Proof.UNCONFIRMED,), cases=("invoice_regressed",))],
    "20-refund-lightning": [replace(PAID, paid="5.00", due="5.00", refunded=True)],
    "21-refund-chain-fiat-needs-approval": [replace(ON_CHAIN, paid="20.00", due="20.00", refunded=True)],
    "22-refund-refused": [replace(PAID, paid="5.00", due="5.00")],
    "23-payment-request": [replace(PAID, paid=paid, due=paid) for paid in ("4.00", "6.00")],
    "24-lnurl": [replace(PAID, methods=(LNURL,), paid="5.00", due="5.00")],
    "25-payout-cannot-be-paid": [],
}
STORIES = [FOLDER / "stories" / f"{name}.json" for name in TRUTHS]


def found(order: Order, cases: tuple[str, ...]) -> Truth:
    """What an order became."""
    proofs = tuple(dict.fromkeys(each.proof for each in order.evidence))
    return Truth(
        order.outcome,
        order.rail,
        order.methods,
        str(order.paid),
        str(order.due),
        proofs,
        cases,
        order.business,
        order.refunded_at is not None,
    )


def seen_legs(order: Order) -> set[tuple[Leg, int | None]]:
    """The legs that were timed, with the blocks that they took; none takes long here."""
    assert all(0 <= leg.seconds <= 130 for leg in order.legs)
    return {(leg.leg, leg.blocks) for leg in order.legs}


def expected_legs(order: Order, variant: Variant, *, witnessed: bool) -> set[tuple[Leg, int | None]]:
    """Of a settled order: the node tells the first, a webhook that came the second, the chain the third."""
    if not witnessed or order.outcome is not Outcome.SETTLED:
        return set()
    if order.rail is Rail.ONCHAIN:
        return {(Leg.SEEN_CONFIRMED, 1)}
    timed: set[tuple[Leg, int | None]] = {(Leg.ACCEPT_SETTLE, None), (Leg.SETTLE_BTCPAY, None)}
    told = variant in {Variant.RECORDED, Variant.SHUFFLED, Variant.RESTARTED}
    heard = told or (variant is Variant.LOST and Leg.SETTLE_BTCPAY in {leg.leg for leg in order.legs})
    return timed if heard else {(Leg.ACCEPT_SETTLE, None)}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[tuple[Ledger, StoryClock]]:
    """One ledger for a test: whatever it plays has a site of its own."""
    async with opened(tmp_path) as made:
        yield made


def test_every_recorded_story_has_its_truth() -> None:
    """None is left out."""
    assert {path.stem for path in (FOLDER / "stories").glob("*.json")} == set(TRUTHS)


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
async def test_each_story_ends_in_its_truth(stage: tuple[Ledger, StoryClock], path: Path) -> None:
    """Whatever becomes of webhooks, through restarts, with node and chain beside BTCPay (which make legs) or not."""
    for seed, (variant, witnessed) in enumerate([*((each, True) for each in Variant), (Variant.RECORDED, False)]):
        came = await play_story(*stage, path, variant, seed, witnessed=witnessed)
        assert [found(order, came.cases_of(order)) for order in came.orders] == TRUTHS[path.stem], (variant, seed)
        assert came.of_site == (), (variant, seed)
        for order in came.orders:
            assert seen_legs(order) == expected_legs(order, variant, witnessed=witnessed), (variant, seed)
        final = [order for order in came.orders if order.outcome is not Outcome.OPEN]
        assert (came.counted, sorted(order.sequence or 0 for order in final)) == (
            len(final),
            [*range(1, len(final) + 1)],
        )


async def test_what_was_paid_is_said_both_ways(stage: tuple[Ledger, StoryClock]) -> None:
    """Of 12.50 that were sent BTCPay credits 7.50: the case names both."""
    came = await play_story(*stage, FOLDER / "stories" / "12-partial-then-late.json")
    (case,) = came.cases
    (exception,) = came.orders[0].exceptions
    assert (exception.credited, exception.gross) == (Decimal("7.50"), Decimal("12.50"))
    assert "7.50 EUR" in case.sentence
    assert "12.50 EUR" in case.sentence

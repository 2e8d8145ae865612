"""The exam of orders: what every recorded story of a payment becomes."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.model.merchant import Method
from lnwatch.model.order import Order, Outcome, Proof, Rail, Trouble
from tests.domain.recorded_stories import told

LN, LNURL, CHAIN = Method.LIGHTNING, Method.LNURL, Method.CHAIN
TWICE, OVER, PARTIAL, LATE, REGRESSED = (
    Trouble.PAID_TWICE,
    Trouble.PAID_OVER,
    Trouble.PAID_PARTIAL,
    Trouble.PAID_LATE,
    Trouble.INVOICE_REGRESSED,
)


@dataclass(frozen=True)
class Truth:
    """What a story must become, by the README of the recordings."""

    outcome: Outcome
    rail: Rail = Rail.NONE
    methods: tuple[Method, ...] = ()
    paid: str = "10.00"
    due: str = "10.00"
    evidence: tuple[Proof, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    business: bool = True
    refunded: bool = False


OF_LN = (Outcome.SETTLED, Rail.LIGHTNING, (LN,))
OF_CHAIN = (Outcome.SETTLED, Rail.ONCHAIN, (CHAIN,))
FAILED = (Outcome.FAILED, Rail.ONCHAIN, (CHAIN,))
TRUTHS = {
    "01-lightning-paid": Truth(*OF_LN),
    "02-chain-paid": Truth(*OF_CHAIN),
    "03-chain-over": Truth(*OF_CHAIN, paid="15.00", troubles=(OVER,)),
    "04-lightning-then-chain-twice": Truth(
        Outcome.SETTLED, Rail.LIGHTNING, (LN, CHAIN), paid="20.00", troubles=(TWICE,)
    ),
    "05-zero-amount": Truth(Outcome.EXCLUDED, paid="0", due="0.0", business=False),
    "06-top-up": Truth(*OF_CHAIN, paid="6.17", due="6.17"),
    "07-marked-settled": Truth(Outcome.EXCLUDED, paid="0", business=False),
    "08-marking-a-settled-one": Truth(*OF_LN),
    "09-archived": Truth(Outcome.OPEN, paid="0"),
    "10-replaced": Truth(Outcome.OPEN, paid="0", evidence=(Proof.REPLACED,), troubles=(REGRESSED,)),
    "11-expired-unpaid": Truth(Outcome.UNEXPLAINED, paid="0"),
    "12-partial-then-late": Truth(*FAILED, paid="7.50", evidence=(Proof.PAID_PARTIAL,), troubles=(PARTIAL,)),
    "13-paid-late": Truth(*FAILED, evidence=(Proof.PAID_LATE,), troubles=(LATE,)),
    "15-lightning-after-expiry": Truth(Outcome.UNEXPLAINED, paid="0"),
    "16-processing-then-invalid": Truth(*FAILED, evidence=(Proof.UNCONFIRMED,), troubles=(REGRESSED,)),
    "20-refund-lightning": Truth(*OF_LN, paid="5.00", due="5.00", refunded=True),
    "21-refund-chain-fiat-needs-approval": Truth(*OF_CHAIN, paid="20.00", due="20.00", refunded=True),
    "22-refund-refused": Truth(*OF_LN, paid="5.00", due="5.00"),
    "24-lnurl": Truth(Outcome.SETTLED, Rail.LIGHTNING, (LNURL,), paid="5.00", due="5.00"),
}
LONG_AFTER = ReadUntil(2_000_000_000.0, None)


def truth_of(order: Order) -> Truth:
    return Truth(
        order.outcome,
        order.rail,
        order.methods,
        str(order.paid),
        str(order.due),
        tuple(each.proof for each in order.evidence),
        tuple(each.trouble for each in order.exceptions),
        order.business,
        order.refunded_at is not None,
    )


@pytest.mark.parametrize(("name", "truth"), TRUTHS.items(), ids=TRUTHS)
def test_each_recorded_story_becomes_its_truth(name: str, truth: Truth) -> None:
    """From the real answers and webhooks, through the real parser, to the table of the recordings."""
    (regrouped,) = regroup(told(name), (), read_until=LONG_AFTER)
    assert truth_of(regrouped.order) == truth


@pytest.mark.parametrize(("name", "truth"), TRUTHS.items(), ids=TRUTHS)
def test_a_story_ends_the_same_read_step_by_step(name: str, truth: Truth) -> None:
    """Judged after each second with what was known then, and kept: the end is the same."""
    kept: list[Order] = []
    last = told(name)
    for until in (0.5, 1, 2, 3, 5, 8, 15, 25, 32, 61, 63, 66, 70, 75, 122, 126):
        known = told(name, until)
        if known:
            now = min(story.invoice.created_at for story in known) + until
            kept = [each.order for each in regroup(known, kept, read_until=ReadUntil(now, None))]
    (regrouped,) = regroup(last, kept, read_until=LONG_AFTER)
    assert truth_of(regrouped.order) == truth


def test_instalments_of_a_payment_request_are_orders_of_their_own() -> None:
    """Story 23: two orders, both settled, although their order ids are equal."""
    stories = told("23-payment-request")
    orders = [each.order for each in regroup(stories, (), read_until=LONG_AFTER)]
    assert [(order.outcome, order.paid) for order in orders] == [
        (Outcome.SETTLED, Decimal("4.00")),
        (Outcome.SETTLED, Decimal("6.00")),
    ]
    assert len({order.order_id for order in orders}) == 1


def test_figures_of_the_second_onchain_payment() -> None:
    """Story 12: 12.50 came, the network fee of the second payment leaves 7.50; both are said."""
    (regrouped,) = regroup(told("12-partial-then-late"), (), read_until=LONG_AFTER)
    (trouble,) = regrouped.order.exceptions
    assert (trouble.credited, trouble.gross, trouble.due) == (Decimal("7.50"), Decimal("12.50"), Decimal("10.00"))
    assert "12.50 EUR came for 10.00 EUR, of which BTCPay credits 7.50 EUR" in trouble.sentence

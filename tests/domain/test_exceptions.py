"""The exception queue: six troubles with money, their figures, and what puts each right."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.model.merchant import AdditionalStatus, InvoiceStatus, PaymentStatus, PayoutState
from lnwatch.model.order import InvoiceStory, PaymentException, Refund, Trouble
from tests.domain.stories import (
    BEGIN,
    CHAIN,
    EXPIRED,
    INVALID,
    LIFE,
    LN,
    NEW,
    PROCESSING,
    SETTLED,
    at_node,
    hash_of,
    marked,
    payment,
    refund,
    story,
)

LATER = ReadUntil(BEGIN + 86_400.0 * 30, None)
GONE, WAITING = PaymentStatus.INVALID, PaymentStatus.PROCESSING
LATE, PARTIAL, OVER, TWICE, REGRESSED, NOT_SETTLED = (
    Trouble.PAID_LATE,
    Trouble.PAID_PARTIAL,
    Trouble.PAID_OVER,
    Trouble.PAID_TWICE,
    Trouble.INVOICE_REGRESSED,
    Trouble.PAID_NOT_SETTLED,
)
STRAY: dict[str, Any] = {"of_story": {"node": at_node(hash_of("bolt11 a"), 30)}}


def troubles(*stories: InvoiceStory) -> tuple[PaymentException, ...]:
    """What the queue holds of these invoices."""
    return tuple(each for regrouped in regroup(stories, (), read_until=LATER) for each in regrouped.order.exceptions)


def kinds(*stories: InvoiceStory) -> list[Trouble]:
    return [each.trouble for each in troubles(*stories)]


CASES: dict[str, tuple[InvoiceStory, list[Trouble]]] = {
    "nothing paid": (story("a", EXPIRED), []),
    "paid": (story("a", SETTLED, payment()), []),
    "over nothing": (story("a", SETTLED, euros="0"), []),
    # Late
    "late": (story("a", EXPIRED, payment(CHAIN, at=1_000)), [LATE]),
    "late and unconfirmed": (story("a", EXPIRED, payment(CHAIN, at=1_000, status=WAITING)), [LATE]),
    "late and too much": (story("a", EXPIRED, payment(CHAIN, "15", 1_000)), [LATE, OVER]),
    "late, accepted": (story("a", SETTLED, payment(CHAIN, at=1_000), **marked(EXPIRED, 2_000, "10")), []),
    "late, refused": (story("a", INVALID, payment(CHAIN, at=1_000), **marked(EXPIRED, 2_000, "10")), [LATE]),
    # Partial
    "partial": (story("a", EXPIRED, payment(CHAIN, "5")), [PARTIAL]),
    "partial, still open": (story("a", NEW, payment(CHAIN, "5")), []),
    "partial, within the tolerance": (
        story("a", SETTLED, payment(CHAIN, "9.90"), tolerance_percent=Decimal(1)),
        [],
    ),
    "partial by a hair, in time": (
        story("a", EXPIRED, payment(CHAIN, "9.9996"), additional=AdditionalStatus.PAID_PARTIAL),
        [PARTIAL],
    ),
    "partial by a hair, then late": (
        story("a", EXPIRED, payment(CHAIN, "9.9996"), payment(at=1_000), additional=AdditionalStatus.PAID_LATE),
        [LATE, OVER],
    ),
    "partial, accepted": (story("a", SETTLED, payment(CHAIN, "5"), **marked(EXPIRED, 2_000, "5")), []),
    "partial, cancelled while open": (story("a", INVALID, payment(CHAIN, "5"), **marked(NEW, 60, "5")), [PARTIAL]),
    # Over
    "over": (story("a", SETTLED, payment(CHAIN, "15")), [OVER]),
    "over by a cent": (story("a", SETTLED, payment(CHAIN, "10.01")), []),
    "over by a cent, which BTCPay minds": (
        story("a", SETTLED, payment(CHAIN, "10.01"), additional=AdditionalStatus.PAID_OVER),
        [OVER],
    ),
    "over in two payments": (story("a", SETTLED, payment(LN, "6", 10), payment(LN, "6", 20)), [OVER]),
    "over, not settled yet": (story("a", PROCESSING, payment(CHAIN, "15", status=WAITING)), []),
    # Twice
    "twice": (story("a", SETTLED, payment(LN, "10", 10), payment(CHAIN, "10", 600)), [TWICE]),
    "a little more afterwards": (story("a", SETTLED, payment(LN, "10", 10), payment(LN, "1", 600)), [TWICE]),
    "twice, the second replaced": (
        story("a", SETTLED, payment(LN, "10", 10), payment(CHAIN, "10", 600, status=GONE)),
        [],
    ),
    "twice, the second at the node alone": (story("a", SETTLED, payment(CHAIN), **STRAY), [TWICE]),
    # Regressed
    "double-spent": (story("a", NEW, payment(CHAIN, status=GONE)), [REGRESSED]),
    "double-spent, expired": (story("a", EXPIRED, payment(CHAIN, status=GONE)), [REGRESSED]),
    "double-spent, paid again": (
        story("a", SETTLED, payment(CHAIN, status=GONE), payment(LN, at=600)),
        [],
    ),
    "its fee was raised": (
        story("a", PROCESSING, payment(CHAIN, status=GONE), payment(CHAIN, at=99, status=WAITING)),
        [],
    ),
    "double-spent, partly paid again": (
        story("a", NEW, payment(CHAIN, status=GONE), payment(CHAIN, "4", at=99)),
        [REGRESSED],
    ),
    "fell back, its payments not told": (story("a", NEW, of_story={"regressed_at": BEGIN + 99.0}), [REGRESSED]),
    "settled, then out of the chain": (story("a", SETTLED, payment(CHAIN, status=GONE)), [REGRESSED]),
    "invalid": (story("a", INVALID, payment(CHAIN)), [REGRESSED]),
    "invalid, accepted": (story("a", SETTLED, payment(CHAIN), **marked(INVALID, 99_000, "10")), []),
    "double-spent, then cancelled by hand": (story("a", INVALID, payment(CHAIN, status=GONE), **marked(NEW, 99)), []),
    "refused while it waited": (
        story("a", INVALID, payment(CHAIN, status=WAITING), **marked(PROCESSING, 99, "10")),
        [],
    ),
    # Paid at the node
    "at the node": (story("a", EXPIRED, **STRAY), [NOT_SETTLED]),
    "at the node, still new": (story("a", NEW, **STRAY), [NOT_SETTLED]),
    "at the node, the rest partly": (story("a", EXPIRED, payment(CHAIN, "4"), **STRAY), [NOT_SETTLED, PARTIAL]),
}


@pytest.mark.parametrize(("held", "expected"), CASES.values(), ids=CASES)
def test_which_trouble_an_invoice_is_in(held: InvoiceStory, expected: list[Trouble]) -> None:
    """Each kind of harm once, and nothing where all is as it should be or was put right."""
    assert sorted(kinds(held)) == sorted(expected)
    for each in troubles(held):
        assert each.sentence.endswith(".")
        assert each.subject == ("order:shop/order-1" if each.trouble is TWICE else "invoice:a")
        assert each.facts["asked"] == "10.00 EUR"
        assert len(each.sentence) < 330


def test_a_hair_that_is_missing_is_said() -> None:
    """Less than a cent, which no rounded figure shows: without a word 10.00 of 10.00 EUR would be partly paid."""
    short = story("a", EXPIRED, payment(CHAIN, "9.9996"), additional=AdditionalStatus.PAID_PARTIAL)
    (regrouped,) = regroup([short], (), read_until=LATER)
    (trouble,), (proof,) = regrouped.order.exceptions, regrouped.order.evidence
    assert trouble.sentence.endswith("ended partly paid: 10.00 EUR came for 10.00 EUR; less than 0.01 EUR is missing.")
    assert proof.sentence == "BTCPay credits 10.00 EUR of 10.00 EUR; less than 0.01 EUR is missing."


def test_accepted_at_the_node() -> None:
    """Whoever saw the customer's receipt marks it settled: the order is accepted."""
    accepted = story("a", SETTLED, additional=AdditionalStatus.MARKED)
    held = replace(accepted, node=at_node(hash_of("bolt11 a")), mark=marked(EXPIRED, 2_000)["of_story"]["mark"])
    assert kinds(held) == []


REFUNDS: dict[str, tuple[tuple[Refund, ...], bool]] = {
    "all of it": ((refund("10"),), True),
    "less fees": ((refund("9.60"),), True),
    "too little": ((refund("9"),), False),
    "in two": ((refund("5", 3_600), refund("5", 7_200)), True),
    "in bitcoin": ((refund("10", asked=Decimal("0.0002"), asked_currency="BTC"),), True),
    "not paid yet": ((refund("10", state=PayoutState.IN_PROGRESS),), False),
    "cancelled": ((refund("10", state=PayoutState.CANCELLED),), False),
    "a link that nobody claimed": ((replace(refund("10"), payouts=()),), False),
}


@pytest.mark.parametrize(("refunds", "right"), REFUNDS.values(), ids=REFUNDS)
def test_money_that_went_back_puts_it_right(refunds: tuple[Refund, ...], right: bool) -> None:
    """Once nearly all that is owed left with completed payouts; until then it says how much went back."""
    kept: dict[str, Any] = {"of_story": {"refunds": refunds}}
    for held in (
        story("a", EXPIRED, payment(CHAIN, at=1_000), **kept),
        story("a", EXPIRED, payment(CHAIN, "10", 1_000), euros="20", **kept),
        story("a", SETTLED, payment(CHAIN, "20"), **kept),
        story("a", SETTLED, payment(LN), payment(CHAIN, at=600), **kept),
        story("a", INVALID, payment(CHAIN), **kept),
    ):
        assert (not troubles(held)) is right


def test_a_part_that_went_back_is_said_and_is_news() -> None:
    """The case stays, with another figure and other evidence."""
    (before,) = troubles(story("a", EXPIRED, payment(CHAIN, at=1_000)))
    (after,) = troubles(story("a", EXPIRED, payment(CHAIN, at=1_000), of_story={"refunds": (refund("4"),)}))
    assert after.sentence.endswith("4.00 EUR went back so far.")
    assert after.facts["went back"] == "4.00 EUR"
    assert before.evidence != after.evidence


def test_a_confirmation_is_news() -> None:
    """Money that is held now is another matter than money that may never come."""
    held, waits = (
        troubles(story("a", INVALID, payment(CHAIN, status=status))) for status in (PaymentStatus.SETTLED, WAITING)
    )
    assert held[0].evidence != waits[0].evidence
    assert held[0].sentence.endswith("It is confirmed by now.")
    assert waits[0].sentence.endswith("It is not confirmed yet.")


def test_looking_again_is_no_news() -> None:
    """Evidence is made of money alone: a case that was closed by hand stays closed."""
    held = story("a", EXPIRED, payment(CHAIN, at=1_000))
    looked = replace(held, invoice=replace(held.invoice, seen_at=held.invoice.seen_at + 999))
    assert troubles(held) == troubles(looked)


def test_two_invoices_of_an_order_that_were_both_paid() -> None:
    """One trouble, the order's, with the figures of both."""
    (twice,) = troubles(story("a", SETTLED, payment(at=300)), story("b", SETTLED, payment(at=700), made=200))
    assert (twice.trouble, twice.subject, twice.invoice) == (TWICE, "order:shop/order-1", "b")
    assert (twice.due, twice.credited, twice.gross) == (Decimal(10), Decimal(20), Decimal(20))
    assert twice.since == BEGIN + 700
    assert twice.sentence == (
        "Order order-1 of store:shop was paid again after it was settled: 20.00 EUR came for 10.00 EUR."
    )
    assert twice.facts["invoice"] == "a, b"


def test_a_late_payment_beside_a_settled_one_is_late() -> None:
    """The first invoice's money came late, the second settled the order: what is to go back is the first's."""
    (late,) = troubles(
        story("a", EXPIRED, payment(CHAIN, at=2_100)), story("b", SETTLED, payment(at=2_000), made=1_900)
    )
    assert (late.trouble, late.subject) == (LATE, "invoice:a")
    assert late.sentence.endswith(" Its order was settled with invoice b.")


def test_a_double_spend_is_over_once_the_order_was_paid_after_all() -> None:
    """With another invoice: nothing is held of the first. What is held of one goes on being owed."""
    paid = story("b", SETTLED, payment(at=300), made=200)
    assert kinds(story("a", EXPIRED, payment(CHAIN, status=GONE)), paid) == []
    assert kinds(story("a", INVALID, payment(CHAIN)), paid) == [REGRESSED]
    assert kinds(story("a", EXPIRED, payment(CHAIN, "4")), paid) == [PARTIAL]


def test_since_when() -> None:
    """When it went wrong: the payment, the expiry, or the moment that the node says."""
    since = {
        each.trouble: each.since - BEGIN
        for held in (
            story("a", EXPIRED, payment(CHAIN, at=1_000)),
            story("b", EXPIRED, payment(CHAIN, "5"), order_id="b"),
            story("c", SETTLED, payment(CHAIN, "15", 77), order_id="c"),
            story("d", NEW, order_id="d", of_story={"regressed_at": BEGIN + 99.0}),
            story("e", EXPIRED, order_id="e", **STRAY),
        )
        for each in troubles(held)
    }
    assert since == {LATE: 1_000, PARTIAL: LIFE, OVER: 77, REGRESSED: 99, NOT_SETTLED: 30}


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (
            story("a", EXPIRED, payment(CHAIN, at=1_080), order_id=None),
            "Invoice a of store:shop was paid 3 min after it had expired: 10.00 EUR came for 10.00 EUR.",
        ),
        (
            story("a", EXPIRED, payment(LN, at=7), order_id=None),
            "Invoice a of store:shop was paid just before it expired, unnoticed: 10.00 EUR came for 10.00 EUR.",
        ),
        (
            story("a", SETTLED, payment(CHAIN, "15"), order_id=None),
            "Invoice a of store:shop was paid 5.00 EUR too much: 15.00 EUR came for 10.00 EUR.",
        ),
        (
            story("a", EXPIRED, **STRAY),
            (
                "Invoice a of store:shop (order order-1) was paid with 20,000 sat at node:ln1 at 2026-11-18 11:07:10 "
                "UTC, but BTCPay shows it Expired with 0.00 EUR of 10.00 EUR."
            ),
        ),
    ],
)
def test_sentences_name_the_figures(held: InvoiceStory, sentence: str) -> None:
    """Support has to know at a glance what came, for what, and what is wrong."""
    assert troubles(held)[0].sentence == sentence


def test_an_order_id_may_be_anything() -> None:
    """It is the shop's text: shortened, on one line, in the sentence."""
    (late,) = troubles(story("a", EXPIRED, payment(CHAIN, at=1_000), order_id="x\n" * 500))
    assert "\n" not in late.sentence
    assert len(late.sentence) < 400


def test_statuses_of_a_newer_version_are_no_trouble() -> None:
    """What is not understood is not judged."""
    assert kinds(story("a", InvoiceStatus.UNKNOWN, payment())) == []

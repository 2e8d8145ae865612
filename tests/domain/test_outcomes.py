"""What became of an order: marks by hand, top-ups, invoices over nothing, the node alone, refunds, figures."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.model.merchant import AdditionalStatus, InvoiceStatus, InvoiceType, Method, PaymentStatus
from lnwatch.model.order import InvoiceStory, KnownPayment, Mark, Order, Outcome, Proof, Rail, Trouble
from tests.domain.stories import (
    BEGIN,
    BOTH,
    CHAIN,
    EXPIRED,
    INVALID,
    LN,
    NEW,
    PROCESSING,
    SETTLED,
    at_node,
    hash_of,
    hook,
    marked,
    payment,
    refund,
    story,
)

LATER = ReadUntil(BEGIN + 86_400.0 * 30, None)
TWICE, LATE, NOT_SETTLED = Trouble.PAID_TWICE, Trouble.PAID_LATE, Trouble.PAID_NOT_SETTLED


def one(*stories: InvoiceStory, kept: tuple[Order, ...] = ()) -> Order:
    """The one order that they are."""
    (regrouped,) = regroup(stories, kept, read_until=LATER)
    return regrouped.order


def test_a_mark_by_hand_never_makes_a_success() -> None:
    """Whatever it says: what stood before it counts."""
    for status in (SETTLED, INVALID):
        unpaid = one(story("a", status, **marked(NEW)))
        assert (unpaid.outcome, unpaid.business, unpaid.settled_at) == (Outcome.EXCLUDED, False, None)
        lapsed = one(story("a", status, **marked(EXPIRED, at=1_000)))
        assert (lapsed.outcome, lapsed.business) == (Outcome.UNEXPLAINED, True)
        partly = payment(CHAIN, "4")
        owed = one(story("a", status, partly, **marked(EXPIRED, 1_000, "4", AdditionalStatus.PAID_PARTIAL)))
        assert (owed.outcome, owed.rail) == (Outcome.FAILED, Rail.ONCHAIN)
        assert unpaid.legs == lapsed.legs == owed.legs == ()


@pytest.mark.parametrize("history", [True, False])
def test_what_settled_before_anybody_looked_settled_in_its_time(history: bool) -> None:
    """Of an old invoice that was settled at the first look the coins' own time counts, not that of the look."""
    looked = BEGIN + 86_400.0 * 20
    first = {"history": history, "first_seen_at": looked, "settled_seen_at": looked}
    old = one(story("a", SETTLED, payment(CHAIN, "10", 60), of_story=first, seen_at=looked))
    assert (old.outcome, old.settled_at) == (Outcome.SETTLED, BEGIN + 60.0 if history else looked)
    watched = {**first, "first_seen_at": BEGIN + 30.0, "settled_seen_at": BEGIN + 700.0}
    assert one(story("a", SETTLED, payment(CHAIN, "10", 60), of_story=watched)).settled_at == BEGIN + 700.0


@pytest.mark.parametrize(("history", "since"), [(True, BEGIN + 900.0), (False, BEGIN + 86_400.0)])
def test_what_fell_back_before_anybody_looked_is_no_news(history: bool, since: float) -> None:
    """An old invoice that was over at the first look fell back no later than it expired."""
    looked = BEGIN + 86_400.0
    first = {"history": history, "first_seen_at": looked, "ended_seen_at": looked, "regressed_at": looked}
    gone = payment(CHAIN, "10", 60, status=PaymentStatus.INVALID)
    (wrong,) = one(story("a", EXPIRED, gone, of_story=first)).exceptions
    assert (wrong.trouble, wrong.since) == (Trouble.INVOICE_REGRESSED, since)


@pytest.mark.parametrize(
    ("payments", "outcome"),
    [
        ((), Outcome.EXCLUDED),
        ((payment(CHAIN, "10", 60),), Outcome.SETTLED),
        ((payment(CHAIN, "4", 60),), Outcome.FAILED),
        ((payment(CHAIN, "10", 5_000),), Outcome.FAILED),
        ((payment(CHAIN, "10", 60, status=PaymentStatus.PROCESSING),), Outcome.FAILED),
    ],
)
def test_one_that_was_seen_marked_first(payments: tuple[KnownPayment, ...], outcome: Outcome) -> None:
    """Nobody saw what stood before: its payments say; without any nothing is claimed."""
    held = story("a", SETTLED, *payments, additional=AdditionalStatus.MARKED)
    unknown = Mark(BEGIN + 7_000.0, InvoiceStatus.UNKNOWN, AdditionalStatus.UNKNOWN, None)
    for mark in (None, unknown):
        assert one(replace(held, mark=mark)).outcome is outcome


def test_one_marked_while_it_waited_for_the_chain_is_settled_by_its_payment() -> None:
    """The payment came in time and was confirmed: the mark only came first. Without its confirmation it failed."""
    held = marked(PROCESSING, 60, "10")
    done = one(story("a", SETTLED, payment(CHAIN, at=10), **held))
    assert (done.outcome, done.rail) == (Outcome.SETTLED, Rail.ONCHAIN)
    waiting = one(story("a", SETTLED, payment(CHAIN, at=10, status=PaymentStatus.PROCESSING), **held))
    assert (waiting.outcome, [each.proof for each in waiting.evidence]) == (Outcome.FAILED, [Proof.UNCONFIRMED])


def test_a_top_up_asks_for_whatever_it_gets() -> None:
    """It is settled by any payment, is never paid over or twice, and asks for nothing while unpaid."""
    topped: dict[str, Any] = {"type": InvoiceType.TOP_UP, "amount": Decimal("6.1725")}
    paid = one(story("a", SETTLED, payment(CHAIN, "6.17"), payment(LN, "3", 400), **topped))
    assert (paid.outcome, paid.due, paid.paid, paid.exceptions) == (Outcome.SETTLED, paid.paid, Decimal("9.17"), ())
    unpaid = one(story("a", EXPIRED, type=InvoiceType.TOP_UP, amount=Decimal(0)))
    assert (unpaid.outcome, unpaid.business) == (Outcome.UNEXPLAINED, True)


def test_an_invoice_over_nothing_leaves_the_order_to_the_others() -> None:
    """It settles by itself and says nothing of a purchase."""
    free = story("a", SETTLED, euros="0")
    order = one(free, story("b", SETTLED, payment(at=500), made=100))
    assert (order.outcome, order.business, order.due) == (Outcome.SETTLED, True, Decimal(10))
    assert one(free, story("b", EXPIRED, made=100)).outcome is Outcome.UNEXPLAINED


def test_archiving_changes_nothing() -> None:
    """It is how a list is kept tidy."""
    paid = payment()
    assert one(story("a", SETTLED, paid, archived=True)) == one(story("a", SETTLED, paid))


def test_refunds_keep_their_first_moment() -> None:
    """A later look at the payout, or a second refund, does not move it."""
    paid = payment()
    first = one(story("a", SETTLED, paid, of_story={"refunds": (refund(at=3_600),)}))
    assert first.refunded_at == BEGIN + 3_605
    looked = refund(at=3_600, seen_at=BEGIN + 9_999.0)
    again = one(story("a", SETTLED, paid, of_story={"refunds": (looked, refund(at=7_200))}), kept=(first,))
    assert again.refunded_at == first.refunded_at


def test_figures_of_an_order() -> None:
    """What arrived in msat, what was asked over Lightning, each payment that counts, and the parts that it came in."""
    paid = payment(LN, at=10)
    known = at_node(paid.payment.payment_hash or "")
    stray = at_node(hash_of("bolt11 a"), 20)
    order = one(story("a", SETTLED, paid, of_story={"node": {**known, **stray}}))
    assert (order.paid_msat, order.asked_msat, order.parts) == (40_000_000, 20_000_000, 1)
    assert (order.payments, order.methods) == ((LN,), (LN,))
    assert [each.trouble for each in order.exceptions] == [TWICE]


def test_paid_at_the_node_and_expired_in_btcpay() -> None:
    """The recorded fault: a failure with evidence, over Lightning, and found as soon as both were read."""
    held = story("a", EXPIRED, euros="1", of_story={"node": at_node(hash_of("bolt11 a"), 30, "1")})
    order = one(held)
    assert (order.outcome, order.rail, order.methods) == (Outcome.FAILED, Rail.LIGHTNING, (LN,))
    assert [each.proof for each in order.evidence] == [Proof.PAID_AT_NODE]
    assert (order.paid, order.due, order.paid_msat) == (Decimal(0), Decimal(1), 2_000_000)
    assert [each.trouble for each in order.exceptions] == [NOT_SETTLED]


def test_paid_while_btcpay_was_away() -> None:
    """The recorded fault: what was still open settles, what was past its expiry is paid late, over Lightning."""
    late = one(story("a", EXPIRED, payment(LN, "1", at=7), euros="1", additional=AdditionalStatus.PAID_LATE))
    assert (late.outcome, late.rail) == (Outcome.FAILED, Rail.LIGHTNING)
    assert [each.trouble for each in late.exceptions] == [LATE]


def test_while_an_invoice_is_open_btcpay_has_to_be_asked_past_the_nodes_word() -> None:
    """A payment of this second is no trouble: BTCPay is about to hear of it."""
    held = story("a", NEW, of_story={"node": at_node(hash_of("bolt11 a"), 30)})
    (early,) = regroup([held], (), read_until=ReadUntil(BEGIN + 30.0, BEGIN + 30.0))
    assert (early.order.exceptions, early.due_at) == ((), BEGIN + 30)
    (later,) = regroup([held], (), read_until=ReadUntil(BEGIN + 31.0, BEGIN + 30.0))
    assert [each.trouble for each in later.order.exceptions] == [NOT_SETTLED]
    assert later.order.evidence == ()


@pytest.mark.parametrize(
    ("status", "told", "rail"),
    [
        (
            SETTLED,
            (hook("InvoicePaymentSettled", 12, payment(LN)), hook("InvoiceReceivedPayment", 12, payment(LN))),
            Rail.LIGHTNING,
        ),
        (SETTLED, (hook("InvoiceReceivedPayment", 12, payment(CHAIN)),), Rail.ONCHAIN),
        (EXPIRED, (hook("InvoiceReceivedPayment", 5_000, payment(CHAIN, at=5_000)),), Rail.ONCHAIN),
    ],
)
def test_webhooks_say_by_which_payments_an_invoice_was_paid(status: InvoiceStatus, told: Any, rail: Rail) -> None:  # noqa: ANN401 - a tuple of hooks
    """As long as an answer says that it was, and none said yet by which."""
    paid = one(story("a", status, paid=Decimal(10), of_story={"hooks": told}))
    assert paid.outcome is (Outcome.SETTLED if status is SETTLED else Outcome.FAILED)
    assert (paid.rail, len(paid.payments)) == (rail, 1)
    assert one(story("a", NEW, of_story={"hooks": told})).payments == ()


@pytest.mark.parametrize(
    ("methods", "waited", "rail"),
    [
        ((CHAIN,), False, Rail.ONCHAIN),
        ((LN,), False, Rail.LIGHTNING),
        (BOTH, True, Rail.ONCHAIN),
        (BOTH, False, Rail.LIGHTNING),
        ((*BOTH, Method.LNURL), True, Rail.ONCHAIN),
        ((*BOTH, Method.LNURL), False, Rail.LIGHTNING),
    ],
)
def test_one_that_is_settled_before_its_payments_were_read(methods: Any, waited: bool, rail: Rail) -> None:  # noqa: ANN401 - a tuple of methods
    """The price is there. It came over the chain if BTCPay was seen to wait for that, else over Lightning."""
    order = one(story("a", SETTLED, methods=methods, of_story={"waited": waited}))
    assert (order.outcome, order.rail, order.paid) == (Outcome.SETTLED, rail, Decimal(10))
    assert len(order.methods) == (len(methods) < 3 or waited)  # BTC-LN or BTC-LNURL: nobody can tell
    assert order.exceptions == ()

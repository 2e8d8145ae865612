"""Orders: when one is final, when it was settled, and which invoices it holds."""

from dataclasses import replace
from typing import Any

import pytest

from lnwatch.domain.orders import ReadUntil, Regrouped, regroup
from lnwatch.domain.purchases import MOST_INVOICES
from lnwatch.model.merchant import InvoiceStatus, PaymentStatus
from lnwatch.model.order import InvoiceStory, Order, Outcome, Rail, Trouble
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
    hook,
    in_chain,
    marked,
    payment,
    story,
)

WINDOW = 1_800
LATER = ReadUntil(BEGIN + 86_400.0 * 30, None)
TWICE, LATE, NOT_SETTLED = Trouble.PAID_TWICE, Trouble.PAID_LATE, Trouble.PAID_NOT_SETTLED


# Finality


def one(*stories: InvoiceStory, read_until: ReadUntil = LATER, kept: tuple[Order, ...] = ()) -> Order:
    """The one order that they are."""
    (regrouped,) = regroup(stories, kept, read_until=read_until)
    return regrouped.order


ENDS: dict[str, tuple[tuple[InvoiceStory, ...], float]] = {
    "settled": ((story("a", SETTLED, payment(at=10)),), 10),
    "settled by two payments": ((story("a", SETTLED, payment(LN, "4", 10), payment(LN, "6", 200)),), 200),
    "expired": ((story("a", EXPIRED),), LIFE + WINDOW),
    "expired, paid late": ((story("a", EXPIRED, payment(CHAIN, at=1_000)),), LIFE + WINDOW),
    "invalid": ((story("a", INVALID, payment(CHAIN)),), LIFE + 86_400 + WINDOW),
    "marked while open": ((story("a", SETTLED, **marked(NEW, 60)),), 60 + WINDOW),
    "marked after it expired": ((story("a", SETTLED, **marked(EXPIRED, 1_200)),), LIFE + WINDOW),
    "over 0": ((story("a", SETTLED, euros="0"),), 2 + WINDOW),
    "gone while open": ((story("a", NEW, of_story={"gone_at": BEGIN + 5_000.0}),), LIFE + WINDOW),
    "a retry settled": (
        (story("a", EXPIRED), story("b", SETTLED, payment(at=1_500), made=1_200)),
        1_500,
    ),
    "a retry expired": ((story("a", EXPIRED), story("b", EXPIRED, made=1_200)), 1_200 + LIFE + WINDOW),
    "settled while a retry is open": ((story("a", SETTLED, payment(at=700)), story("b", NEW, made=600)), 700),
}


@pytest.mark.parametrize(("held", "final"), ENDS.values(), ids=ENDS)
def test_an_order_is_final_by_the_sources_times(held: tuple[InvoiceStory, ...], final: float) -> None:
    """At the moment of the design, once BTCPay was read past its second; the end of that is when to look again."""
    moment = BEGIN + final
    (before,) = regroup(held, (), read_until=ReadUntil(moment + 0.9, None))
    assert (before.order.outcome, before.order.final_at, before.due_at) == (Outcome.OPEN, None, moment + 1)
    assert before.order.rail is Rail.NONE
    assert before.order.ends == ()
    (after,) = regroup(held, (), read_until=ReadUntil(moment + 1, None))
    assert after.order.outcome is not Outcome.OPEN
    assert (after.order.final_at, after.due_at) == (moment, None)
    assert [end.invoice for end in after.order.ends] == list(after.order.invoices)


def test_nothing_is_final_before_btcpay_was_ever_read() -> None:
    """Without a watermark nobody knows what else there is."""
    assert one(story("a", SETTLED, payment()), read_until=ReadUntil(None, None)).outcome is Outcome.OPEN


@pytest.mark.parametrize("status", [NEW, PROCESSING, InvoiceStatus.UNKNOWN])
def test_what_may_still_be_paid_is_open(status: InvoiceStatus) -> None:
    """Also long after its expiry, as after a restart of BTCPay, and in a state of a newer version."""
    (regrouped,) = regroup([story("a", status), story("b", EXPIRED)], (), read_until=LATER)
    assert regrouped == Regrouped(regrouped.order, None)
    assert regrouped.order.outcome is Outcome.OPEN


@pytest.mark.parametrize(
    ("held", "waits"),
    [
        (story("a", EXPIRED), True),
        (story("a", EXPIRED, payment(CHAIN, "5")), True),
        (story("a", SETTLED, payment()), False),
        (story("a", SETTLED, **marked()), False),
    ],
)
def test_what_needs_evidence_waits_for_the_node(held: InvoiceStory, waits: bool) -> None:
    """The node may have the money that BTCPay does not know of; what is settled or no business needs no evidence."""
    moment = one(held).final_at or 0
    behind = ReadUntil(moment + 1_000, moment)
    (regrouped,) = regroup([held], (), read_until=behind)
    assert (regrouped.order.outcome is Outcome.OPEN) is waits
    assert regrouped.due_at == (moment + 1 if waits else None)
    assert one(held, read_until=replace(behind, node=moment + 1)).outcome is not Outcome.OPEN
    assert (one(held, read_until=replace(behind, node=0.0)).outcome is Outcome.OPEN) is waits


@pytest.mark.parametrize("window", [60.0, 1_800.0, 86_400.0])
def test_the_window_for_another_try_can_be_set(window: float) -> None:
    """A customer who comes back within it goes on with the same order."""
    (regrouped,) = regroup([story("a", EXPIRED)], (), read_until=LATER, retry_window=window)
    assert regrouped.order.final_at == BEGIN + LIFE + window


def test_webhooks_alone_never_settle() -> None:
    """A webhook is a hint: without an answer that says so the invoice stays open."""
    hints = tuple(hook(kind, 12, payment()) for kind in ("InvoicePaymentSettled", "InvoiceSettled"))
    assert one(story("a", NEW, of_story={"hooks": hints})).outcome is Outcome.OPEN


# When an order was settled


def test_lightning_settles_when_the_node_says() -> None:
    """Else when BTCPay says the payment came; never later than the first word that it is settled."""
    paid = payment(LN, at=10)
    known = at_node(paid.payment.payment_hash or "", at=9)
    assert one(story("a", SETTLED, paid, of_story={"node": known})).settled_at == BEGIN + 9
    assert one(story("a", SETTLED, paid)).settled_at == BEGIN + 10
    assert one(story("a", SETTLED, paid, of_story={"settled_seen_at": BEGIN + 9.5})).settled_at == BEGIN + 9.5


CHAIN_PAID = payment(CHAIN, at=10)
SEEN = {"settled_seen_at": BEGIN + 700.0}
CONFIRMED = {"chain": in_chain(CHAIN_PAID, 600)}
TOLD = {"hooks": (hook("InvoicePaymentSettled", 650, CHAIN_PAID),)}


@pytest.mark.parametrize(
    ("policy", "known", "at"),
    [
        ("MediumSpeed", {**SEEN, **CONFIRMED, **TOLD}, 600),
        ("MediumSpeed", {**SEEN, **TOLD}, 650),
        ("MediumSpeed", SEEN, 700),
        ("LowSpeed", {**SEEN, **CONFIRMED, **TOLD}, 650),  # its first block is not the one that settles it
        ("LowSpeed", {**SEEN, **CONFIRMED}, 700),
        ("HighSpeed", {**SEEN, **CONFIRMED}, 10),
        ("MediumSpeed", {**SEEN, "chain": in_chain(CHAIN_PAID, 5)}, 10),  # a miner whose clock is behind
        ("MediumSpeed", {**SEEN, "chain": in_chain(CHAIN_PAID, 5_000)}, 700),  # or ahead
    ],
)
def test_the_chain_settles_with_the_block_that_counts(policy: str, known: dict[str, Any], at: float) -> None:
    """The block's time, else the webhook's, else the first look that told of it."""
    assert one(story("a", SETTLED, CHAIN_PAID, speed_policy=policy, of_story=known)).settled_at == BEGIN + at


def test_the_rail_is_that_of_the_payment_that_completed_it() -> None:
    """A mixture is what came last of what was needed; a payment that still waits completes nothing."""
    mixed = one(story("a", SETTLED, payment(CHAIN, "4", 10), payment(LN, "6", 300), of_story=SEEN))
    assert (mixed.rail, mixed.methods) == (Rail.ONCHAIN, (CHAIN, LN))  # the chain's confirms last: told at 700
    waiting = payment(CHAIN, "10", 10, status=PaymentStatus.PROCESSING)
    order = one(story("a", SETTLED, waiting, payment(LN, "10", 300), of_story={"settled_seen_at": BEGIN + 301.0}))
    assert (order.rail, order.settled_at) == (Rail.LIGHTNING, BEGIN + 300)


# Which invoices are one order


def groups(*stories: InvoiceStory, read_until: ReadUntil = LATER, kept: tuple[Order, ...] = ()) -> list[str]:
    """The invoices of each order, as one word."""
    return ["".join(each.order.invoices) for each in regroup(stories, kept, read_until=read_until)]


def test_another_try_within_the_window_is_the_same_order() -> None:
    """One purchase across several invoices is one trial, and offered on each rail that any of them carried."""
    order = one(
        story("a", EXPIRED, methods=(CHAIN,)), story("b", SETTLED, payment(at=2_000), made=1_900, methods=(LN,))
    )
    assert (order.id, order.invoices) == ("a", ("a", "b"))
    assert set(order.offered) == {LN, CHAIN}
    assert [(end.invoice, end.outcome, end.rail) for end in order.ends] == [
        ("a", Outcome.UNEXPLAINED, Rail.NONE),
        ("b", Outcome.SETTLED, Rail.LIGHTNING),
    ]


@pytest.mark.parametrize(
    ("made", "expected"),
    [(LIFE + WINDOW, ["ab"]), (LIFE + WINDOW + 1, ["a", "b"]), (86_400, ["a", "b"])],
)
def test_a_later_invoice_of_the_id_is_a_new_order(made: float, expected: list[str]) -> None:
    """From the second on that follows the moment at which the order before was final."""
    assert groups(story("a", EXPIRED), story("b", EXPIRED, made=made)) == expected


@pytest.mark.parametrize(
    ("paid", "made", "expected"),
    [
        pytest.param(0, 0, {"ab": [TWICE]}, id="made and paid in one second"),
        pytest.param(40, 0, {"ab": [TWICE]}, id="made in one second"),
        pytest.param(40, 40, {"ab": [TWICE]}, id="made in the second in which the first was settled"),
        pytest.param(40.9, 41, {"a": [], "b": []}, id="made after it, as of a donation"),
    ],
)
def test_whoever_pays_two_invoices_that_were_there_together_paid_twice(
    paid: float, made: float, expected: dict[str, list[Trouble]]
) -> None:
    """BTCPay tells when an invoice was made in whole seconds: one of the same second may have been there before."""
    held = [story("a", SETTLED, payment(at=paid)), story("b", SETTLED, payment(at=90), made=made)]
    orders = [each.order for each in regroup(held, (), read_until=LATER)]
    assert orders == [each.order for each in regroup(held[::-1], (), read_until=LATER)]
    found = {"".join(order.invoices): [each.trouble for each in order.exceptions] for order in orders}
    assert found == expected


def test_nothing_is_final_while_its_second_may_bring_another_invoice() -> None:
    """One that is read only after the first was settled still joins, and is told as paid twice."""
    first = story("a", SETTLED, payment(at=40))
    early = one(first, read_until=ReadUntil(BEGIN + 40.8, None))
    assert early.outcome is Outcome.OPEN
    late = one(first, story("b", SETTLED, payment(at=90), made=40), kept=(early,))
    assert (late.invoices, [each.trouble for each in late.exceptions]) == (("a", "b"), [TWICE])


def test_donations_with_a_reused_id_do_not_collapse() -> None:
    """Each that is settled ends an order; one that overlaps belongs to the one before."""
    stories = [
        story(name, SETTLED, payment(at=number * 100 + 50), made=number * 100) for number, name in enumerate("abcd")
    ]
    assert groups(*stories) == ["a", "b", "c", "d"]
    orders = regroup(stories, (), read_until=LATER)
    assert not any(each.order.exceptions for each in orders)


def test_overlapping_donations_are_no_double_payment() -> None:
    """An id under which several orders were settled is that of many purchases."""
    two = [
        story("a", SETTLED, payment(at=100)),
        story("b", SETTLED, payment(at=130), made=50),
        story("c", SETTLED, payment(at=900), made=800),
    ]
    assert groups(*two) == ["ab", "c"]
    assert not any(each.order.exceptions for each in regroup(two, (), read_until=LATER))
    (alone,) = regroup(two[:2], (), read_until=LATER)
    assert [each.trouble for each in alone.order.exceptions] == [TWICE]


@pytest.mark.parametrize(
    "changes",
    [{"order_id": None}, {"order_id": ""}, {"order_id": "PAY_REQUEST_1"}, {"payment_request_id": "1"}],
)
def test_invoices_without_an_id_of_their_own_stand_alone(changes: dict[str, Any]) -> None:
    """No order id, or that of a payment request, which each instalment repeats."""
    assert groups(story("a", EXPIRED, **changes), story("b", EXPIRED, made=10, **changes)) == ["a", "b"]


def test_invoices_of_different_ids_are_different_orders() -> None:
    """Whatever comes between them."""
    held = [story("a", EXPIRED), story("b", EXPIRED, made=10, order_id="order-2"), story("c", EXPIRED, made=20)]
    assert groups(*held) == ["ac", "b"]


def test_an_order_has_a_bound() -> None:
    """What keeps making invoices under one id can't make an order that nobody can hold."""
    stories = [story(f"i{number:03}", NEW, made=number) for number in range(MOST_INVOICES + 1)]
    assert [len(each.order.invoices) for each in regroup(stories, (), read_until=LATER)] == [MOST_INVOICES, 1]


# What is kept


def test_an_order_that_was_final_keeps_its_invoices_and_its_place() -> None:
    """What is found later makes orders of its own, however early it was made."""
    final = replace(one(story("b", EXPIRED, made=100)), sequence=7)
    regrouped = regroup([story("a", EXPIRED), story("b", EXPIRED, made=100)], [final], read_until=LATER)
    assert [each.order.invoices for each in regrouped] == [("a",), ("b",)]
    assert regrouped[1].order == final


def test_what_comes_after_finality_corrects_the_outcome_alone() -> None:
    """A late payment: the same order, moment and place; another outcome, its evidence and its trouble."""
    final = replace(one(story("a", EXPIRED)), sequence=7)
    assert final.outcome is Outcome.UNEXPLAINED
    corrected = one(story("a", EXPIRED, payment(CHAIN, at=80_000)), kept=(final,))
    assert (corrected.outcome, corrected.rail) == (Outcome.FAILED, Rail.ONCHAIN)
    assert (corrected.final_at, corrected.sequence, corrected.invoices) == (final.final_at, 7, ("a",))
    assert [each.trouble for each in corrected.exceptions] == [LATE]


def test_what_was_final_does_not_open_again() -> None:
    """Not for a state of a newer version, nor for a source that was never read since a restart."""
    final = replace(one(story("a", EXPIRED)), sequence=7)
    strange = one(story("a", InvoiceStatus.UNKNOWN), kept=(final,), read_until=ReadUntil(None, 0.0))
    assert (strange.outcome, strange.final_at, strange.sequence) == (Outcome.UNEXPLAINED, final.final_at, 7)


def test_history_may_still_be_completed() -> None:
    """What happened before birth is read from the newest on: an earlier invoice joins, and the order bears its name."""
    past: dict[str, Any] = {"of_story": {"history": True}}
    final = one(story("b", EXPIRED, made=100, **past))
    assert final.history
    regrouped = regroup([story("a", EXPIRED, **past), story("b", EXPIRED, made=100, **past)], [final], read_until=LATER)
    assert [(each.order.id, each.order.invoices) for each in regrouped] == [("a", ("a", "b"))]


def test_one_live_invoice_makes_an_order_live() -> None:
    """What became of it came after birth."""
    past: dict[str, Any] = {"of_story": {"history": True}}
    assert not one(story("a", EXPIRED, **past), story("b", EXPIRED, made=1_000)).history


def test_an_order_of_which_not_all_is_at_hand_stays_as_it_is() -> None:
    """A window of a huge group: nothing is made anew of a part."""
    whole = one(story("a", NEW), story("b", NEW, made=10))
    assert regroup([story("b", EXPIRED, made=10)], [whole], read_until=LATER) == (Regrouped(whole, None),)

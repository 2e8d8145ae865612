"""Histories of random invoices: whatever the order in which things came to be known, the orders are the same."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.domain.orders import ReadUntil, regroup
from lnwatch.model.merchant import InvoiceStatus, InvoiceType, Method, PaymentStatus
from lnwatch.model.order import FINAL_OUTCOMES, InvoiceStory, Order, Outcome, Rail
from tests.domain.stories import (
    BEGIN,
    CHAIN,
    EXPIRED,
    INVALID,
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

LNURL = Method.LNURL
STATUSES = (NEW, PROCESSING, SETTLED, EXPIRED, INVALID, InvoiceStatus.UNKNOWN)
EVER = ReadUntil(BEGIN + 86_400.0 * 365, None)


@st.composite
def invoices(draw: st.DrawFn, name: str) -> InvoiceStory:
    """An invoice with any status, payments, mark, refunds and word of the node, made within six hours."""
    made = draw(st.integers(0, 21_600))
    moments = draw(st.lists(st.integers(made, made + 5_000), max_size=3, unique=True))
    paid = [
        payment(
            draw(st.sampled_from([LN, LNURL, CHAIN])),
            draw(st.sampled_from(["0.01", "4", "6", "10", "15"])),
            at,
            status=draw(st.sampled_from(list(PaymentStatus))),
        )
        for at in moments
    ]
    known: dict[str, Any] = {"history": draw(st.booleans())}
    changes: dict[str, Any] = {}
    if draw(st.integers(0, 4)) == 0:
        before = draw(st.sampled_from([NEW, PROCESSING, EXPIRED, INVALID]))
        mark = marked(before, made + draw(st.integers(1, 9_000)), draw(st.sampled_from(["0", "4", "10"])))
        known |= mark.pop("of_story")
        changes |= mark
    if draw(st.integers(0, 4)) == 0:
        known["node"] = at_node(hash_of(f"bolt11 {name}"), made + draw(st.integers(1, 2_000)))
    if draw(st.integers(0, 4)) == 0:
        known["refunds"] = (refund(draw(st.sampled_from(["4", "10"])), made + 9_000),)
    return story(
        name,
        draw(st.sampled_from(STATUSES)),
        *paid,
        made=made,
        euros=draw(st.sampled_from(["0", "10", "10", "20"])),
        type=draw(st.sampled_from([InvoiceType.STANDARD, InvoiceType.STANDARD, InvoiceType.TOP_UP])),
        order_id=draw(st.sampled_from(["order-1", "order-1", "order-1", "order-2", None, "PAY_REQUEST_1"])),
        of_story=known,
        **changes,
    )


@st.composite
def shops(draw: st.DrawFn) -> list[InvoiceStory]:
    """Up to seven invoices of a store."""
    return [draw(invoices(name)) for name in "abcdefg"[: draw(st.integers(1, 7))]]


moments = st.integers(0, 200_000).map(lambda seconds: float(BEGIN + seconds))


def orders(
    stories: Sequence[InvoiceStory], kept: Sequence[Order] = (), read_until: ReadUntil = EVER
) -> tuple[Order, ...]:
    return tuple(each.order for each in regroup(stories, kept, read_until=read_until))


@given(held=shops(), until=moments, data=st.data())
@settings(max_examples=100, deadline=None)
def test_the_order_in_which_invoices_come_does_not_matter(
    held: list[InvoiceStory], until: float, data: st.DataObject
) -> None:
    """Orders are a function of the set."""
    shuffled = data.draw(st.permutations(held))
    read = ReadUntil(until, until)
    assert regroup(held, (), read_until=read) == regroup(shuffled, (), read_until=read)


@given(held=shops(), until=moments)
@settings(max_examples=100, deadline=None)
def test_doing_it_again_changes_nothing(held: list[InvoiceStory], until: float) -> None:
    """After a crash everything is redone, with the same result."""
    read = ReadUntil(until, until)
    once = orders(held, (), read)
    assert orders(held, once, read) == once
    assert orders(list(reversed(held)), tuple(reversed(once)), read) == once


@given(held=shops(), until=moments)
@settings(max_examples=100, deadline=None)
def test_each_invoice_is_in_exactly_one_order(held: list[InvoiceStory], until: float) -> None:
    """None is lost and none counted twice; what stands alone does, and what shares an order shares its id."""
    found = orders(held, (), ReadUntil(until, until))
    assert sorted(name for order in found for name in order.invoices) == sorted(each.invoice.id for each in held)
    ids = {each.invoice.id: each.invoice.order_id for each in held}
    for order in found:
        assert {ids[name] for name in order.invoices} == {order.order_id}
        assert order.id == order.invoices[0]
        assert len(order.invoices) == 1 or order.order_id in {"order-1", "order-2"}


@given(held=shops(), looks=st.lists(moments, max_size=5).map(sorted))
@settings(max_examples=100, deadline=None)
def test_looking_in_between_comes_to_the_same(held: list[InvoiceStory], looks: list[float]) -> None:
    """However often orders are judged on the way, they end as if they had been judged once; final ones stay final."""
    kept: tuple[Order, ...] = ()
    for until in looks:
        before = {order.id: order for order in kept if order.outcome is not Outcome.OPEN}
        kept = orders(held, kept, ReadUntil(until, until))
        after = {order.id: order for order in kept}
        for name, order in before.items():
            assert (after[name].invoices, after[name].final_at) == (order.invoices, order.final_at)
    assert orders(held, kept) == orders(held)


@given(held=shops(), until=moments)
@settings(max_examples=100, deadline=None)
def test_what_holds_of_every_order(held: list[InvoiceStory], until: float) -> None:
    """What others lean on: finality, rails and evidence fit the outcome, and a mark alone never settled anything."""
    read = ReadUntil(until, until)
    by_id = {each.invoice.id: each for each in held}
    for regrouped in regroup(held, (), read_until=read):
        order = regrouped.order
        final = order.outcome in FINAL_OUTCOMES
        assert (order.final_at is not None) is final
        assert order.final_at is None or order.final_at < until
        assert regrouped.due_at is None or not final
        assert [end.invoice for end in order.ends] == (list(order.invoices) if final else [])
        assert (order.rail is Rail.NONE) or final
        assert bool(order.evidence) or order.outcome not in {Outcome.FAILED, Outcome.UNPAYABLE}
        assert not order.evidence or order.outcome in {Outcome.FAILED, Outcome.UNPAYABLE, Outcome.OPEN}
        assert order.business or order.outcome in {Outcome.EXCLUDED, Outcome.OPEN}
        if order.outcome is Outcome.SETTLED:
            assert order.settled_at == order.final_at
            assert any(by_id[name].invoice.status is SETTLED or by_id[name].payments for name in order.invoices)
        for trouble in order.exceptions:
            assert trouble.invoice in order.invoices
            assert len(trouble.sentence) < 400
        assert len({(each.trouble, each.subject) for each in order.exceptions}) == len(order.exceptions)
        assert set(order.methods) <= {LN, LNURL, CHAIN}

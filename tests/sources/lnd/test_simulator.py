"""The double keeps to what LND does, whatever our client sends."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd import InvoiceBook
from lnwatch.simulator.lnd.invoices import CANCELED, OPEN, SETTLED
from lnwatch.simulator.lnd.payments import ForwardLog, PaymentBook


def book(history: int = 250) -> InvoiceBook:
    return InvoiceBook(seed=1, history=history, now=lambda: 1_800_000_000.0)


@pytest.mark.parametrize(
    ("request_", "indices"),
    [
        (sim.ListInvoiceRequest(), range(1, 101)),  # 100 where no number is asked for
        (sim.ListInvoiceRequest(reversed=True), range(151, 251)),
        (sim.ListInvoiceRequest(reversed=True, num_max_invoices=1), [250]),
        (sim.ListInvoiceRequest(index_offset=248, num_max_invoices=10), [249, 250]),
        (sim.ListInvoiceRequest(index_offset=250, num_max_invoices=10), []),
        (sim.ListInvoiceRequest(index_offset=3, num_max_invoices=10, reversed=True), [1, 2]),
        (sim.ListInvoiceRequest(index_offset=1, num_max_invoices=10, reversed=True), []),
        (sim.ListInvoiceRequest(index_offset=900, num_max_invoices=2, reversed=True), [249, 250]),
        (sim.ListInvoiceRequest(pending_only=True, num_max_invoices=2, index_offset=200), [203, 207]),
    ],
)
def test_invoice_pages(request_: sim.ListInvoiceRequest, indices: list[int]) -> None:
    """Offsets are exclusive both ways, answers always rise."""
    answer = book().page(request_)
    assert [invoice.add_index for invoice in answer.invoices] == list(indices)
    assert answer.first_index_offset == (indices[0] if indices else 0)
    assert answer.last_index_offset == (indices[-1] if indices else 0)


@given(st.integers(0, 400), st.data())
def test_history_is_consistent(history: int, data: st.DataObject) -> None:
    """Settle indices are gapless and lead back to their invoices."""
    made = book(history)
    invoices = [invoice for index in range(1, history + 1) if (invoice := made.get(index))]
    settled = [invoice.settle_index for invoice in invoices if invoice.state == SETTLED]
    assert settled == list(range(1, len(settled) + 1))
    assert made.last_settle_index == len(settled)
    if settled:
        number = data.draw(st.sampled_from(settled))
        found = made.get(made._index_of(number))
        assert found is not None
        assert found.settle_index == number


def test_expiry_comes_by_itself() -> None:
    """What is not paid in time is cancelled, and gone where garbage is collected."""
    now = [1_800_000_000.0]
    made = InvoiceBook(seed=1, history=0, now=lambda: now[0])
    made.add(1_000, expiry=60)
    made.add(1_000, expiry=6_000)
    now[0] += 61
    there = [invoice.state for index in (1, 2) if (invoice := made.get(index)) is not None]
    assert there == [CANCELED, OPEN]
    made.collect_garbage = True
    now[0] += 6_000
    assert made.get(2) is None


async def test_subscription_keeps_silent_about_cancellations() -> None:
    """Backlogs come first, an index of 0 means none, and cancelled or accepted invoices are never told."""
    made = book(history=0)
    for _ in range(5):
        made.add(1_000)
    made.settle(2)
    made.cancel(3)
    made.accept(4, channel=1)
    stream = made.subscribe(sim.InvoiceSubscription(add_index=1))
    assert [(await anext(stream)).add_index for _ in range(2)] == [2, 5]
    quiet = made.subscribe(sim.InvoiceSubscription())
    first = asyncio.ensure_future(anext(quiet))
    await asyncio.sleep(0)
    made.cancel(5)
    made.settle(4)
    assert (await first).add_index == 4


@pytest.mark.parametrize(
    ("asked", "version", "count"),
    [
        (sim.ListPaymentsRequest(include_incomplete=True), (0, 19, 3), 150),
        (sim.ListPaymentsRequest(include_incomplete=True), (0, 20, 0), 100),
        (sim.ListPaymentsRequest(), (0, 20, 0), 100),
        (sim.ListPaymentsRequest(max_payments=7), (0, 21, 0), 7),
    ],
)
def test_payment_pages(asked: sim.ListPaymentsRequest, version: tuple[int, ...], count: int) -> None:
    """What no number means changed in 0.20."""
    made = PaymentBook(seed=1, history=150, now=lambda: 1_800_000_000.0)
    answer = made.page(asked, version)
    assert len(answer.payments) == count
    assert (answer.payments[4].status == 3) is asked.include_incomplete


def test_forward_pages() -> None:
    """The offset counts from the window's beginning; 100 come where no number is asked for."""
    now = 1_800_000_000.0
    log = ForwardLog(seed=1, history=120, now=lambda: now)
    assert len(log.page(sim.ForwardingHistoryRequest(), (0, 21, 0)).forwarding_events) == 100
    window = sim.ForwardingHistoryRequest(start_time=int(now) - 600, index_offset=2)
    answer = log.page(window, (0, 21, 0))
    assert [event.incoming_htlc_id for event in answer.forwarding_events] == list(range(112, 120))
    assert answer.last_offset_index == 10

"""How LND hands out long lists: cursors both ways, limits, dates; over the simulator and over the real one."""

import time
from collections.abc import Sequence

import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from tests.adapters.calls import LIGHTNING, Caller, calling
from tests.adapters.nodes import Lightning, Made

OPEN, SETTLED, CANCELED = 0, 1, 2
SUCCEEDED, FAILED = 2, 3
FAR = 10**9  # more than any index


async def invoices(caller: Caller, **asked: int) -> tuple[list[int], int, int]:
    """Add indices of a page, and the cursors that came with it."""
    request = sim.ListInvoiceRequest(**asked)  # type: ignore[arg-type]
    page = await caller.ask(f"{LIGHTNING}ListInvoices", request, sim.ListInvoiceResponse)
    return [one.add_index for one in page.invoices], page.first_index_offset, page.last_index_offset


async def make_five(lightning: Lightning) -> list[Made]:
    """Five invoices; the second is cancelled, the third paid."""
    made = [await lightning.invoice(1_000 + number) for number in range(5)]
    await lightning.cancel(made[1])
    await lightning.paid(made[2])
    return made


async def test_pages_of_invoices(lightning: Lightning, caller: Caller) -> None:
    """Cursors are exclusive in both directions, an answer always rises, and tells its ends; an empty one tells none."""
    made = await make_five(lightning)
    first, last = made[0].index, made[-1].index
    assert [one.index for one in made] == list(range(first, last + 1))
    before = first - 1
    expected: Sequence[tuple[dict[str, int], list[int]]] = (
        ({"index_offset": before, "num_max_invoices": 3}, [first, first + 1, first + 2]),
        ({"index_offset": first + 2, "num_max_invoices": 3}, [last - 1, last]),
        ({"index_offset": last, "num_max_invoices": 3}, []),
        ({"index_offset": FAR}, []),
        ({"reversed": 1, "num_max_invoices": 2}, [last - 1, last]),
        ({"reversed": 1, "index_offset": last, "num_max_invoices": 2}, [last - 2, last - 1]),
        ({"reversed": 1, "index_offset": FAR, "num_max_invoices": 1}, [last]),
        ({"pending_only": 1, "index_offset": before}, [first, last - 1, last]),
        ({"pending_only": 1, "index_offset": first, "num_max_invoices": 1}, [last - 1]),
        ({"index_offset": before, "creation_date_start": int(time.time()) + 999}, []),
        ({"index_offset": before, "creation_date_end": int(time.time()) + 999}, list(range(first, last + 1))),
        ({"index_offset": before, "creation_date_end": 1}, []),
    )
    for asked, indices in expected:
        ends = (indices[0], indices[-1]) if indices else (0, 0)
        assert await invoices(caller, **asked) == (indices, *ends), asked


async def test_invoices_where_no_number_is_asked_for(lightning: Lightning, caller: Caller) -> None:
    """A hundred come, the oldest ones or the newest."""
    made = [await lightning.invoice(1) for _ in range(101)]
    first, last = made[0].index, made[-1].index
    assert (await invoices(caller, index_offset=first - 1))[0] == list(range(first, first + 100))
    assert (await invoices(caller, reversed=1))[0] == list(range(last - 99, last + 1))
    assert len((await invoices(caller, index_offset=first - 1, num_max_invoices=2**63))[0]) == 101


async def test_what_an_invoice_says(lightning: Lightning, caller: Caller) -> None:
    """State by state an invoice bears what LND gives it, and no more."""
    asked = sim.ListInvoiceRequest(index_offset=(await make_five(lightning))[0].index - 1)
    page = await caller.ask(f"{LIGHTNING}ListInvoices", asked, sim.ListInvoiceResponse)
    open_, canceled, settled = page.invoices[0], page.invoices[1], page.invoices[2]
    assert [one.state for one in page.invoices] == [OPEN, CANCELED, SETTLED, OPEN, OPEN]
    for one, amount in ((open_, 1_000), (canceled, 1_001), (settled, 1_002)):
        assert (one.value, one.value_msat, len(one.r_hash), len(one.r_preimage)) == (amount, amount * 1_000, 32, 32)
        assert (len(one.payment_addr), one.expiry, one.cltv_expiry) == (32, 3_600, 80)
        assert one.payment_request.startswith("lnbcrt")
        assert (one.private, one.is_keysend, one.is_amp) == (False, False, False)
        assert one.creation_date == pytest.approx(time.time(), abs=60)
    for one in (open_, canceled):
        assert (one.settled, one.settle_date, one.settle_index, one.amt_paid_msat) == (False, 0, 0, 0)
        assert list(one.htlcs) == []
    assert (settled.settled, settled.amt_paid, settled.amt_paid_sat, settled.amt_paid_msat) == (
        True,
        1_002_000,
        1_002,
        1_002_000,
    )
    assert settled.settle_index
    assert settled.settle_date >= settled.creation_date
    (htlc,) = settled.htlcs
    assert (htlc.amt_msat, htlc.mpp_total_amt_msat, htlc.state) == (1_002_000, 1_002_000, 1)
    assert htlc.chan_id
    assert htlc.accept_height
    assert htlc.expiry_height > htlc.accept_height
    assert htlc.resolve_time >= htlc.accept_time > 0


async def payments(caller: Caller, **asked: int) -> sim.ListPaymentsResponse:
    request = sim.ListPaymentsRequest(**asked)  # type: ignore[arg-type]
    return await caller.ask(f"{LIGHTNING}ListPayments", request, sim.ListPaymentsResponse)


async def test_pages_of_payments(lightning: Lightning, caller: Caller) -> None:
    """Failed ones come only where they are asked for; cursors are exclusive, and an empty page has none."""
    newest = (await payments(caller, include_incomplete=1, reversed=1, max_payments=1)).last_index_offset
    counted = (await payments(caller, count_total_payments=1, max_payments=1)).total_num_payments
    sent = [await lightning.send(1_000), await lightning.fail_to_send(), await lightning.send(1_200)]
    every = await payments(caller, include_incomplete=1, index_offset=newest)
    assert [one.payment_hash for one in every.payments] == sent
    indices = [one.payment_index for one in every.payments]
    assert indices == sorted(set(indices))
    assert (every.first_index_offset, every.last_index_offset, every.total_num_payments) == (indices[0], indices[2], 0)
    expected: Sequence[tuple[dict[str, int], list[str]]] = (
        ({"index_offset": newest}, [sent[0], sent[2]]),
        ({"index_offset": newest, "max_payments": 1}, sent[:1]),
        ({"index_offset": indices[0], "include_incomplete": 1, "max_payments": 1}, sent[1:2]),
        ({"index_offset": indices[2]}, []),
        ({"index_offset": FAR}, []),
        ({"reversed": 1, "max_payments": 1}, sent[2:]),
        ({"reversed": 1, "max_payments": 2, "include_incomplete": 1}, sent[1:]),
        ({"reversed": 1, "index_offset": indices[2], "max_payments": 1}, sent[:1]),
        ({"index_offset": newest, "creation_date_start": int(time.time()) + 999}, []),
        ({"index_offset": newest, "creation_date_end": 1}, []),
        ({"index_offset": newest, "creation_date_end": int(time.time()) + 999}, [sent[0], sent[2]]),
    )
    for asked, hashes in expected:
        assert [one.payment_hash for one in (await payments(caller, **asked)).payments] == hashes, asked
    empty = await payments(caller, index_offset=FAR)
    assert (empty.first_index_offset, empty.last_index_offset) == (0, 0)
    assert (await payments(caller, count_total_payments=1, max_payments=1)).total_num_payments == counted + 3


async def test_what_a_payment_says(lightning: Lightning, caller: Caller) -> None:
    """One that arrived has its fee and its attempt, one that did not has a reason."""
    newest = (await payments(caller, include_incomplete=1, reversed=1, max_payments=1)).last_index_offset
    await lightning.send(1_500)
    await lightning.fail_to_send()
    good, bad = (await payments(caller, include_incomplete=1, index_offset=newest)).payments
    assert (good.status, good.value_sat, good.value_msat, good.failure_reason) == (SUCCEEDED, 1_500, 1_500_000, 0)
    assert good.payment_request.startswith("lnbcrt")
    assert good.creation_time_ns == pytest.approx(time.time_ns(), abs=60e9)
    (attempt,) = good.htlcs
    assert (attempt.status, len(attempt.route.hops) > 0) == (1, True)
    assert attempt.resolve_time_ns >= attempt.attempt_time_ns > 0
    assert attempt.attempt_id
    assert (bad.status, bad.fee_msat, bad.failure_reason != 0) == (FAILED, 0, True)
    (unchanged,) = (await payments(caller, index_offset=newest, omit_hops=1)).payments
    assert unchanged == good  # a bbolt database has no way to leave them out


async def test_pages_of_forwards(lightning: Lightning) -> None:
    """The offset counts from the beginning of the window, and an answer says where the next one begins."""
    begin = int(time.time())
    async with calling(lightning.carrier) as caller:

        async def page(**asked: int) -> sim.ForwardingHistoryResponse:
            request = sim.ForwardingHistoryRequest(**asked)  # type: ignore[arg-type]
            return await caller.ask(f"{LIGHTNING}ForwardingHistory", request, sim.ForwardingHistoryResponse)

        known = len((await page(start_time=begin)).forwarding_events)
        for amount in (2_000, 3_000):
            await lightning.forward(amount)
        both = await page(start_time=begin, index_offset=known)
        assert [one.amt_out for one in both.forwarding_events] == [2_000, 3_000]
        assert both.last_offset_index == known + 2
        one = await page(start_time=begin, index_offset=known, num_max_events=1)
        assert ([each.amt_out for each in one.forwarding_events], one.last_offset_index) == ([2_000], known + 1)
        rest = await page(start_time=begin, index_offset=known + 1, num_max_events=50_001)
        assert ([each.amt_out for each in rest.forwarding_events], rest.last_offset_index) == ([3_000], known + 2)
        none = await page(start_time=begin, index_offset=known + 7)
        assert (list(none.forwarding_events), none.last_offset_index) == ([], known + 7)
        assert list((await page(start_time=begin + 9_999)).forwarding_events) == []
        assert list((await page(start_time=10, end_time=5)).forwarding_events) == []
        for event in both.forwarding_events:
            assert event.amt_in_msat == event.amt_out_msat + event.fee_msat
            assert (event.amt_in, event.fee) == (event.amt_in_msat // 1_000, event.fee_msat // 1_000)
            assert event.timestamp == event.timestamp_ns // 1_000_000_000 >= begin
            assert event.fee_msat > 0
            assert event.chan_id_in != event.chan_id_out

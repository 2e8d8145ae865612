"""What LND tells by itself: backlogs, what comes after them, and what it keeps to itself; simulated and real."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from tests.adapters.calls import EMPTY, LIGHTNING, Caller, unknown
from tests.adapters.nodes import Lightning
from tests.adapters.test_lnd_paging import OPEN, SETTLED, invoices, make_five

T = TypeVar("T")
STREAM = f"{LIGHTNING}SubscribeInvoices"
HTLCS = "/routerrpc.Router/SubscribeHtlcEvents"
CHANNELS = f"{LIGHTNING}SubscribeChannelEvents"
FINAL, RECEIVE = 0, 2
UPDATED = 7
QUIET = 1.0  # seconds in which something would have been told


async def quiet(stream: AsyncIterator[T]) -> bool:
    """Whether nothing is told for a while."""
    try:
        async with asyncio.timeout(QUIET):
            await anext(stream)
    except TimeoutError:
        return True
    return False


async def some(stream: AsyncIterator[T], count: int) -> list[T]:
    """So many messages."""
    async with asyncio.timeout(20):
        return [await anext(stream) for _ in range(count)]


async def newest_settlement(caller: Caller) -> int:
    """The highest settle index."""
    page = await caller.ask(
        f"{LIGHTNING}ListInvoices",
        sim.ListInvoiceRequest(reversed=True, num_max_invoices=1_000),
        sim.ListInvoiceResponse,
    )
    return max((one.settle_index for one in page.invoices), default=0)


async def test_without_macaroon(caller: Caller) -> None:
    """No stream but the state's begins without one."""
    for path in (STREAM, HTLCS, CHANNELS):
        assert await caller.stream_refused(path, metadata=()) == unknown("expected 1 macaroon, got 0")


async def test_invoices_as_they_happen(lightning: Lightning, caller: Caller) -> None:
    """Without an index only what is new is told: added, then settled, with a settle index of its own."""
    old = await lightning.invoice(900)
    async with caller.stream(STREAM, sim.InvoiceSubscription(), sim.Invoice) as stream:
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(QUIET)
        made = await lightning.invoice(1_000)
        added = await first
        assert (added.add_index, added.state, added.settle_index) == (made.index, OPEN, 0)
        assert added.r_hash.hex() == made.payment_hash
        await lightning.cancel(old)
        await lightning.paid(made)
        (settled,) = await some(stream, 1)
        assert (settled.add_index, settled.state, settled.amt_paid_msat) == (made.index, SETTLED, 1_000_000)
        assert settled.settle_index == await newest_settlement(caller)


async def test_a_held_invoice_is_told_when_it_settles(lightning: Lightning, caller: Caller) -> None:
    """That it was accepted is told to nobody, and listed with what is held."""
    async with caller.stream(STREAM, sim.InvoiceSubscription(), sim.Invoice) as stream:
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(QUIET)
        made = await lightning.held(1_300)
        assert ((await first).add_index, (await first).state) == (made.index, OPEN)
        page = sim.ListInvoiceRequest(index_offset=made.index - 1, pending_only=True)
        (held,) = (await caller.ask(f"{LIGHTNING}ListInvoices", page, sim.ListInvoiceResponse)).invoices
        assert (held.state, held.settled, held.amt_paid_msat, held.settle_index) == (3, False, 1_300_000, 0)
        assert [(htlc.state, htlc.amt_msat) for htlc in held.htlcs] == [(0, 1_300_000)]
        channels = await caller.ask(f"{LIGHTNING}ListChannels", EMPTY, sim.ListChannelsResponse)
        pending = [htlc for one in channels.channels for htlc in one.pending_htlcs]
        assert [(htlc.incoming, htlc.amount, htlc.hash_lock.hex()) for htlc in pending] == [
            (True, 1_300, made.payment_hash)
        ]
        assert held.htlcs[0].chan_id in {one.chan_id for one in channels.channels if one.unsettled_balance == 1_300}
        assert held.htlcs[0].htlc_index == pending[0].htlc_index
        await lightning.settle(made)
        assert [(one.add_index, one.state) for one in await some(stream, 1)] == [(made.index, SETTLED)]


async def test_backlog_of_invoices(lightning: Lightning, caller: Caller) -> None:
    """From an add index on those that are open or settled are told, from a settle index on the settlements."""
    settled = await newest_settlement(caller)
    made = await make_five(lightning)
    first, last = made[0].index, made[-1].index
    assert (await invoices(caller, index_offset=first - 1))[0] == list(range(first, last + 1))
    async with caller.stream(STREAM, sim.InvoiceSubscription(add_index=first), sim.Invoice) as stream:
        told = await some(stream, 3)
        assert [(one.add_index, one.state) for one in told] == [(first + 2, SETTLED), (last - 1, OPEN), (last, OPEN)]
        assert await quiet(stream)
    await lightning.paid(made[4])
    async with caller.stream(STREAM, sim.InvoiceSubscription(settle_index=settled + 1), sim.Invoice) as stream:
        told = await some(stream, 1)
        assert [(one.add_index, one.settle_index) for one in told] == [(last, settled + 2)]
        assert await quiet(stream)
    asked = sim.InvoiceSubscription(add_index=last - 1, settle_index=settled + 1)
    async with caller.stream(STREAM, asked, sim.Invoice) as stream:
        told = await some(stream, 2)
        assert [(one.add_index, one.state) for one in told] == [(last, SETTLED), (last, SETTLED)]
        assert await quiet(stream)


async def test_cursors_beyond_the_end(caller: Caller) -> None:
    """An index that nobody has yet is waited for."""
    for asked in (sim.InvoiceSubscription(add_index=10**9), sim.InvoiceSubscription(settle_index=10**9)):
        async with caller.stream(STREAM, asked, sim.Invoice) as stream:
            assert await quiet(stream)


async def test_htlcs(lightning: Lightning, caller: Caller) -> None:
    """The stream greets, then tells of an HTLC that came in: settled and final, each by channel and index."""
    async with caller.stream(HTLCS, EMPTY, sim.HtlcEvent) as stream:
        (greeting,) = await some(stream, 1)
        assert greeting == sim.HtlcEvent(subscribed_event=sim.Empty())
        await lightning.paid(await lightning.invoice(1_400))
        settled, final = await some(stream, 2)
        assert (settled.event_type, settled.WhichOneof("event")) == (RECEIVE, "settle_event")
        assert (final.event_type, final.WhichOneof("event")) == (FINAL, "final_htlc_event")
        assert (final.final_htlc_event.settled, final.final_htlc_event.offchain) == (True, True)
        where = {(one.incoming_channel_id, one.incoming_htlc_id) for one in (settled, final)}
        assert len(where) == 1
        assert len(settled.settle_event.preimage) == 32
        assert settled.timestamp_ns <= final.timestamp_ns
        assert await quiet(stream)


async def test_htlcs_that_are_given_back(lightning: Lightning, caller: Caller) -> None:
    """Cancelling what is held is told with its reason in LND's words, and by no payment hash."""
    made = await lightning.held(1_500)
    async with caller.stream(HTLCS, EMPTY, sim.HtlcEvent) as stream:
        await some(stream, 1)
        await lightning.cancel(made)
        failed, final = await some(stream, 2)
        assert (failed.event_type, failed.WhichOneof("event")) == (RECEIVE, "link_fail_event")
        told = failed.link_fail_event
        assert (told.wire_failure, told.failure_detail, told.failure_string) == (1, 10, "canceled")
        assert told.info.incoming_amt_msat == 1_500_000
        assert told.info.incoming_timelock
        assert (final.event_type, final.final_htlc_event.settled, final.final_htlc_event.offchain) == (
            FINAL,
            False,
            True,
        )


async def test_channels_that_change(lightning: Lightning, caller: Caller) -> None:
    """Each commitment of a channel is told as it stands after it."""
    made = await lightning.invoice(1_600)
    async with caller.stream(CHANNELS, EMPTY, sim.ChannelEventUpdate) as stream:
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(QUIET)
        await lightning.paid(made)
        told = [await first, *(await some(stream, 1))]
        assert [one.type for one in told] == [UPDATED, UPDATED]
        assert {one.WhichOneof("channel") for one in told} == {"updated_channel"}
        (point,) = {one.updated_channel.channel.channel_point for one in told}
        channels = await caller.ask(f"{LIGHTNING}ListChannels", EMPTY, sim.ListChannelsResponse)
        now = next(one for one in channels.channels if one.channel_point == point)
        assert told[-1].updated_channel.channel.local_balance == now.local_balance

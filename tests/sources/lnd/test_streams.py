import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.grpc_stubs import router_pb2 as router
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.model.lightning import (
    ChannelChange,
    ChannelEvent,
    ClosedChannel,
    CloseKind,
    HtlcDirection,
    HtlcEvent,
    HtlcOutcome,
)
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources.lnd.streams import read_channel_change, read_htlc_event
from tests.sources.lnd.bench import Bench, Builder

TXID = "401aba884f2ebd13ab14425e2c0d7f093fb010b79dfbfe8d95cb4a6b4cdf5da5"
RAW = bytes.fromhex(TXID)[::-1]


async def next_of(readings: AsyncGenerator[Reading, None]) -> Reading:
    async with asyncio.timeout(10):
        return await anext(readings)


async def collect(readings: AsyncGenerator[Reading, None], count: int) -> list[Reading]:
    """Readings until they hold `count` events."""
    found: list[Reading] = []
    while sum(len(reading.events) for reading in found) < count:
        found.append(await next_of(readings))
    return found


AT = 1_700_000_000.5
HTLC_CASES = [
    (router.HtlcEvent(subscribed_event=router.SubscribedEvent()), None),
    (router.HtlcEvent(), None),
    (
        router.HtlcEvent(
            event_type=router.HtlcEvent.RECEIVE,
            incoming_channel_id=1 << 40,
            incoming_htlc_id=7,
            settle_event=router.SettleEvent(),
        ),
        HtlcEvent(AT, HtlcDirection.RECEIVE, HtlcOutcome.SETTLED, "1x0x0", None, 7, 0, Msat(0), None),
    ),
    (
        router.HtlcEvent(
            event_type=router.HtlcEvent.RECEIVE,
            incoming_channel_id=1 << 40,
            link_fail_event=router.LinkFailEvent(
                info=router.HtlcInfo(incoming_amt_msat=9_000), failure_detail=router.MPP_INVOICE_TIMEOUT
            ),
        ),
        HtlcEvent(
            AT, HtlcDirection.RECEIVE, HtlcOutcome.LINK_FAILED, "1x0x0", None, 0, 0, Msat(9_000), "mpp_invoice_timeout"
        ),
    ),
    (
        router.HtlcEvent(
            event_type=router.HtlcEvent.FORWARD,
            incoming_channel_id=1 << 40,
            outgoing_channel_id=2 << 40,
            incoming_htlc_id=1,
            outgoing_htlc_id=2,
            link_fail_event=router.LinkFailEvent(failure_detail=router.NO_DETAIL, failure_string="FeeInsufficient"),
        ),
        HtlcEvent(
            AT, HtlcDirection.FORWARD, HtlcOutcome.LINK_FAILED, "1x0x0", "2x0x0", 1, 2, Msat(0), "FeeInsufficient"
        ),
    ),
    (
        router.HtlcEvent(
            event_type=router.HtlcEvent.SEND,
            outgoing_channel_id=2 << 40,
            forward_event=router.ForwardEvent(info=router.HtlcInfo(incoming_amt_msat=0, outgoing_amt_msat=500)),
        ),
        HtlcEvent(AT, HtlcDirection.SEND, HtlcOutcome.FORWARDED, None, "2x0x0", 0, 0, Msat(500), None),
    ),
    (
        router.HtlcEvent(event_type=router.HtlcEvent.SEND, forward_fail_event=router.ForwardFailEvent()),
        HtlcEvent(AT, HtlcDirection.SEND, HtlcOutcome.FAILED, None, None, 0, 0, Msat(0), None),
    ),
    (
        router.HtlcEvent(final_htlc_event=router.FinalHtlcEvent(settled=True)),
        HtlcEvent(AT, HtlcDirection.UNKNOWN, HtlcOutcome.FINAL_SETTLED, None, None, 0, 0, Msat(0), None),
    ),
    (
        router.HtlcEvent(final_htlc_event=router.FinalHtlcEvent()),
        HtlcEvent(AT, HtlcDirection.UNKNOWN, HtlcOutcome.FINAL_FAILED, None, None, 0, 0, Msat(0), None),
    ),
    (
        router.HtlcEvent(link_fail_event=router.LinkFailEvent.FromString(b"\x18\x63")),  # of a later release
        HtlcEvent(AT, HtlcDirection.UNKNOWN, HtlcOutcome.LINK_FAILED, None, None, 0, 0, Msat(0), "detail_99"),
    ),
]


@pytest.mark.parametrize(("message", "told"), HTLC_CASES)
def test_htlc_events(message: router.HtlcEvent, told: HtlcEvent | None) -> None:
    """Each kind of line is told in our terms; the greeting and unknown kinds are none."""
    message.timestamp_ns = int(AT * 1e9)
    assert read_htlc_event(message) == told


POINT = ln.ChannelPoint(funding_txid_bytes=RAW, output_index=1)


@pytest.mark.parametrize(
    ("message", "change", "point"),
    [
        (ln.ChannelEventUpdate(open_channel=ln.Channel(channel_point="a:0")), ChannelChange.OPEN, "a:0"),
        (
            ln.ChannelEventUpdate(closed_channel=ln.ChannelCloseSummary(channel_point="a:0")),
            ChannelChange.CLOSED,
            "a:0",
        ),
        (ln.ChannelEventUpdate(active_channel=POINT), ChannelChange.ACTIVE, f"{TXID}:1"),
        (ln.ChannelEventUpdate(inactive_channel=POINT), ChannelChange.INACTIVE, f"{TXID}:1"),
        (
            ln.ChannelEventUpdate(inactive_channel=ln.ChannelPoint(funding_txid_str=TXID)),
            ChannelChange.INACTIVE,
            f"{TXID}:0",
        ),
        (
            ln.ChannelEventUpdate(pending_open_channel=ln.PendingUpdate(txid=RAW, output_index=3)),
            ChannelChange.PENDING_OPEN,
            f"{TXID}:3",
        ),
        (ln.ChannelEventUpdate(fully_resolved_channel=POINT), ChannelChange.RESOLVED, f"{TXID}:1"),
        (ln.ChannelEventUpdate(channel_funding_timeout=POINT), ChannelChange.FUNDING_TIMEOUT, f"{TXID}:1"),
        (ln.ChannelEventUpdate(updated_channel=ln.ChannelCommitUpdate()), None, ""),
        (ln.ChannelEventUpdate(), None, ""),
    ],
)
def test_channel_changes(message: ln.ChannelEventUpdate, change: ChannelChange | None, point: str) -> None:
    """Each change names its funding outpoint, the transaction id as people write it."""
    assert read_channel_change(message) == (change, point)


async def test_htlc_stream(bench: Bench) -> None:
    """It stands at LND's greeting; what reached us and was resolved sends channels and invoices to look."""
    bench.node.invoices.add(5_000_000)
    async with aclosing(bench.stream("htlcs").listen(bench.ledger)) as readings:
        assert await next_of(readings) == Reading()
        bench.node.receive(1)
        got = await collect(readings, 2)
        told = [event for reading in got for event in reading.events]
        outcomes = [event.outcome for event in told if isinstance(event, HtlcEvent)]
        assert outcomes == [HtlcOutcome.SETTLED, HtlcOutcome.FINAL_SETTLED]
        assert frozenset().union(*(reading.wakes for reading in got)) == {"channels", "invoices"}
        bench.node.fail()
        assert {"channels", "invoices"} <= (await collect(readings, 1))[0].wakes
        bench.node.pay(1_000)
        assert (await collect(readings, 1))[-1].wakes <= {"channels", "invoices"}


async def test_channel_stream(build: Builder) -> None:
    """Changes come at our clock's time and wake what proves them; a new commitment is a hint and no event."""
    bench = await build(channels=4)
    async with aclosing(bench.stream("channel_events").listen(bench.ledger)) as readings:
        assert await next_of(readings) == Reading()
        bench.node.set_active(0, active=False)
        (gone,) = await collect(readings, 1)
        (event,) = gone.events
        assert isinstance(event, ChannelEvent)
        assert (event.change, event.point) == (ChannelChange.INACTIVE, bench.node.channels[0].channel_point)
        assert event.at == pytest.approx(bench.clock.now(), abs=5)
        assert gone.wakes == {"channels", "peers"}
        bench.node.invoices.add(1_000_000)
        bench.node.hold(1, number=1)
        hint = await next_of(readings)
        assert hint.events == ()
        assert hint.wakes == {"channels"}
        bench.node.close(2, close_type=2)
        (closed,) = await collect(readings, 2)
        assert closed.wakes == {"channels", "pending", "closed"}
        assert isinstance(closed.events[1], ClosedChannel)
        assert closed.events[1].kind is CloseKind.REMOTE_FORCE


async def test_state_stream(bench: Bench) -> None:
    """It stands without a macaroon that is any good; a change sends the leading collector to look."""
    bench.restart(macaroon="00")
    async with aclosing(bench.stream("state").listen(bench.ledger)) as readings:
        assert (await next_of(readings)).wakes == frozenset()
        bench.node.enter(sim.LOCKED)
        assert (await next_of(readings)).wakes == {"node"}


async def test_state_stream_of_a_locked_node(bench: Bench) -> None:
    """A first state that is not the usual one is a reason to look."""
    bench.node.enter(sim.LOCKED)
    async with aclosing(bench.stream("state").listen(bench.ledger)) as readings:
        assert (await next_of(readings)).wakes == {"node"}


@pytest.mark.parametrize("name", ["htlcs", "channel_events", "invoices"])
async def test_refused_streams_never_stand(bench: Bench, name: str) -> None:
    """A stream that the node refuses raises before it yields anything."""
    weak = bench.directory / "weak.macaroon"
    weak.write_bytes(bench.node.bakery.bake(["info:read", "invoices:write", "uri:/lnrpc.Lightning/ListInvoices"]))
    bench.restart(macaroon_file=str(weak))
    with pytest.raises(SourceError) as raised:
        await next_of(bench.stream(name).listen(bench.ledger))
    assert raised.value.reason is FailureReason.FORBIDDEN


@pytest.mark.parametrize("name", ["htlcs", "channel_events", "invoices", "state"])
async def test_cut_streams_say_so(bench: Bench, name: str) -> None:
    """When the node goes away every stream ends with a reason."""
    async with aclosing(bench.stream(name).listen(bench.ledger)) as readings:
        await next_of(readings)
        await bench.double.stop()
        with pytest.raises(SourceError) as raised:
            await collect(readings, 1)
    assert raised.value.reason is FailureReason.REFUSED


def test_which_replay(bench: Bench) -> None:
    """Only what the node tells again needs no record of its gaps."""
    replays = {stream.name: stream.replays for stream in bench.source.streams}
    assert replays == {"state": True, "htlcs": False, "invoices": True, "channel_events": False}

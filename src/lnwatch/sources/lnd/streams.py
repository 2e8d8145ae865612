"""What the node tells by itself: hints that make polling fast, and the HTLC events that nothing else tells."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.grpc_stubs import router_pb2 as router
from lnwatch.grpc_stubs import state_pb2 as state
from lnwatch.model.lightning import ChannelChange, ChannelEvent, HtlcDirection, HtlcEvent, HtlcOutcome
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.closing import read_closed
from lnwatch.sources.lnd.collector import Node
from lnwatch.sources.lnd.methods import SUBSCRIBE_CHANNEL_EVENTS, SUBSCRIBE_HTLC_EVENTS, SUBSCRIBE_STATE

_DETAIL_LENGTH = 200  # characters

_DIRECTIONS: Final = {
    router.HtlcEvent.SEND: HtlcDirection.SEND,
    router.HtlcEvent.RECEIVE: HtlcDirection.RECEIVE,
    router.HtlcEvent.FORWARD: HtlcDirection.FORWARD,
}
_OUTCOMES: Final = {
    "forward_event": HtlcOutcome.FORWARDED,
    "forward_fail_event": HtlcOutcome.FAILED,
    "settle_event": HtlcOutcome.SETTLED,
    "link_fail_event": HtlcOutcome.LINK_FAILED,
}
_CHANGES: Final = {
    "open_channel": ChannelChange.OPEN,
    "closed_channel": ChannelChange.CLOSED,
    "active_channel": ChannelChange.ACTIVE,
    "inactive_channel": ChannelChange.INACTIVE,
    "pending_open_channel": ChannelChange.PENDING_OPEN,
    "fully_resolved_channel": ChannelChange.RESOLVED,
    "channel_funding_timeout": ChannelChange.FUNDING_TIMEOUT,
}
# Which collectors have something to prove after a change. Since 0.21 LND also tells each new commitment.
_PROVERS: Final = {
    ChannelChange.OPEN: ("channels", "pending", "policies"),
    ChannelChange.CLOSED: ("channels", "pending", "closed"),
    ChannelChange.ACTIVE: ("channels", "peers"),
    ChannelChange.INACTIVE: ("channels", "peers"),
    ChannelChange.PENDING_OPEN: ("pending",),
    ChannelChange.RESOLVED: ("pending", "closed"),
    ChannelChange.FUNDING_TIMEOUT: ("pending",),
    None: ("channels",),
}


def read_htlc_event(event: router.HtlcEvent) -> HtlcEvent | None:
    """One line; None for the greeting and for what a later release may add."""
    kind = event.WhichOneof("event")
    outcome = _OUTCOMES.get(kind or "")
    if kind == "final_htlc_event":
        outcome = HtlcOutcome.FINAL_SETTLED if event.final_htlc_event.settled else HtlcOutcome.FINAL_FAILED
    if outcome is None:
        return None
    direction = _DIRECTIONS.get(event.event_type, HtlcDirection.UNKNOWN)
    return HtlcEvent(
        at=event.timestamp_ns / 1e9,
        direction=direction,
        outcome=outcome,
        channel_in=short_id(event.incoming_channel_id) if event.incoming_channel_id else None,
        channel_out=short_id(event.outgoing_channel_id) if event.outgoing_channel_id else None,
        htlc_in=event.incoming_htlc_id,
        htlc_out=event.outgoing_htlc_id,
        amount_msat=_amount(event, direction),
        detail=_detail(event.link_fail_event) if outcome is HtlcOutcome.LINK_FAILED else None,
    )


def _amount(event: router.HtlcEvent, direction: HtlcDirection) -> Msat:
    """The HTLC on the merchant's side of it; LND tells amounts of forwards and of its own failures alone."""
    info = event.link_fail_event.info if event.HasField("link_fail_event") else event.forward_event.info
    return Msat(info.outgoing_amt_msat if direction is HtlcDirection.SEND else info.incoming_amt_msat)


def _detail(failed: router.LinkFailEvent) -> str:
    if failed.failure_detail > router.NO_DETAIL:
        try:
            return router.FailureDetail.Name(failed.failure_detail).lower()
        except ValueError:
            return f"detail_{failed.failure_detail}"  # of a later release
    return failed.failure_string[:_DETAIL_LENGTH] or "no_detail"


def read_channel_change(update: ln.ChannelEventUpdate) -> tuple[ChannelChange | None, str]:
    """What happened and to which funding outpoint; None where a channel merely moved on."""
    kind = update.WhichOneof("channel") or ""
    change = _CHANGES.get(kind)
    if change is None:
        return None, ""
    told = getattr(update, kind)
    if change in (ChannelChange.OPEN, ChannelChange.CLOSED):
        return change, told.channel_point
    if change is ChannelChange.PENDING_OPEN:
        return change, f"{_txid(told.txid)}:{told.output_index}"
    return change, f"{told.funding_txid_str or _txid(told.funding_txid_bytes)}:{told.output_index}"


def _txid(raw: bytes) -> str:
    """A transaction id as people write it: the bytes of the hash backwards."""
    return raw[::-1].hex()


class HtlcStream:
    """SubscribeHtlcEvents: what is missed is lost, so gaps are recorded."""

    name = "htlcs"
    replays = False

    def __init__(self, node: Node) -> None:
        self._node = node

    async def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the contract's
        """Events as they come; LND's greeting comes first."""
        request = SUBSCRIBE_HTLC_EVENTS.request()
        async with aclosing(self._node.client.stream(SUBSCRIBE_HTLC_EVENTS, request, greeted=True)) as batches:
            async for batch in batches:
                yield self._reading(batch)

    def _reading(self, batch: Iterable[router.HtlcEvent]) -> Reading:
        events = tuple(event for message in batch if (event := read_htlc_event(message)) is not None)
        resolved = [event for event in events if event.outcome is not HtlcOutcome.FORWARDED]
        prove = {"channels"} if resolved else set()
        if any(event.direction is HtlcDirection.RECEIVE for event in resolved):
            prove.add("invoices")
        if any(event.direction is HtlcDirection.SEND and event.outcome is HtlcOutcome.SETTLED for event in resolved):
            prove.add("payments")
        return Reading(events=events, wakes=self._node.hints.wake(*prove))


class ChannelEventStream:
    """SubscribeChannelEvents; not replayed."""

    name = "channel_events"
    replays = False

    def __init__(self, node: Node) -> None:
        self._node = node

    async def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the contract's
        """Changes as they come, at the time of our clock: LND gives none."""
        request = SUBSCRIBE_CHANNEL_EVENTS.request()
        async with aclosing(self._node.client.stream(SUBSCRIBE_CHANNEL_EVENTS, request)) as batches:
            async for batch in batches:
                yield self._reading(batch)

    def _reading(self, batch: Iterable[ln.ChannelEventUpdate]) -> Reading:
        at = self._node.clock.now()
        events: list[Event] = []
        prove: set[str] = set()
        for update in batch:
            change, point = read_channel_change(update)
            prove.update(_PROVERS[change])
            if change is not None:
                events.append(ChannelEvent(at, point, change))
            if change is ChannelChange.CLOSED:
                events.append(read_closed(update.closed_channel))
        return Reading(events=tuple(events), wakes=self._node.hints.wake(*prove))


class StateStream:
    """SubscribeState: a change sends the leading collector to look."""

    name = "state"
    replays = True  # each connection begins with the present state, which is all there is to miss

    def __init__(self, node: Node) -> None:
        self._node = node

    async def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:  # noqa: ARG002 - the contract's
        """An empty Reading for each state; all but the first, and any that is not the usual, wake `node`."""
        request = SUBSCRIBE_STATE.request()
        settled = True
        async with aclosing(self._node.client.stream(SUBSCRIBE_STATE, request, greeted=True)) as batches:
            async for batch in batches:
                usual = settled and all(answer.state == state.SERVER_ACTIVE for answer in batch)
                settled = False
                yield Reading(wakes=frozenset() if usual else self._node.hints.wake("node"))

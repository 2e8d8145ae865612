"""Payments that the node carried for others."""

from typing import NamedTuple

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Forward
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Backfill, Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import FORWARDING_HISTORY
from lnwatch.sources.lnd.ranges import Pages

PAGE = 500
LONGEST_REST = 15.0  # seconds between two pages of history
NANOSECONDS = 1_000_000_000


def read_forward(event: ln.ForwardingEvent) -> Forward:
    """One forward. A node that does not tell the incoming HTLC's index (LND before 0.20, and what it left
    behind) is given the nanosecond of the event, so that the natural id stays unique."""
    return Forward(
        at=event.timestamp_ns / NANOSECONDS,
        channel_in=short_id(event.chan_id_in),
        channel_out=short_id(event.chan_id_out),
        htlc_in=event.incoming_htlc_id if event.HasField("incoming_htlc_id") else event.timestamp_ns,
        htlc_out=event.outgoing_htlc_id if event.HasField("outgoing_htlc_id") else None,
        amount_in_msat=Msat(event.amt_in_msat),
        amount_out_msat=Msat(event.amt_out_msat),
        fee_msat=Msat(event.fee_msat),
    )


class Window(NamedTuple):
    """What to ask for: LND counts `offset` from `start` (epoch seconds), so both are one cursor."""

    start: int
    offset: int

    def after(self, answer: ln.ForwardingHistoryResponse, *, full: bool) -> "Window":
        """Where to go on. At the end of the log the window begins anew at the last event's second: LND skips
        the offset row by row, and whoever deletes old forwards would shift it."""
        events = answer.forwarding_events
        moved = Window(self.start, self.offset + len(events))
        if full or not events:
            return moved
        second = events[-1].timestamp_ns // NANOSECONDS
        if self.offset and events[0].timestamp_ns // NANOSECONDS >= second:
            return moved  # earlier pages may hold more events of that second than we can count here
        return Window(second, sum(event.timestamp_ns // NANOSECONDS >= second for event in events))


class ForwardsCollector(Polled):
    """ForwardingHistory from the birth on."""

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Begin with full pages."""
        super().__init__(name, node, pace)
        self._pages = Pages(PAGE)

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """New forwards."""
        start = await memory.cursor("forwards.start")
        if start is None:
            return self._begin()
        window = Window(int(start), int(await memory.cursor("forwards.offset") or 0))
        size = self._pages.size
        request = ln.ForwardingHistoryRequest(start_time=window.start, index_offset=window.offset, num_max_events=size)
        answer = await self._pages.ask(turn, FORWARDING_HISTORY, request)
        full = len(answer.forwarding_events) == size
        following = window.after(answer, full=full)
        return Reading(
            events=await in_chunks(answer.forwarding_events, read_forward),
            cursors={"forwards.start": str(following.start), "forwards.offset": str(following.offset)},
            more=full,
        )

    def _begin(self) -> Reading:
        """The site's birth: what the log holds up to now is history."""
        now = str(int(self.node.clock.now()))
        cursors = {"forwards.start": now, "forwards.offset": "0", "forward_history.end": now}
        return Reading(cursors=cursors, wakes=self.node.hints.wake("forward_history"))


class ForwardHistoryCollector(Polled):
    """ForwardingHistory up to the birth; LND reads its log in one direction only, so the oldest comes first.

    The cursor `forward_history.offset` counts from the beginning of time; `forward_history.done` ends it.
    """

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Begin with full pages."""
        super().__init__(name, node, pace)
        self._pages = Pages(PAGE)
        self._rest = 0.0

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """The next page; nothing is asked once the history is told."""
        end = await memory.cursor("forward_history.end")
        offset = int(await memory.cursor("forward_history.offset") or 0)
        if end is None or await memory.cursor("forward_history.done") is not None:
            finished = end is not None
            return Reading(backfill=Backfill(done=offset, total=offset if finished else None, finished=finished))
        await self.node.clock.sleep(self._rest)
        size = self._pages.size
        request = ln.ForwardingHistoryRequest(end_time=int(end), index_offset=offset, num_max_events=size)
        answer = await self._pages.ask(turn, FORWARDING_HISTORY, request, paced=False)
        self._rest = min(turn.took, LONGEST_REST)
        done = offset + len(answer.forwarding_events)
        more = len(answer.forwarding_events) == size
        cursors = {"forward_history.offset": str(done)}
        if not more:
            cursors["forward_history.done"] = "yes"
        return Reading(
            events=await in_chunks(answer.forwarding_events, read_forward),
            cursors=cursors,
            more=more,
            history=True,
            backfill=Backfill(done=done, total=None if more else done, finished=not more),
        )

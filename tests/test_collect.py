import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

import pytest

from lnwatch.collect import BACKOFF_LIMIT, HINT_SPACING, TargetLoops
from lnwatch.errors import FailureReason, LedgerError, LedgerTrouble, SourceError
from lnwatch.model.host import HostStatus
from lnwatch.model.snapshot import Reading, StreamGap, TargetReport, TargetState
from lnwatch.sources import Checkup, Cost, Memory
from lnwatch.store import Entry, StateChange
from lnwatch.target import Target
from tests.manual_clock import ManualClock, settle

FACTS = HostStatus((), 1, 1, 0.0, 0.0, 0.0, 1, 0.0, ())


@dataclass
class ScriptedCollector:
    """Answers from `script`, then for ever with its last line."""

    name: str
    script: Sequence[Reading | Exception]
    interval: float = 10.0
    deadline: float = 5.0
    runs: int = 0
    running: int = 0

    async def collect(self, memory: Memory) -> Reading:
        assert self.running == 0, "two runs of one collector in flight"
        self.running += 1
        try:
            await asyncio.sleep(0)
            line = self.script[min(self.runs, len(self.script) - 1)]
            self.runs += 1
            if isinstance(line, Exception):
                raise line
            return line
        finally:
            self.running -= 1


@dataclass
class ScriptedStream:
    """Each connection yields one list of the script, then is cut; the last one stays open."""

    name: str
    script: list[list[Reading]]
    replays: bool = False
    connections: int = 0

    async def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:
        last = self.connections >= len(self.script) - 1
        lines = self.script[min(self.connections, len(self.script) - 1)]
        self.connections += 1
        for line in lines:
            yield line
        if last:
            await asyncio.Event().wait()
        raise SourceError(FailureReason.REFUSED, "cut")


@dataclass
class ScriptedSource:
    collectors: Sequence[ScriptedCollector]
    streams: Sequence[ScriptedStream] = ()
    cost: Cost = field(default_factory=Cost)
    tls_expires_at: float | None = None
    closed: bool = False

    async def check(self) -> Checkup:
        return Checkup(reachable=True, state=TargetState.UP)

    async def close(self) -> None:
        self.closed = True


@dataclass
class MemoryDouble:
    """Cursors as the ledger would hold them."""

    cursors: dict[str, str] = field(default_factory=dict)

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)


@dataclass
class Recorder:
    """A ledger that can be broken."""

    memory: MemoryDouble
    stored: list[Entry | StateChange] = field(default_factory=list)
    broken: bool = False

    async def deliver(self, items: Sequence[Entry | StateChange]) -> None:
        if self.broken and items:
            raise LedgerError(LedgerTrouble.FULL, "disk full")
        for item in items:
            self.stored.append(item)
            if isinstance(item, Entry):
                self.memory.cursors.update(item.reading.cursors)

    @property
    def states(self) -> list[TargetState]:
        return [item.state for item in self.stored if isinstance(item, StateChange)]

    @property
    def gaps(self) -> list[StreamGap]:
        entries = [item for item in self.stored if isinstance(item, Entry)]
        return [event for entry in entries for event in entry.reading.events if isinstance(event, StreamGap)]


@dataclass
class Bench:
    target: Target
    clock: ManualClock
    recorder: Recorder
    loops: TargetLoops


Running = Callable[[ScriptedSource], Awaitable[Bench]]


@pytest.fixture
async def running() -> AsyncGenerator[Running, None]:
    tasks: list[asyncio.Task[None]] = []

    async def start(source: ScriptedSource) -> Bench:
        clock = ManualClock()
        memory = MemoryDouble()
        recorder = Recorder(memory)
        target = Target(site="main", slug="it", kind="host", lightning=False, source=source)
        loops = TargetLoops(target, cast("Memory", memory), clock, recorder.deliver)
        tasks.append(asyncio.create_task(loops.run()))
        await settle()
        return Bench(target, clock, recorder, loops)

    yield start
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_lead_gives_birth_and_state(running: Running) -> None:
    """The leading collector's first success is marked as leading and makes the target up."""
    bench = await running(ScriptedSource([ScriptedCollector("status", [Reading(facts=FACTS)])]))
    first = bench.recorder.stored[0]
    assert isinstance(first, Entry)
    assert first.leads
    assert bench.recorder.states == [TargetState.UP]
    assert bench.target.snapshots["status"].facts == FACTS


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (FailureReason.REFUSED, TargetState.DOWN),
        (FailureReason.TIMEOUT, TargetState.HANGING),
        (FailureReason.REJECTED, TargetState.REJECTED),
        (FailureReason.TLS, TargetState.REJECTED),
        (FailureReason.STARTING, TargetState.STARTING),
        (FailureReason.LOCKED, TargetState.LOCKED),
    ],
)
async def test_lead_failure_is_the_state(running: Running, reason: FailureReason, state: TargetState) -> None:
    """How the leading collector fails decides the state of the target, and the words are kept."""
    lead = ScriptedCollector("status", [SourceError(reason, "in words")])
    bench = await running(ScriptedSource([lead]))
    assert bench.recorder.states == [state]
    assert bench.target.view().detail == "in words"


async def test_state_is_stored_once(running: Running) -> None:
    """A state that lasts is one row, however often it is seen."""
    lead = ScriptedCollector("status", [SourceError(FailureReason.REFUSED, "nothing listens")])
    bench = await running(ScriptedSource([lead]))
    await bench.clock.advance(100)
    assert lead.runs >= 9
    assert bench.recorder.states == [TargetState.DOWN]


async def test_others_wait_for_the_lead(running: Running) -> None:
    """While the target is down only its lead asks; when it is back, the others start at once."""
    down = SourceError(FailureReason.REFUSED, "nothing listens")
    lead = ScriptedCollector("status", [down, down, Reading()])
    other = ScriptedCollector("rest", [Reading()])
    bench = await running(ScriptedSource([lead, other]))
    await bench.clock.advance(12)
    assert other.runs == 0
    await bench.clock.advance(12)
    assert other.runs >= 1


async def test_broken_collector_hides_no_other(running: Running) -> None:
    """An exception of our own is recorded as a bug, and neither the lead nor the daemon stops for it."""
    lead = ScriptedCollector("status", [Reading()])
    other = ScriptedCollector("rest", [ZeroDivisionError("boom")])
    bench = await running(ScriptedSource([lead, other]))
    await bench.clock.advance(50)
    health = bench.target.view().collectors
    assert health["rest"].fault is not None
    assert health["rest"].fault.reason == "bug"
    assert health["status"].success
    assert lead.runs >= 4


async def test_failing_collector_backs_off(running: Running) -> None:
    """After three failures in a row the pause doubles up to its limit, the lead's never."""
    lead = ScriptedCollector("status", [Reading()])
    other = ScriptedCollector("rest", [SourceError(FailureReason.FAILED, "no")])
    bench = await running(ScriptedSource([lead, other]))
    await bench.clock.advance(3_600)
    assert lead.runs >= 340
    assert 3_600 / BACKOFF_LIMIT <= other.runs <= 3_600 / BACKOFF_LIMIT + 10


@pytest.mark.parametrize(("reason", "runs"), [(FailureReason.FAILED, 3), (FailureReason.FORBIDDEN, 1)])
async def test_what_is_seldom_read_does_not_wait_as_long_when_it_failed(
    running: Running, reason: FailureReason, runs: int
) -> None:
    """It is tried again after a minute, then after two; what a credential may not read waits for its usual turn."""
    seldom = ScriptedCollector("rest", [SourceError(reason, "no")], interval=3_600)
    bench = await running(ScriptedSource([ScriptedCollector("status", [Reading()]), seldom]))
    await bench.clock.advance(200)
    assert seldom.runs == runs


async def test_what_failed_in_an_outage_is_read_when_it_is_over(running: Running) -> None:
    """At once, and not when its own turn comes in an hour."""
    hangs = SourceError(FailureReason.TIMEOUT, "no answer")
    lead = ScriptedCollector("status", [*[hangs] * 360, Reading()])
    seldom = ScriptedCollector("rest", [*[hangs] * 6, Reading()], interval=3_600)
    bench = await running(ScriptedSource([lead, seldom]))
    await bench.clock.advance(3_400)
    assert (bench.target.state, seldom.runs) == (TargetState.HANGING, 6)
    while bench.target.state is not TargetState.UP:
        await bench.clock.advance(5)
    await bench.clock.advance(5)
    assert bench.target.view().collectors["rest"].success


async def test_a_failure_that_lasts_for_weeks_ends_nothing(running: Running) -> None:
    """Pauses double no further than a number can."""
    other = ScriptedCollector("rest", [SourceError(FailureReason.FAILED, "no")])
    stream = ScriptedStream("news", [[]] * 1_100)
    bench = await running(ScriptedSource([ScriptedCollector("status", [Reading()], interval=600), other], [stream]))
    bench.target.records["rest"].failures_in_a_row = 5_000
    await bench.clock.advance(30_000)
    assert stream.connections > 1_030
    assert other.runs > 90


async def test_hints_are_coalesced(running: Running) -> None:
    """Fifty hints in one moment bring one extra run, not fifty."""
    lead = ScriptedCollector("status", [Reading()], interval=1_000.0)
    other = ScriptedCollector("rest", [Reading()], interval=1_000.0)
    stream = ScriptedStream("told", [[Reading(wakes=frozenset({"rest"})) for _ in range(50)]])
    bench = await running(ScriptedSource([lead, other], [stream]))
    await bench.clock.advance(HINT_SPACING * 5)
    assert other.runs == 2


async def test_a_hint_may_be_in_a_hurry(running: Running) -> None:
    """It may name a shorter spacing, which holds for the run that it asks for and no longer."""
    lead = ScriptedCollector("status", [Reading()], interval=1_000.0)
    other = ScriptedCollector("rest", [Reading()], interval=1_000.0)
    bench = await running(ScriptedSource([lead, other]))
    for runs in (2, 3):
        bench.loops.wake(["rest"], HINT_SPACING / 10)
        await bench.clock.advance(HINT_SPACING / 5)
        assert other.runs == runs
    bench.loops.wake(["rest"])
    await bench.clock.advance(HINT_SPACING / 5)
    assert other.runs == 3
    await bench.clock.advance(HINT_SPACING)
    assert other.runs == 4


async def test_full_pages_follow_at_once(running: Running) -> None:
    """A reading that says `more` is followed by the next without a pause."""
    lead = ScriptedCollector("status", [Reading(more=True), Reading(more=True), Reading()], interval=1_000.0)
    await running(ScriptedSource([lead]))
    assert lead.runs == 3


async def test_full_pages_do_not_spin_on_a_broken_ledger(running: Running) -> None:
    """When the ledger refuses, the same page is asked for again only after the pause."""
    lead = ScriptedCollector("status", [Reading()])
    other = ScriptedCollector("rest", [Reading(more=True)])
    bench = await running(ScriptedSource([lead, other]))
    bench.recorder.broken = True
    await settle()
    before = other.runs
    await bench.clock.advance(25)
    assert other.runs - before <= 4


async def test_gap_of_a_stream_is_recorded(running: Running) -> None:
    """A stream that never tells again leaves a row for each time that nobody listened; the first start none."""
    lead = ScriptedCollector("status", [Reading()])
    stream = ScriptedStream("htlcs", [[Reading()], [Reading()]])
    bench = await running(ScriptedSource([lead], [stream]))
    assert bench.recorder.gaps == []
    await bench.clock.advance(5)
    (gap,) = bench.recorder.gaps
    assert gap.stream == "htlcs"
    assert 0 < gap.end - gap.start <= 5


async def test_replaying_stream_has_no_gap(running: Running) -> None:
    """A stream that resumes from its cursor missed nothing."""
    lead = ScriptedCollector("status", [Reading()])
    stream = ScriptedStream("invoices", [[Reading()], [Reading()]], replays=True)
    bench = await running(ScriptedSource([lead], [stream]))
    await bench.clock.advance(5)
    assert stream.connections == 2
    assert bench.recorder.gaps == []


async def test_stream_tells_again_what_was_not_stored(running: Running) -> None:
    """When the ledger refuses what a stream told, the stream is cut, and told again until it is stored."""
    lead = ScriptedCollector("status", [Reading()])
    line = Reading(cursors={"invoices.settle_index": "1"})
    stream = ScriptedStream("invoices", [[Reading()], *[[line]] * 100], replays=True)
    bench = await running(ScriptedSource([lead], [stream]))
    bench.recorder.broken = True
    await bench.clock.advance(20)
    assert bench.recorder.memory.cursors == {}
    assert stream.connections > 2
    bench.recorder.broken = False
    await bench.clock.advance(40)
    assert bench.recorder.memory.cursors == {"invoices.settle_index": "1"}


async def test_hanging_collector_meets_its_deadline(running: Running) -> None:
    """A collector that never answers is given up at its deadline, and the target hangs."""

    @dataclass
    class Hanging(ScriptedCollector):
        async def collect(self, memory: Memory) -> Reading:
            await asyncio.Event().wait()
            raise AssertionError

    lead = Hanging("status", [], deadline=0.05)
    bench = await running(ScriptedSource([lead]))
    await asyncio.sleep(0.2)
    assert bench.recorder.states == [TargetState.HANGING]


async def test_remembered_state_is_no_change(running: Running) -> None:
    """After a restart the same state as before the restart is not stored again, and its `since` stays."""
    report = TargetReport(TargetState.UP, "1.0", supported=True)
    target = Target(
        site="s", slug="x", kind="host", lightning=False, source=ScriptedSource([ScriptedCollector("a", [])])
    )
    target.remember(TargetState.UP, 5.0, "", "1.0")
    assert not target.enter(10.0, report)
    assert target.since == 5.0
    assert target.failed_lead(11.0, SourceError(FailureReason.REFUSED, "gone"))
    assert target.since == 11.0

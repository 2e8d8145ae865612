"""The loops that keep collectors and streams going: one run in flight, a deadline, jitter, a circuit
breaker; a source that fails never takes the daemon down and never hides another."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from random import Random, random

import structlog

from lnwatch.clock import Clock
from lnwatch.domain.reach import SERVING
from lnwatch.errors import FailureReason, LedgerError, SourceError
from lnwatch.model.snapshot import Reading, StreamGap, TargetReport, TargetState
from lnwatch.sources import Collector, Memory, Stream
from lnwatch.store import Entry, StateChange
from lnwatch.target import Target

log = structlog.get_logger()

Deliver = Callable[[Sequence[Entry | StateChange]], Awaitable[None]]

JITTER = 0.05  # of the interval, either way: collectors of a fleet drift apart
HINT_SPACING = 1.0  # seconds: hints are coalesced to at most one extra run in this time
BACKOFF_AFTER = 3  # failures in a row, then the pause doubles
BACKOFF_LIMIT = 300.0  # seconds
RETRY_AFTER = 60.0  # seconds: what is read once an hour does not wait as long when it failed
SAME_TOMORROW = frozenset({FailureReason.FORBIDDEN, FailureReason.UNSUPPORTED, FailureReason.REJECTED})
RECONNECT_LIMIT = 30.0  # seconds between tries of a stream that was cut
ALIVE_EVERY = 30.0  # seconds between notes that a stream still stands


async def first_of(clock: Clock, event: asyncio.Event, seconds: float) -> None:
    """Wait until `event` is set or `seconds` have passed, which sets it as well."""

    def ring(_: object) -> None:
        event.set()

    timer = asyncio.ensure_future(clock.sleep(seconds))
    timer.add_done_callback(ring)
    try:
        await event.wait()
    finally:
        timer.remove_done_callback(ring)
        timer.cancel()


def _doubled(times: int) -> float:
    """How much longer a pause is that was doubled so often; more than any limit after some weeks of it, no overflow."""
    return 2.0 ** min(times, 60)


class TargetLoops:
    """Everything that runs for one source. `deliver` stores, and returns when it is stored."""

    def __init__(self, target: Target, memory: Memory, clock: Clock, deliver: Deliver) -> None:
        """Nothing starts before `run`."""
        self._target = target
        self._memory = memory
        self._clock = clock
        self._deliver = deliver
        self._wake = {collector.name: asyncio.Event() for collector in target.source.collectors}
        self._spacing: dict[str, float] = {}
        self._reachable = asyncio.Event()
        self._log = log.bind(site=target.site, source=target.slug, kind=target.kind)

    async def run(self) -> None:
        """Run until cancelled; the source is closed at the end."""
        try:
            async with asyncio.TaskGroup() as group:
                for collector in self._target.source.collectors:
                    group.create_task(self._poll(collector))
                for stream in self._target.source.streams:
                    group.create_task(self._follow(stream))
                group.create_task(self._heartbeat())
        finally:
            await self._target.source.close()

    def wake(self, names: Iterable[str], spacing: float = HINT_SPACING) -> None:
        """Have these collectors run soon: hints are coalesced to one extra run in `spacing` seconds."""
        for name in names:
            self._spacing[name] = min(spacing, self._spacing.get(name, spacing))
            self._wake[name].set()

    async def _poll(self, collector: Collector) -> None:
        leads, dice = collector.name == self._target.lead, Random(random())  # noqa: S311 - jitter, no secret
        wake = self._wake[collector.name]
        while True:
            if not leads:
                await self._reachable.wait()
            wake.clear()
            self._spacing.pop(collector.name, None)
            started = self._clock.monotonic()
            again = await self._run(collector, leads=leads)
            if again:
                continue
            await first_of(self._clock, wake, self._pause(collector, started, dice))
            rest = self._spacing.get(collector.name, HINT_SPACING) - (self._clock.monotonic() - started)
            if rest > 0:
                await self._clock.sleep(rest)

    def _pause(self, collector: Collector, started: float, dice: Random) -> float:
        record = self._target.records[collector.name]
        failures = record.failures_in_a_row
        interval = collector.interval * dice.uniform(1 - JITTER, 1 + JITTER)
        if failures >= BACKOFF_AFTER and collector.name != self._target.lead:
            interval = min(interval * _doubled(failures - BACKOFF_AFTER + 1), max(BACKOFF_LIMIT, interval))
        if record.fault is not None and record.fault.reason not in SAME_TOMORROW:
            interval = min(interval, RETRY_AFTER * _doubled(failures - 1))
        return max(0.0, started + interval - self._clock.monotonic())

    async def _run(self, collector: Collector, *, leads: bool) -> bool:
        """One run, stored; whether the next is due at once."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(collector.deadline):
                reading = await collector.collect(self._memory)
        except TimeoutError:
            message = f"no answer within {collector.deadline:g} s"
            await self._failed(collector.name, started, SourceError(FailureReason.TIMEOUT, message), leads=leads)
            return False
        except SourceError as error:
            await self._failed(collector.name, started, error, leads=leads)
            return False
        except Exception as error:  # noqa: BLE001 - a broken collector is a fact and hides no other
            self._log.exception("collector broke", collector=collector.name)
            bug = SourceError(FailureReason.BUG, f"{type(error).__name__} inside lnwatch; see the log")
            await self._failed(collector.name, started, bug, leads=leads)
            return False
        return await self._succeeded(collector.name, started, reading, leads=leads)

    async def _succeeded(self, name: str, started: float, reading: Reading, *, leads: bool) -> bool:
        at = self._clock.now()
        record = self._target.records[name]
        if record.fault is not None:
            self._log.info("collector recovered", collector=name)
        record.succeeded(at, self._clock.monotonic() - started)
        stored = await self._store(name, at, reading, leads=leads)
        if stored and not reading.more:
            record.read_until = at - record.duration
        if leads:
            report = reading.target or TargetReport(TargetState.UP, "", supported=True)
            await self._entered(at, changed=self._target.enter(at, report))
        self.wake(reading.wakes)
        return stored and reading.more

    async def _failed(self, name: str, started: float, error: SourceError, *, leads: bool) -> None:
        at = self._clock.now()
        record = self._target.records[name]
        if record.fault is None or record.fault.reason != error.reason.value:
            self._log.warning("collector failed", collector=name, reason=error.reason.value, error=error.message)
        record.failed(at, self._clock.monotonic() - started, error)
        if leads:
            await self._entered(at, changed=self._target.failed_lead(at, error))
        else:
            await self._deliver_quietly([])

    async def _entered(self, at: float, *, changed: bool) -> None:
        target = self._target
        if target.reachable:
            self._reachable.set()
        else:
            self._reachable.clear()
        if target.state is None or not changed:
            await self._deliver_quietly([])
            return
        if target.state in SERVING:  # what failed meanwhile has waited long enough
            self.wake(record.name for record in target.records.values() if record.name in self._wake and record.fault)
        self._log.info("target state", state=target.state.value, version=target.report.version, detail=target.detail)
        change = StateChange(target.site, target.slug, at, target.state, target.detail, target.report.version)
        await self._deliver_quietly([change])

    async def _store(self, name: str, at: float, reading: Reading, *, leads: bool = False) -> bool:
        self._target.take(name, at, reading)  # facts are true whether or not they can be written
        try:
            await self._deliver([self._entry(name, at, reading, leads=leads)])
        except LedgerError:
            return False  # the engine told; the cursor stands where it stood, so the next run reads it again
        return True

    async def _deliver_quietly(self, changes: Sequence[StateChange]) -> None:
        with suppress(LedgerError):  # the state is published all the same, its row comes with the next change
            await self._deliver(changes)

    async def _follow(self, stream: Stream) -> None:
        record = self._target.records[f"{stream.name}_stream"]
        failures, dice = 0, Random(random())  # noqa: S311 - jitter, no secret
        while True:
            await self._reachable.wait()
            started = self._clock.monotonic()
            try:
                await self._listen(stream)
                error = SourceError(FailureReason.FAILED, "the stream ended")
            except SourceError as cut:
                error = cut
            except LedgerError:
                error = SourceError(FailureReason.FAILED, "what the stream told could not be stored")
            except Exception as bug:  # noqa: BLE001 - a broken stream is a fact and hides no other
                self._log.exception("stream broke", stream=stream.name)
                error = SourceError(FailureReason.BUG, f"{type(bug).__name__} inside lnwatch; see the log")
            failures = 1 if record.success else failures + 1
            if record.fault is None or record.fault.reason != error.reason.value:
                self._log.warning("stream cut", stream=stream.name, reason=error.reason.value, error=error.message)
            was_up = record.success
            record.failed(self._clock.now(), self._clock.monotonic() - started, error)
            if was_up:
                await self._note_alive([] if stream.replays else [stream])
            await self._clock.sleep(min(_doubled(failures - 1), RECONNECT_LIMIT) * dice.uniform(0.5, 1.0))

    async def _listen(self, stream: Stream) -> None:
        record = self._target.records[f"{stream.name}_stream"]
        connected = False
        async with aclosing(stream.listen(self._memory)) as readings:
            async for reading in readings:
                at = self._clock.now()
                if not connected:
                    connected = True
                    await self._connected(stream, at)
                record.succeeded(at, 0.0)
                if reading.events or reading.cursors:
                    await self._deliver([self._entry(stream.name, at, reading)])
                self.wake(reading.wakes)

    async def _connected(self, stream: Stream, at: float) -> None:
        """Record what a stream that never tells again may have told while nobody listened."""
        self._log.info("stream stands", stream=stream.name)
        if stream.replays:
            return
        cursor = f"{stream.name}.alive"
        alive = await self._memory.cursor(cursor)
        gaps = () if alive is None else (StreamGap(stream.name, float(alive), at, "not connected"),)
        await self._deliver([self._entry(stream.name, at, Reading(events=gaps, cursors={cursor: repr(at)}))])

    async def _note_alive(self, streams: Iterable[Stream]) -> None:
        at = self._clock.now()
        for stream in streams:
            with suppress(LedgerError):  # then the gap begins at the last note, which is the safe side
                await self._deliver([self._entry(stream.name, at, Reading(cursors={f"{stream.name}.alive": repr(at)}))])

    async def _heartbeat(self) -> None:
        while True:
            await self._clock.sleep(ALIVE_EVERY)
            await self._note_alive(
                stream
                for stream in self._target.source.streams
                if not stream.replays and self._target.records[f"{stream.name}_stream"].success
            )

    def _entry(self, collector: str, at: float, reading: Reading, *, leads: bool = False) -> Entry:
        target = self._target
        return Entry(target.site, target.slug, target.lightning, collector, at, reading, leads)

"""What goes wrong with lnwatch itself is noticed, kept, and survives a restart."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from freezegun import freeze_time

from lnwatch.clock import SystemClock
from lnwatch.model.view import Episode, OwnHealth
from lnwatch.selfwatch import TICK, SelfWatch
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.store.conftest import ledger_url, settings  # noqa: F401 - likewise: each test runs over both backends

NOW = 1_800_000_000.0


class Skewed(ManualClock):
    """A clock whose wall may be set, and whose loop may stand still."""

    def set_wall(self, by: float) -> None:
        self._now += by

    def stand_still(self, seconds: float) -> None:
        """Time passes and nobody is woken."""
        self._elapsed += seconds


@pytest.fixture
def clock() -> Skewed:
    return Skewed(NOW)


@pytest.fixture
async def ledger(tmp_path: Path, settings: LedgerSettings, clock: Skewed) -> AsyncGenerator[Ledger, None]:  # noqa: F811 - the fixture
    opened = await open_ledger(settings, tmp_path, clock)
    yield opened
    await opened.close()


@asynccontextmanager
async def watching(watch: SelfWatch, clock: ManualClock) -> AsyncGenerator[None, None]:
    running = asyncio.create_task(watch.run())
    await clock.advance(0)
    yield
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def restarted(ledger: Ledger, clock: ManualClock) -> OwnHealth:
    """What a new process knows, once the writer's thread has written."""
    await asyncio.sleep(0.2)
    again = SelfWatch(ledger, clock)
    await again.restore(clock.now())
    return again.health({}, {}, "")


async def test_quiet(ledger: Ledger, clock: Skewed) -> None:
    """Hours of ordinary ticks leave nothing."""
    watch = SelfWatch(ledger, clock)
    async with watching(watch, clock):
        await clock.advance(7_200)
    assert watch.health({}, {}, "") == OwnHealth()


async def test_stall(ledger: Ledger, clock: Skewed) -> None:
    """A loop that stood for a minute is told with its length, half a second is not; how late each look was is told."""
    late: list[float] = []
    watch = SelfWatch(ledger, clock, late.append)
    async with watching(watch, clock):
        clock.stand_still(0.5 + TICK)
        await clock.advance(1)
        clock.stand_still(60 + TICK)
        await clock.advance(1)
        now = clock.now()
    (stall,) = watch.health({}, {}, "").loop_stalls
    assert stall.end is not None
    assert stall.end - stall.start == pytest.approx(60, abs=1.1)
    assert now - 2 <= stall.end <= now
    assert [seconds for seconds in late if seconds] == pytest.approx([0.5, 60])
    assert (await restarted(ledger, clock)).loop_stalls == (stall,)


@pytest.mark.parametrize(("by", "words"), [(3_600, "it went ahead by 1 h"), (-60, "it went back by 1 min")])
async def test_clock_jump(ledger: Ledger, clock: Skewed, by: float, words: str) -> None:
    """A wall clock that was set is told of, either way, and no stall is made of it."""
    watch = SelfWatch(ledger, clock)
    async with watching(watch, clock):
        await clock.advance(10)
        clock.set_wall(by)
        await clock.advance(2)
    health = watch.health({}, {}, "")
    assert health.loop_stalls == ()
    (jump,) = health.clock_jumps
    assert jump.words.startswith(words)
    assert (await restarted(ledger, clock)).clock_jumps == (jump,)


class WallOfTheTest(SystemClock):
    """Its wall is the one that freezegun sets, its steady clock the machine's."""

    def now(self) -> float:
        return datetime.now(UTC).timestamp()


async def test_real_clock_that_is_set(ledger: Ledger) -> None:
    """The machine's wall clock is set while the daemon runs: that is one jump, and no stall."""
    watch = SelfWatch(ledger, WallOfTheTest())
    with freeze_time("2026-11-26 12:00", real_asyncio=True, tick=True, ignore=["lnwatch.clock"]) as wall:
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(0.1)
        wall.move_to("2026-11-26 13:00")
        await asyncio.sleep(1.5 * TICK)
        health = watch.health({}, {}, "")
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    assert health.loop_stalls == ()
    (jump,) = health.clock_jumps
    assert jump.words.startswith("it went ahead by ")
    assert jump.end is not None
    assert jump.end - jump.start == pytest.approx(3_600, abs=2)


async def test_ledger_trouble(ledger: Ledger, clock: Skewed) -> None:
    """It lasts from the first refused write to the first that goes through, and is then written itself."""
    watch = SelfWatch(ledger, clock)
    async with watching(watch, clock):
        watch.ledger_failed("the disk is full")
        await clock.advance(30)
        watch.ledger_failed("the disk is full")
        assert watch.health({}, {}, "").ledger == (Episode(NOW, None, "the disk is full"),)
        await clock.advance(30)
        watch.ledger_works()
        watch.ledger_works()
        await clock.advance(2)
    over = Episode(NOW, NOW + 60, "the disk is full")
    assert watch.health({}, {}, "").ledger == (over,)
    assert (await restarted(ledger, clock)).ledger == (over,)


async def test_a_day_is_remembered(ledger: Ledger, clock: Skewed) -> None:
    """What ended more than a day ago is no longer shown."""
    watch = SelfWatch(ledger, clock)
    watch.ledger_failed("the disk is full")
    watch.ledger_works()
    clock.set_wall(86_401)
    assert watch.health({}, {}, "").ledger == ()


async def test_what_others_say_is_passed_on(ledger: Ledger, clock: Skewed) -> None:
    """Delivery, the rules and the executor tell of themselves."""
    failing = {"ops": Episode(NOW, None, "gone")}
    health = SelfWatch(ledger, clock).health(failing, {"x": "ValueError: y"}, "row 3 is missing")
    assert (health.deliveries, health.broken_rules) == (failing, {"x": "ValueError: y"})
    assert health.journal == "row 3 is missing"

import asyncio

from lnwatch.sources.lnd.pacing import Hints, Lane
from tests.manual_clock import ManualClock


async def test_lane_holds_its_limit() -> None:
    """However many ask at once, no window sees more than its slots, and they pass in order."""
    clock = ManualClock()
    lane = Lane(clock, 15.0, 2)
    passed: list[tuple[int, float]] = []

    async def ask(number: int) -> None:
        waited = await lane.take()
        passed.append((number, waited))

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(ask(number))
        await clock.advance(60.0)
    assert passed == [(0, 0.0), (1, 0.0), (2, 15.0), (3, 15.0), (4, 30.0)]


async def test_lane_survives_one_who_gives_up() -> None:
    """Whoever is cancelled while waiting takes no slot from the others."""
    clock = ManualClock()
    lane = Lane(clock, 15.0, 1)
    await lane.take()
    first = asyncio.create_task(lane.take())
    second = asyncio.create_task(lane.take())
    await clock.advance(5.0)
    first.cancel()
    await clock.advance(10.0)
    assert await second == 15.0
    assert first.cancelled()


def test_hint_is_taken_once() -> None:
    """A hint frees one run."""
    hints = Hints(ManualClock())
    assert hints.wake("channels", "invoices") == {"channels", "invoices"}
    assert hints.take("channels")
    assert not hints.take("channels")
    assert hints.take("invoices")


async def test_costly_collectors_are_not_woken_all_the_time() -> None:
    """What keeps the node busy for a second may be hinted at again after nine more."""
    clock = ManualClock()
    hints = Hints(clock)
    hints.spent("channels", 1.0)
    assert hints.wake("channels") == frozenset()
    await clock.advance(8.9)
    assert hints.wake("channels") == frozenset()
    await clock.advance(0.2)
    assert hints.wake("channels") == {"channels"}
    assert hints.wake("invoices") == {"invoices"}


def test_expected_runs_pass() -> None:
    """When the node comes back every collector may ask at once."""
    hints = Hints(ManualClock())
    hints.spent("wallet", 100.0)
    hints.expect(["wallet", "peers"])
    assert hints.take("wallet")
    assert hints.take("peers")

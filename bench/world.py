"""How fast a simulated world goes: `python -m bench.world`. CPU seconds, so that other work matters less.

The world alone lives 90 days of three shops; on the doubles it lives the 30 days that a demo begins with.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from lnwatch.simulator.world import World, shops
from lnwatch.simulator.world.events import Event, line
from lnwatch.simulator.world.stage import Stage
from lnwatch.simulator.world.timetable import DAY

_BEGIN = 20_700 * DAY
_ALONE = 90  # days
_ON_DOUBLES = 30


def alone(days: int) -> tuple[float, int]:
    """CPU seconds of shops with 5, 60 and 800 orders a day, each event written down, and how many events."""
    written = 0

    def write(at: int, event: Event) -> None:
        nonlocal written
        written += bool(line(at, event))

    began = time.process_time()
    World(shops("bench", _BEGIN, corner=5, books=60, games=800), write).run(_BEGIN + days * DAY)
    return time.process_time() - began, written


async def on_doubles(days: int, folder: Path) -> float:
    """CPU seconds of shops with 5, 60 and 200 orders a day on BTCPay, NBXplorer, bitcoind and LND."""
    stage = Stage(shops("bench", _BEGIN, corner=5, books=60, games=200), folder)
    began = time.process_time()
    async with stage.opened():
        await stage.live_through(_BEGIN / 1_000 + days * 86_400, lambda _: None)
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    took, events = alone(_ALONE)
    print(
        f"world alone, 865 orders a day: {_ALONE} days in {took:.1f} CPU s, {_ALONE / took:.1f} days/s, {events} events"
    )
    with tempfile.TemporaryDirectory(prefix="lnwatch-bench-") as folder:
        took = asyncio.run(on_doubles(_ON_DOUBLES, Path(folder)))
    print(f"on the doubles, 265 orders a day: {_ON_DOUBLES} days in {took:.1f} CPU s, {_ON_DOUBLES / took:.1f} days/s")


if __name__ == "__main__":
    main()

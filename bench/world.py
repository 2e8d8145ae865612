"""How fast a simulated world goes, in CPU seconds, so that other work matters less."""

import asyncio
import time
from pathlib import Path

from lnwatch.simulator.world import World, shops
from lnwatch.simulator.world.events import Event, line
from lnwatch.simulator.world.stage import Stage
from lnwatch.simulator.world.timetable import DAY

_BEGIN = 20_700 * DAY


def alone(days: int) -> float:
    """CPU seconds of shops with 5, 60 and 800 orders a day, each event written down."""

    def write(at: int, event: Event) -> None:
        line(at, event)

    began = time.process_time()
    World(shops("bench", _BEGIN, corner=5, books=60, games=800), write).run(_BEGIN + days * DAY)
    return time.process_time() - began


def on_doubles(folder: Path, days: int) -> float:
    """CPU seconds of shops with 5, 60 and 200 orders a day on BTCPay, NBXplorer, bitcoind and LND."""
    folder.mkdir()
    return asyncio.run(_on_doubles(folder, days))


async def _on_doubles(folder: Path, days: int) -> float:
    stage = Stage(shops("bench", _BEGIN, corner=5, books=60, games=200), folder)
    began = time.process_time()
    async with stage.opened():
        await stage.live_through(_BEGIN / 1_000 + days * 86_400, lambda _: None)
    return time.process_time() - began

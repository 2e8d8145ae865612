"""One world, and a daemon that meets it over sockets or in its own process; what is in its ledger then."""

import asyncio
import os
import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lnwatch.app import run, run_inside
from lnwatch.config import load
from lnwatch.net import Door
from lnwatch.simulator.demo.house import House, Pace, configure
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.indoors import CoarseClock, Indoors
from lnwatch.simulator.ports import free_port
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.lockstep import LockstepLoop
from lnwatch.simulator.world.stage import Stage
from lnwatch.store import LedgerSettings, export

BEGIN = 1_788_163_200  # Monday, 08:00 UTC
HISTORY = 36 * 3_600
WARM_UP = 600.0
LIVE = 1_802.0  # without sockets it is judged a second after what was read at a full grain
GRAIN = 15.0
_PACE = Pace(often="15s", answer="5s", invoices="15s", slow="60s", tells_after="")

Row = dict[str, Any]


@dataclass(frozen=True)
class Life:
    """What one way ended with."""

    folder: Path

    def rows(self, table: str) -> list[Row]:
        """Every row of a table."""
        return [dict(row) for row in export(LedgerSettings(), self.folder / "data", table)]


async def _incidents(stage: Stage) -> None:
    """What goes wrong in the live hour: customers' payments die, the shop is away, and a peer is."""
    clock, world = stage.clock, stage.world
    await clock.sleep(60)
    world.causes.upstream = 0.7
    await clock.sleep(300)
    world.causes.upstream = 0.0
    await stage.btcpay.stop()
    await clock.sleep(180)
    await stage.btcpay.start()
    await clock.sleep(120)
    world.upkeep.go("harbour", online=False)
    for way in stage.ways:
        way.cut_off()
    await clock.sleep(300)
    for way in stage.ways:
        way.reconnect()
    world.upkeep.go("harbour", online=True)


async def _live(life: Life, *, inside: bool) -> None:
    stage = Stage(shops("both ways", (BEGIN - HISTORY) * 1_000, books=70, games=230), life.folder, listens=not inside)
    people, house = People(stage.clock), House(life.folder, free_port(), 0)
    indoors = Indoors(stage, (people.slack, people.pagerduty, people.shop, people.hook)) if inside else None
    async with stage.opened(), people.opened(), asyncio.TaskGroup() as group:
        await stage.live_through(BEGIN - WARM_UP, lambda _: None)
        configure(house, stage, people, _PACE)
        tasks = [group.create_task(stage.run())]
        config = load(house.config, os.environ)
        if indoors is not None:
            door, clock = Door(clock=stage.clock, inside=indoors), CoarseClock(stage.clock, GRAIN)
            tasks.append(group.create_task(run_inside(config, clock, door, partial(indoors.show, house.port), GRAIN)))
        else:
            tasks.append(group.create_task(run(config, stage.clock)))
        await stage.clock.sleep(WARM_UP)
        tasks.append(group.create_task(_incidents(stage)))
        await stage.clock.sleep(LIVE)
        for task in tasks:
            task.cancel()


def lived(folder: Path, *, inside: bool) -> Life:
    """A day of history and an hour of life, in one way or the other."""
    folder.mkdir()
    random.seed("both ways")  # of the daemon's jitter
    life = Life(folder)
    with asyncio.Runner(loop_factory=LockstepLoop) as runner:
        runner.run(_live(life, inside=inside))
    return life

"""A daemon and its merchant's world in one process, on one clock that passes as fast as both can go.

`python -m bench.inside WAY SPANS SECONDS GRAIN FOLDER` lives through so many spans, and prints a line after each. WAY
is `sockets` for a daemon over sockets, `indoors` for one that needs none and looks up once in GRAIN seconds, `alone`
for a world without any. The doubles keep everything that ever happened, as a merchant's systems do; what of the memory
is theirs shows there.
"""

import asyncio
import ctypes
import gc
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from lnwatch import log
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
from lnwatch.simulator.world.timetable import DAY
from lnwatch.store import LedgerSettings, export

_BEGIN = 20_700 * DAY
_PAST = 21_600  # seconds that the shops have been there
_LONG_PAST = 30 * 86_400  # the same where days are lived, as a merchant has it
_SHOWN_FOR = 3 * 86_400  # seconds that Slack keeps a message
_LOOKS_EVERY = 60.0  # seconds, at what stands in the customers' way: here nothing ever does
_USUAL = 15.0  # seconds between two looks of a daemon over sockets


@dataclass(frozen=True, slots=True)
class Moment:
    """The end of a span: its number, CPU seconds and resident MB so far, and the customers who came."""

    number: int
    cpu: float
    resident: float
    customers: int


@dataclass(frozen=True, slots=True)
class Lived:
    """What was seen on the way, and how many orders are in the ledger."""

    moments: tuple[Moment, ...]
    orders: int

    @property
    def cpu(self) -> float:
        """CPU seconds of all spans but the first, in which history is read."""
        return self.moments[-1].cpu - self.moments[0].cpu

    def slope(self, last: int) -> float:
        """MB a span over the last ones, by least squares."""
        found = [(each.number, each.resident) for each in self.moments[-last:]]
        middle = sum(number for number, _ in found) / len(found)
        return sum((number - middle) * size for number, size in found) / sum((n - middle) ** 2 for n, _ in found)


def lived(way: str, spans: int, seconds: float, folder: Path, grain: float = _USUAL) -> Lived:
    """Let shops with 5, 60 and 200 orders a day live, in a process of its own."""
    folder.mkdir()
    command = (sys.executable, "-m", "bench.inside", way, str(spans), str(seconds), str(grain), str(folder))
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = export(LedgerSettings(), folder / "data", "merchant_order") if way != "alone" else ()
    return Lived(tuple(Moment(**json.loads(line)) for line in lines), sum(1 for _ in rows))


def _customers(stage: Stage) -> int:
    return sum(shop.orders for shop in stage.world.shops.values())


def _forget(people: People, now: float) -> None:
    """What people's systems wrote down of lnwatch, but what is open and what Slack showed in the last days: a world
    without it has nothing of it to keep."""
    for each in (people.slack, people.pagerduty, people.shop, people.hook):
        each.received.clear()
    people.slack.calls.clear()
    people.pagerduty.events.clear()
    people.hook.deliveries.clear()
    people.pagerduty.alerts = {key: each for key, each in people.pagerduty.alerts.items() if each.status != "resolved"}
    shown = people.channel.messages
    people.channel.messages = {ts: each for ts, each in shown.items() if float(ts) > now - _SHOWN_FOR}


def _accept(stage: Stage) -> None:
    """The shops' people let stand what came late or in part, on the day after: a queue that nobody works only grows."""
    btcpay, before = stage.btcpay.core, stage.clock.now() - DAY / 1_000
    for invoice in btcpay.invoices.values():
        if invoice.over_with and invoice.payments and invoice.expires_at < before:
            btcpay.mark(invoice, "Settled")


def _resident(me: psutil.Process) -> float:
    gc.collect()
    with suppress(AttributeError, OSError):  # of glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    return float(me.memory_info().rss) / 1e6


async def _take(_scope: object, _receive: object, send: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
    """Take every webhook in the place of a daemon."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def _live(way: str, spans: int, seconds: float, grain: float, folder: Path) -> None:
    stage = Stage(shops("bench", _BEGIN, corner=5, books=60, games=200), folder, listens=way == "sockets")
    people, house = People(stage.clock), House(folder, free_port(), 0)
    indoors = Indoors(stage, (people.slack, people.pagerduty, people.shop, people.hook)) if way != "sockets" else None
    async with stage.opened(), people.opened(), asyncio.TaskGroup() as group:
        past = _PAST if way == "sockets" else _LONG_PAST
        await stage.live_through(_BEGIN / 1_000 + past, lambda _: None)
        often = f"{grain:.0f}s"
        configure(house, stage, people, Pace(often, "10s", often, f"{max(grain, 60):.0f}s", ""))
        config = load(house.config, os.environ)
        if indoors is None:
            daemon = [run(config, stage.clock)]
        elif way == "indoors":
            door, clock = Door(clock=stage.clock, inside=indoors), CoarseClock(stage.clock, grain)
            daemon = [run_inside(config, clock, door, partial(indoors.show, house.port), grain)]
        else:
            indoors.show(house.port, _take)
            daemon = []
        if indoors is not None:
            stage.looks_every = _LOOKS_EVERY
        tasks = [group.create_task(each) for each in (stage.run(), *daemon)]
        for number in range(1, spans + 1):
            await stage.clock.sleep(seconds)
            _forget(people, stage.clock.now())
            _accept(stage)
            moment = Moment(number, time.process_time(), _resident(psutil.Process()), _customers(stage))
            print(json.dumps(asdict(moment)), flush=True)
        for task in tasks:
            task.cancel()


def main() -> None:
    """Live, and print."""
    way, spans, seconds, grain, folder = sys.argv[1:]
    random.seed("bench")  # of the daemon's jitter
    log.configure(log.LogSettings(level="error"))
    with asyncio.Runner(loop_factory=LockstepLoop) as runner:
        runner.run(_live(way, int(spans), float(seconds), float(grain), Path(folder)))


if __name__ == "__main__":
    main()

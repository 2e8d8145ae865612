"""The composition root: a Config in, one TaskGroup out; the only module that knows every room."""

import asyncio
import ctypes
import gc
import signal
import socket
from contextlib import closing, suppress
from datetime import UTC

import structlog
from apscheduler.triggers.cron import CronTrigger
from prometheus_client import CollectorRegistry

from lnwatch.clock import Clock, SystemClock
from lnwatch.collect import TargetLoops
from lnwatch.config import Config
from lnwatch.engine import Engine
from lnwatch.errors import LedgerError
from lnwatch.exporter import Exporter, OwnMetrics
from lnwatch.net import Door
from lnwatch.schedule import at_each
from lnwatch.sources import Place
from lnwatch.store import Ledger, open_ledger
from lnwatch.target import Target
from lnwatch.web import bind, create_app, serve

log = structlog.get_logger()

_M_ARENA_MAX = -8  # malloc.h of glibc
PRUNING = CronTrigger(hour=3, minute=17, timezone=UTC)  # at night, and not when everybody else's jobs start


class _Stop(Exception):  # noqa: N818 - not an error: how a signal leaves the TaskGroup
    """The process was asked to end."""


def open_targets(config: Config, clock: Clock, door: Door) -> list[Target]:
    """Every configured source, opened; nothing is asked of it yet."""
    return [
        Target(
            site=site.slug,
            slug=source.slug,
            kind=source.kind.kind,
            lightning=source.kind.lightning,
            source=source.kind.open(Place(site.slug, source.slug, clock, door), source.settings),
        )
        for site in config.sites.values()
        for source in site.sources
    ]


async def run(config: Config) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    Raises ConfigError where the address to listen on can't be had, LedgerError where the ledger can't be opened.
    """
    _spare_memory()
    clock = SystemClock()
    with closing(bind(config.web)) as listener:  # before the ledger: a second daemon is told so at once
        ledger = await open_ledger(config.ledger, config.data_dir, clock)
        try:
            await _run(config, clock, ledger, listener)
        finally:
            await ledger.close()
            log.info("stopped")


async def _run(config: Config, clock: Clock, ledger: Ledger, listener: socket.socket) -> None:
    door = Door.of(config.net, clock)
    targets = open_targets(config, clock, door)
    registry = CollectorRegistry()
    own = OwnMetrics(registry)
    exporter = Exporter(lambda: engine.current, clock, registry)
    engine = Engine(ledger, clock, targets, exporter.publish)
    await engine.restore()
    pages = create_app(config.web, exporter, lambda: engine.current, clock, registry)

    async def prune(now: float) -> None:
        with suppress(LedgerError):  # told by the engine; the next night makes up for it
            await ledger.prune(now)

    _spare_the_loop()
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(_until_signal())
            group.create_task(engine.run())
            group.create_task(own.watch_loop(clock))
            group.create_task(at_each(PRUNING, clock, prune))
            group.create_task(serve(pages, config.web, listener))
            for target in targets:
                memory = ledger.memory(target.site, target.slug)
                group.create_task(TargetLoops(target, memory, clock, engine.deliver).run())
    except* _Stop:
        log.info("stopping")
    finally:
        await door.close()


def _spare_the_loop() -> None:
    """Full garbage collections walk everything that lives, 25 ms with 10,000 channels: begin without what the
    start made, and have them seldom. Our values are frozen and hold no cycles, so that little waits for one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)


def _spare_memory() -> None:
    """Of glibc each thread gets an arena of its own, which seldom hands back what is free in it: two are enough for
    ours, and save 30 MB with 10,000 channels. Elsewhere there is no such thing to set."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


async def _until_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    raise _Stop

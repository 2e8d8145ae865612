"""The composition root: a Config in, one TaskGroup out; the only module that knows every room."""

import asyncio
import ctypes
import gc
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC
from functools import partial
from typing import Any

import structlog
from apscheduler.triggers.cron import CronTrigger
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from lnwatch import desk as inbox
from lnwatch import rules
from lnwatch.caseload import Bench, Caseload
from lnwatch.checkups import keep_checking
from lnwatch.clock import Clock
from lnwatch.collect import TargetLoops
from lnwatch.config import Config, RuleConfig, SiteConfig
from lnwatch.discover import discover
from lnwatch.domain.lifecycle import Policy, usual_policy
from lnwatch.engine import CYCLE, Brain, Engine
from lnwatch.errors import LedgerError
from lnwatch.executor.executor import Executor
from lnwatch.executor.opening import Hired, Shopfront, Workplace
from lnwatch.executor.registration import Registrations
from lnwatch.executor.requests import Requests
from lnwatch.exporter import Exporter, OwnMetrics
from lnwatch.intake import Intake
from lnwatch.measures import Measured, Measures
from lnwatch.model.assessment import Assessment
from lnwatch.model.rule import Rule
from lnwatch.net import Door
from lnwatch.notify import Desk
from lnwatch.notify._deadman import DeadMan
from lnwatch.notify._delivery import Channel, Delivery
from lnwatch.notify._routing import Routing
from lnwatch.notify._tally import EDGES
from lnwatch.orderbook import Books, Orderbook
from lnwatch.schedule import at_each
from lnwatch.selfwatch import TICK, SelfWatch
from lnwatch.sources import Place
from lnwatch.sources.btcpay import Btcpay, BtcpaySettings
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.store import Ledger, open_ledger
from lnwatch.target import Target
from lnwatch.web.app import create_app
from lnwatch.web.hooks import HOOK_STREAM, Hook, HookDesk
from lnwatch.web.server import bind, serve

log = structlog.get_logger()

Show = Callable[[Starlette], None]

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


def open_channels(config: Config, clock: Clock, door: Door, deployment: str) -> dict[str, Channel]:
    """Every configured channel of delivery, opened; nothing is sent yet."""
    return {
        slug: Channel(each.kind.open(Desk(slug, clock, door, deployment), each.settings), each.kind)
        for slug, each in config.notify.items()
    }


def bench_of(config: Config) -> Bench:
    """All rules with what is in force for them."""
    found: dict[str, Rule[Any]] = discover(rules, "RULE", Rule)
    return Bench(
        rules=tuple(found.values()),
        policies={
            site: {identity: _policy(found[identity], each) for identity, each in of_site.items()}
            for site, of_site in config.rules.items()
        },
        thresholds={
            site: {identity: each.thresholds for identity, each in of_site.items()}
            for site, of_site in config.rules.items()
        },
    )


def _policy(rule: Rule[Any], config: RuleConfig) -> Policy:
    return replace(
        usual_policy(rule),
        severity=config.severity or rule.severity,
        after=config.after,
        keep_firing=config.keep_firing,
        fixed=config.severity is not None,
    )


def books_of(config: Config) -> dict[str, Books]:
    """The stores of each site that has some, and how their orders are made."""
    return {
        site.slug: Books(stores, site.orders.retry_window, site.orders.nodes)
        for site in config.sites.values()
        if (stores := _stores(site))
    }


def measured_of(config: Config) -> dict[str, Measured]:
    """What the stores of each site are measured against."""
    return {
        site.slug: Measured(tuple(stores), site.kpis.targets, site.kpis.declared)
        for site in config.sites.values()
        if (stores := _stores(site))
    }


def _stores(site: SiteConfig) -> dict[str, str]:
    """The slugs of a site's stores, each with its BTCPay Server's."""
    return {
        store: source.slug
        for source in site.sources
        if isinstance(source.settings, BtcpaySettings)
        for store in source.settings.stores
    }


async def run(config: Config, clock: Clock) -> None:
    """Run the daemon until SIGTERM or SIGINT.

    Raises ConfigError where the address to listen on can't be had, LedgerError where the ledger can't be opened.
    """
    _spare_memory()
    with closing(bind(config.web)) as listener:  # before the ledger: a second daemon is told so at once
        ledger = await open_ledger(config.ledger, config.data_dir, clock)
        try:
            await _run(config, clock, ledger, _Outside(Door.of(config.net, clock), listener))
        finally:
            await ledger.close()
            log.info("stopped")


async def run_inside(config: Config, clock: Clock, door: Door, show: Show, tick: float = TICK) -> None:
    """Run a daemon that listens nowhere, and that meets everybody at `door`, until cancelled; `show` gets its pages.

    Its sources go by the door's clock. `clock` may be one by which it wakes less often: once in `tick` seconds.
    Raises LedgerError where the ledger can't be opened.
    """
    ledger = await open_ledger(config.ledger, config.data_dir, clock)
    try:
        await _run(config, clock, ledger, _Outside(door, None, show, tick))
    finally:
        await ledger.close()


def _nobody(_: Starlette) -> None:
    """They are served."""


@dataclass(frozen=True, slots=True)
class _Outside:
    """How a daemon meets the world. Without a `listener` it does not end by a signal."""

    door: Door
    listener: socket.socket | None
    show: Show = _nobody
    tick: float = TICK


async def _run(config: Config, clock: Clock, ledger: Ledger, outside: _Outside) -> None:
    door = outside.door
    targets = open_targets(config, door.clock, door)
    registry = CollectorRegistry()
    own = OwnMetrics(registry)
    exporter = Exporter(lambda: engine.current, clock, registry)
    channels = open_channels(config, clock, door, await ledger.deployment())
    delivery = Delivery(ledger.outbox, channels, clock, config.web.link_base)
    own.tell_notifications(delivery.tally, EDGES, config.routing.paging)
    dead_man = DeadMan(config.dead_man, clock, door)
    bench = bench_of(config)
    own.tell_thresholds(bench.thresholds)
    routing = Routing(config.routing, {slug: each.kind.kind for slug, each in config.notify.items()}, config.sites)
    caseload = Caseload(ledger, bench, routing, delivery.wake)
    orderbook = Orderbook(ledger, clock, {(each.site, each.slug): each for each in targets}, books_of(config))
    measures = Measures(ledger, clock, measured_of(config), orderbook.node)
    selfwatch = SelfWatch(ledger, clock, own.lagged, outside.tick)
    hired, executor, registrations = open_office(config, clock, door, ledger)

    async def publish(assessment: Assessment) -> None:
        await exporter.publish(assessment)
        executor.show(assessment.views)

    brain = Brain(caseload, selfwatch, delivery.episodes, orderbook, measures, executor.standing)
    engine = Engine(ledger, clock, targets, brain, publish)
    await engine.restore()
    await executor.restore()
    never_muted = frozenset(rule.id for rule in bench.rules if rule.never_muted)
    desk = inbox.Desk(caseload, ledger, clock, never_muted, {**Requests(executor).handlers, **registrations.handlers})
    loops = [TargetLoops(each, ledger.memory(each.site, each.slug), clock, engine.deliver) for each in targets]
    intake = Intake(ledger.hooks, _telling(targets, loops), clock)
    hooks = HookDesk(open_hooks(intake, targets), ledger.hooks, clock, registry)
    pages = create_app(config.web, exporter, lambda: engine.current, ledger, clock, registry, hooks)
    jobs: list[Coroutine[Any, Any, None]] = [
        engine.run(),
        desk.serve(engine.wake),
        delivery.run(),
        executor.run(),
        registrations.run(),
        intake.run(engine.deliver),
        _keep_pinging(dead_man, engine, clock),
        keep_checking(targets, clock, engine.wake, granted_of(targets, loops)),
        _keep_pruning(ledger, clock),
        *(each.run() for each in loops),
    ]
    if outside.listener is None:
        outside.show(pages)
    else:
        jobs += [serve(pages, config.web, outside.listener), _until_signal()]
    _spare_the_loop()
    try:
        await _all(jobs)
    finally:
        for part in (delivery, dead_man, hired, door):
            await part.close()


async def _all(jobs: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of them until one fails, or asks to stop."""
    try:
        async with asyncio.TaskGroup() as group:
            for job in jobs:
                group.create_task(job)
    except* _Stop:
        log.info("stopping")


def _workplaces(config: Config, clock: Clock, door: Door) -> Iterator[Workplace]:
    """The nodes at which something could be done."""
    for site in config.sites.values():
        for source in site.sources:
            if isinstance(source.settings, LndSettings):
                place = Place(site.slug, source.slug, clock, door)
                yield Workplace(place, source.settings, source.settings.hands_macaroon_file)


def _shopfronts(config: Config, clock: Clock, door: Door) -> Iterator[Shopfront]:
    """The BTCPay Servers at which something could be done."""
    for site in config.sites.values():
        for source in site.sources:
            if isinstance(source.settings, BtcpaySettings):
                yield Shopfront(Place(site.slug, source.slug, clock, door), source.settings)


def open_office(config: Config, clock: Clock, door: Door, ledger: Ledger) -> tuple[Hired, Executor, Registrations]:
    """The hands, whoever gives them work, and what people may ask of them."""
    fronts = tuple(_shopfronts(config, clock, door))
    hired = Hired(_workplaces(config, clock, door), fronts, dry_run=config.executor.dry_run)
    executor = Executor(ledger.journal, hired.crew, config.executor, clock)
    servers = {(each.place.site, each.place.slug): each.settings for each in fronts}
    return hired, executor, Registrations(executor, servers, hired.keys, clock)


def _telling(
    targets: Sequence[Target], loops: Sequence[TargetLoops]
) -> dict[tuple[str, str], tuple[Btcpay, TargetLoops]]:
    """The sources that tell things by themselves, each with what proves them."""
    return {
        (target.site, target.slug): (target.source, loop)
        for target, loop in zip(targets, loops, strict=True)
        if isinstance(target.source, Btcpay)
    }


def granted_of(targets: Sequence[Target], loops: Sequence[TargetLoops]) -> Callable[[Target], None]:
    """Has what was forbidden to a source read at once."""
    running = dict(zip(targets, loops, strict=True))
    return lambda target: running[target].wake(target.forbidden)


def open_hooks(intake: Intake, targets: Sequence[Target]) -> dict[tuple[str, str], Hook]:
    """An address for each server whose webhooks can be proved, by site and name."""
    doors = {(target.site, target.slug): target.open_door for target in targets}
    return {
        (site, name): Hook(
            site, name, source, source.signs, partial(intake.heard, site, name), doors[site, name](HOOK_STREAM)
        )
        for (site, name), (source, _) in intake.sources.items()
        if source.signs is not None
    }


async def _keep_pruning(ledger: Ledger, clock: Clock) -> None:
    async def prune(now: float) -> None:
        with suppress(LedgerError):  # told by the engine; the next night makes up for it
            await ledger.prune(now)

    await at_each(PRUNING, clock, prune)


async def _keep_pinging(dead_man: DeadMan, engine: Engine, clock: Clock) -> None:
    """Ping while cycles come to a good end; a ledger that can't be written, or a cycle that hangs, stops it."""
    while True:
        await clock.sleep(CYCLE)
        newest = engine.current
        in_time = newest is not None and clock.now() - newest.at < 3 * CYCLE
        await dead_man.ping(in_time and newest is not None and newest.ledger.writable)


def _spare_the_loop() -> None:
    """Full garbage collections walk everything that lives, 25 ms with 10,000 channels: begin without what the
    start made, and have them seldom. Our values are frozen and hold no cycles, so that little waits for one.

    And wherever the loop waits for a socket while a thread reckons, it gets its turn after a tenth of the usual 5 ms:
    an answer takes several such turns."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    sys.setswitchinterval(0.000_5)


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

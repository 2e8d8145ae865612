"""From a finding to what is told of it: the daemon's own engine, cases, ledger and delivery, before a webhook."""

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from bench.path import SITE, idle_target
from lnwatch.caseload import Bench, Caseload
from lnwatch.clock import SystemClock
from lnwatch.engine import Brain, Engine
from lnwatch.measures import Measures
from lnwatch.model.assessment import Assessment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity
from lnwatch.model.view import TargetView, View
from lnwatch.net import Door, NetSettings
from lnwatch.notify import Desk
from lnwatch.notify._delivery import Channel, Delivery
from lnwatch.notify._routing import Route, Routing, RoutingSettings
from lnwatch.notify.webhook import NOTIFIER, WebhookSettings
from lnwatch.orderbook import Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.simulator.webhook_receiver import Receiver, Reply, Request
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.target import Target

CHANNEL = "hook"
PAUSE = 0.6  # seconds between two findings: slower than the webhook's own pace, so that nothing waits for it
_SECRET = "of the bench alone"  # noqa: S105 - the receiver does not check it


@dataclass(frozen=True, slots=True)
class _Thresholds:
    """None."""


@dataclass(slots=True)
class _World:
    """What the one rule finds; a source says something new with each of them, or no rule would be asked again."""

    target: Target = field(default_factory=idle_target)
    findings: list[Finding] = field(default_factory=list)

    def find(self, *findings: Finding) -> None:
        """Something is wrong from now on."""
        self.findings += findings
        self.target.detail = f"{len(self.findings)} findings"

    def judge(self, _view: View, _target: TargetView | None, _thresholds: _Thresholds) -> Iterable[Answer]:
        """All of it."""
        return tuple(self.findings)


class _Listener(Receiver):
    """Takes everything, and notes when the head of a request was there."""

    def __init__(self, clock: SystemClock) -> None:
        super().__init__(clock)
        self.arrived: asyncio.Queue[float] = asyncio.Queue()

    def answer(self, request: Request) -> Reply:  # noqa: ARG002 - whatever it says
        """Taken."""
        self.arrived.put_nowait(time.perf_counter())
        return Reply(200)


@dataclass(frozen=True, slots=True)
class House:
    """The running parts."""

    world: _World
    engine: Engine
    caseload: Caseload
    ledger: Ledger
    listener: _Listener


@asynccontextmanager
async def _house(folder: Path) -> AsyncGenerator[House, None]:
    clock, world = SystemClock(), _World()
    ledger = await open_ledger(LedgerSettings(), folder, clock)
    door, listener = Door.of(NetSettings(), clock), _Listener(clock)
    await listener.start()
    settings = WebhookSettings(url=SecretStr(listener.url), secret=SecretStr(_SECRET))
    hook = NOTIFIER.open(Desk(CHANNEL, clock, door, "bench"), settings)
    delivery = Delivery(ledger.outbox, {CHANNEL: Channel(hook, NOTIFIER)}, clock, "http://localhost")
    rule = Rule("bench", Scope.SITE, Severity.WARNING, Owner.OPERATORS, _Thresholds, world.judge)
    routing = Routing(RoutingSettings(routes=(Route(channels=(CHANNEL,)),)), {CHANNEL: NOTIFIER.kind}, [SITE])
    caseload = Caseload(ledger, Bench.usual([rule], [SITE]), routing, delivery.wake)
    orderbook = Orderbook(ledger, clock, {}, {})
    measures = Measures(ledger, clock, {}, orderbook.node)
    brain = Brain(caseload, SelfWatch(ledger, clock), delivery.episodes, orderbook, measures)
    engine = Engine(ledger, clock, [world.target], brain, _publish)
    await engine.restore()
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(engine.run()), group.create_task(delivery.run())]
        yield House(world, engine, caseload, ledger, listener)
        for task in running:
            task.cancel()
    await delivery.close()
    await listener.stop()
    await door.close()
    await ledger.close()


async def _publish(_: Assessment) -> None:
    """Nobody scrapes."""


@dataclass(frozen=True, slots=True)
class Told:
    """Seconds from a finding to the head of the request that tells of it."""

    p50: float
    p99: float
    longest: float


async def _tell(folder: Path, count: int) -> Told:
    took: list[float] = []
    async with _house(folder) as house:
        for number in range(count):
            await asyncio.sleep(PAUSE * (0.9 + 0.2 * (number % 7) / 6))  # at no fixed place of the engine's cycle
            started = time.perf_counter()
            house.world.find(_finding(number))
            house.engine.wake()
            took.append(await asyncio.wait_for(house.listener.arrived.get(), 30) - started)
    cuts = statistics.quantiles(took, n=100)
    return Told(statistics.median(took), cuts[98], max(took))


async def _storm(folder: Path, count: int) -> float:
    async with _house(folder) as house:
        await asyncio.sleep(1)
        house.world.find(*(_finding(number) for number in range(count)))
        started = time.perf_counter()
        house.engine.wake()
        while len(house.caseload.standing) < count:  # noqa: ASYNC110 - the caseload owes nobody an event
            await asyncio.sleep(0.001)
        return time.perf_counter() - started


def _finding(number: int) -> Finding:
    return Finding(f"order:shop/{number}", f"order:shop/{number} is one of many (limit 0).", evidence=str(number))


def tell(folder: Path, count: int) -> Told:
    """`count` findings, one after the other, each told before the next."""
    return asyncio.run(_tell(folder, count))


def storm(folder: Path, count: int) -> float:
    """Seconds until `count` findings of one cycle are cases in the ledger, with their messages."""
    return asyncio.run(_storm(folder, count))

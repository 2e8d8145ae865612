"""A merchant's whole house on one clock: the daemon's engine, loops and checkups over sockets to a BTCPay Server, its
NBXplorer and their bitcoind, with every rule."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lnwatch.app import granted_of
from lnwatch.caseload import Bench, Caseload
from lnwatch.checkups import keep_checking
from lnwatch.clock import Clock
from lnwatch.collect import TargetLoops
from lnwatch.engine import Brain, Engine
from lnwatch.measures import Measured, Measures
from lnwatch.model.assessment import Assessment
from lnwatch.model.case import LIVING, Case
from lnwatch.model.order import Order
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import CollectorHealth, ShopView, TargetView, View
from lnwatch.net import Door
from lnwatch.notify._routing import Route, Routing, RoutingSettings
from lnwatch.orderbook import Books, Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.simulator.bitcoind import BitcoindDouble, Node
from lnwatch.sources import Place, SourceKind
from lnwatch.sources.bitcoind import SOURCE as BITCOIND
from lnwatch.sources.btcpay import SOURCE as BTCPAY
from lnwatch.sources.nbxplorer import SOURCE as NBXPLORER
from lnwatch.store import Ledger, LedgerSettings, export, open_ledger
from lnwatch.target import Target
from tests.brains import all_rules
from tests.simulator.btcpay.world import World

SITE, SERVER, INDEXER, CHAIN, STORE, DESK = "main", "pay", "nbx", "core", "shop", "desk"
NEIGHBOURS = (INDEXER, CHAIN)
RETRY = 120.0  # seconds in which an order that was not paid waits for another try
REAL_PAUSE = 0.02  # seconds of the real clock for sockets and threads, each time that time passes


@dataclass(frozen=True)
class OtherClock:
    """It shows `apart` seconds more than another one at its beginning, and goes `slower` so many times."""

    clock: Clock
    apart: float = 0.0
    slower: float = 1.0

    def now(self) -> float:
        passed = self.clock.monotonic()
        return self.clock.now() + self.apart + passed / self.slower - passed

    def monotonic(self) -> float:
        return self.clock.monotonic() / self.slower

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds * self.slower)


@dataclass
class House:
    """One life of the daemon."""

    world: World
    ledger: Ledger
    engine: Engine
    folder: Path

    @property
    def current(self) -> Assessment:
        assert self.engine.current is not None
        return self.engine.current

    @property
    def view(self) -> View:
        return self.current.views[SITE]

    @property
    def shop(self) -> ShopView:
        return self.view.shops[STORE]

    @property
    def server(self) -> TargetView:
        return self.view.targets[SERVER]

    @property
    def read(self) -> bool:
        """Whether the store and all beside it were read, and the checkup found that bitcoind's cookie may do all."""
        read = self.shop.read_until is not None and "credential_too_strong" in self.cases
        return read and all(self.view.targets[each].state is TargetState.UP for each in NEIGHBOURS)

    def lead_of(self, slug: str) -> CollectorHealth:
        """How the leading collector of a source fares."""
        return next(iter(self.view.targets[slug].collectors.values()))

    @property
    def told(self) -> str:
        """What is said of the server: its sentence, or else those of its collectors."""
        return " ".join(dict.fromkeys([self.server.detail, *self.faults.values()]))

    @property
    def faults(self) -> dict[str, str]:
        """What each collector of the server says that is wrong."""
        return {name: health.fault.message for name, health in self.server.collectors.items() if health.fault}

    @property
    def cases(self) -> dict[str, Case]:
        """The cases that are open, by rule."""
        return {
            found.rule: each.case
            for found, each in self.current.cases.items()
            if found.site == SITE and each.case.state in LIVING and not each.muted_by
        }

    @property
    def blind(self) -> dict[str, str]:
        """The rules that can't fire for the server, and why."""
        return {
            each.rule: each.why for each in self.current.coverage if each.scope.startswith(SERVER) and not each.covered
        }

    @property
    def counters(self) -> Mapping[str, int]:
        return {name: n for name, n in self.shop.counters.items() if n and not name.startswith(("latency/", "blocks/"))}

    @property
    def settled(self) -> int:
        return sum(n for name, n in self.shop.counters.items() if name.startswith("orders/") and "settled" in name)

    async def orders(self) -> dict[str, Order]:
        """Every order of the ledger by the shop's own id."""
        found: dict[str, Order] = {}
        for row in self.rows("merchant_order"):
            for gathered in await self.ledger.orders.find(row["id"]):
                found |= {kept.order.order_id or kept.order.id: kept.order for kept in gathered.kept}
        return found

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table."""
        return [dict(row) for row in export(LedgerSettings(), self.folder, table)]

    async def until(self, holds: Callable[[], bool], step: float = 5.0, pause: float = REAL_PAUSE) -> None:
        """Let time pass, with enough of the real one for sockets and threads."""
        for _ in range(200):
            if self.engine.current is not None and STORE in self.view.shops and holds():
                return
            await self.world.pass_time(step)
            await asyncio.sleep(pause)
        state = f"{self.server.state}, {self.told}, {sorted(self.cases)}, {dict(self.counters)}"
        raise AssertionError(f"it never came to hold: {state}")

    async def spend(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.world.clock.monotonic() + seconds
        await self.until(lambda: self.world.clock.monotonic() >= end, step=min(seconds, 15.0))


@dataclass
class Builder:
    """What every life of the daemon is made of. `key` is the file that holds the API key, `apart` how many seconds the
    daemon's clock is ahead of everybody else's, `patience` how long of the real one it waits for an answer."""

    world: World
    core: BitcoindDouble
    folder: Path
    key: Path
    apart: float = 0.0
    patience: str = "10s"

    def _kinds(self) -> dict[str, tuple[SourceKind[Any], dict[str, object]]]:
        shop: dict[str, object] = {"url": self.world.btcpay.url, "api_key_file": str(self.key)}
        shop |= {"stores": {STORE: self.world.store.id}, "timeout": self.patience, "slow_timeout": self.patience}
        shop |= {f"{name}_interval": "4m" for name in ("store", "rates", "balances", "payouts", "refunds", "requests")}
        shop["invoices_interval"] = "20s"
        indexer: dict[str, object] = {"url": self.world.nbxplorer.url, "deadline": self.patience}
        chain: dict[str, object] = {"url": self.core.url, "cookie_file": str(self.core.cookie), "interval": "30s"}
        return {SERVER: (BTCPAY, shop), INDEXER: (NBXPLORER, indexer), CHAIN: (BITCOIND, chain)}

    def _targets(self, clock: Clock) -> list[Target]:
        made = []
        for slug, (kind, values) in self._kinds().items():
            source = kind.open(Place(SITE, slug, clock, Door(clock=clock)), kind.settings.model_validate(values))
            made.append(Target(site=SITE, slug=slug, kind=kind.kind, lightning=False, source=source))
        return made

    @asynccontextmanager
    async def life(self) -> AsyncIterator[House]:
        """A start of the daemon on the ledger in the folder, until it is killed."""
        clock = OtherClock(self.world.clock, self.apart)
        ledger = await open_ledger(LedgerSettings(), self.folder, clock)
        targets = self._targets(clock)
        routing = Routing(RoutingSettings(routes=(Route(channels=(DESK,)),)), {DESK: "webhook"}, (SITE,))
        caseload = Caseload(ledger, Bench.usual(all_rules(), (SITE,)), routing, lambda: None)
        books = Books({STORE: SERVER}, retry_window=RETRY)
        orderbook = Orderbook(ledger, clock, {(SITE, each.slug): each for each in targets}, {SITE: books})
        measures = Measures(ledger, clock, {SITE: Measured((STORE,))}, orderbook.node)
        selfwatch = SelfWatch(ledger, OtherClock(clock, slower=40))  # it looks four times a second, and costs most
        brain = Brain(caseload, selfwatch, dict, orderbook, measures)
        engine = Engine(ledger, clock, targets, brain, _nobody)
        await engine.restore()
        loops = [TargetLoops(each, ledger.memory(SITE, each.slug), clock, engine.deliver) for each in targets]
        async with AsyncExitStack() as stack:
            stack.push_async_callback(ledger.close)
            checking = keep_checking(targets, clock, engine.wake, granted_of(targets, loops))
            every = (engine.run(), checking, *(each.run() for each in loops))
            jobs = [asyncio.create_task(job) for job in every]
            stack.push_async_callback(asyncio.wait, jobs)
            for job in jobs:
                stack.callback(job.cancel)
            yield House(self.world, ledger, engine, self.folder)


async def _nobody(_: object) -> None:
    """Nobody looks at what is published."""


@asynccontextmanager
async def building(made: World, folder: Path, *, key: str | None = None) -> AsyncIterator[Builder]:
    """A bitcoind on the world's chain, and a key file with `key`, by default the monitor's."""
    file = folder / "api.key"
    file.touch(0o600)
    file.write_text(key or made.monitor)
    async with BitcoindDouble(Node(made.chain), cookie=folder / ".cookie", login_delay=0.0) as core:
        yield Builder(made, core, folder, file)

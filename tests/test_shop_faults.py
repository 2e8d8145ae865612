"""A BTCPay Server in trouble, read by the daemon's loops and engine over a socket: one clear state or sentence each,
a source beside it that goes on, and every order told once it is mended."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lnwatch.caseload import Bench, Caseload
from lnwatch.collect import TargetLoops
from lnwatch.engine import Brain, Engine
from lnwatch.measures import Measured, Measures
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import ShopView, View
from lnwatch.net import Door
from lnwatch.notify._routing import Routing, RoutingSettings
from lnwatch.orderbook import Books, Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.simulator.kestrel import Reply
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE
from lnwatch.sources.nbxplorer import SOURCE as NBXPLORER
from lnwatch.store import LedgerSettings, open_ledger
from lnwatch.target import Target
from tests.brains import all_rules
from tests.simulator.btcpay.world import World, world

SITE, SERVER, INDEXER, STORE = "main", "pay", "nbx", "shop"
COLLECTOR = f"invoices_{STORE}"
HTML = b"<!DOCTYPE html><title>Sign in</title>"


@dataclass
class House:
    """The engine with a BTCPay Server and the NBXplorer beside it."""

    world: World
    engine: Engine

    @property
    def view(self) -> View:
        assert self.engine.current is not None
        return self.engine.current.views[SITE]

    @property
    def shop(self) -> ShopView:
        return self.view.shops[STORE]

    @property
    def told(self) -> str:
        """What is said of the server: its sentence, and those of its collectors."""
        target = self.view.targets[SERVER]
        faults = (health.fault for health in target.collectors.values())
        return " ".join([target.detail, *(fault.message for fault in faults if fault is not None)])

    @property
    def settled(self) -> float:
        return self.shop.counters.get("orders/lightning/settled", 0)

    @property
    def neighbour(self) -> bool:
        """Whether the other source was read within its last intervals, and is well."""
        target = self.view.targets[INDEXER]
        return target.state is TargetState.UP and target.fresh("status", self.view.at) is not None

    async def until(self, holds: Callable[[], bool], step: float = 3.0) -> None:
        """Let time pass, with enough of the real one for sockets and threads."""
        for _ in range(300):
            if self.engine.current is not None and STORE in self.view.shops and holds():
                return
            await self.world.pass_time(step)
            await asyncio.sleep(0.03)
        raise AssertionError(f"it never came to hold: {self.view.targets[SERVER].state}, {self.told}")


async def _nobody(_: object) -> None:
    """Nobody looks at what is published."""


@asynccontextmanager
async def running(made: World, folder: Path) -> AsyncIterator[House]:
    """A start of the engine on a new ledger."""
    clock = made.clock
    given = {"url": made.btcpay.url, "api_key": made.monitor, "stores": {STORE: made.store.id}}
    given |= {"timeout": "2s", "slow_timeout": "5s"}
    ledger = await open_ledger(LedgerSettings(), folder, clock)
    sources = {
        SERVER: ("btcpay", SOURCE.open(Place(SITE, SERVER, clock, Door(clock=clock)), SOURCE.settings(**given))),
        INDEXER: (
            "nbxplorer",
            NBXPLORER.open(Place(SITE, INDEXER, clock, Door(clock=clock)), NBXPLORER.settings(url=made.nbxplorer.url)),
        ),
    }
    targets = {
        (SITE, slug): Target(site=SITE, slug=slug, kind=kind, lightning=False, source=source)
        for slug, (kind, source) in sources.items()
    }
    caseload = Caseload(
        ledger, Bench.usual(all_rules(), (SITE,)), Routing(RoutingSettings(), {}, (SITE,)), lambda: None
    )
    orderbook = Orderbook(ledger, clock, targets, {SITE: Books({STORE: SERVER})})
    measures = Measures(ledger, clock, {SITE: Measured((STORE,))}, orderbook.node)
    engine = Engine(
        ledger,
        clock,
        [*targets.values()],
        Brain(caseload, SelfWatch(ledger, clock), dict, orderbook, measures),
        _nobody,
    )
    await engine.restore()
    loops = [TargetLoops(each, ledger.memory(SITE, each.slug), clock, engine.deliver) for each in targets.values()]
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ledger.close)
        jobs = [asyncio.create_task(job) for job in (engine.run(), *(each.run() for each in loops))]
        stack.push_async_callback(asyncio.wait, jobs)
        for job in jobs:
            stack.callback(job.cancel)
        yield House(made, engine)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with world() as made, running(made, tmp_path) as ready:
        await ready.until(lambda: ready.shop.read_until is not None and ready.neighbour)
        yield ready


def lose_key(made: World) -> Callable[[], None]:
    keys = made.btcpay.core.credentials.keys
    name = next(name for name, key in keys.items() if key.secret == made.monitor)
    lost = keys.pop(name)
    return lambda: keys.update({name: lost})


def lose_right(made: World) -> Callable[[], None]:
    key = next(key for key in made.btcpay.core.credentials.keys.values() if key.secret == made.monitor)
    had, key.permissions = key.permissions, (f"btcpay.store.canviewwallet:{made.store.id}",)
    return lambda: setattr(key, "permissions", had)


def revoke_store(made: World) -> Callable[[], None]:
    stores = made.btcpay.owner.stores
    stores.discard(made.store.id)
    return lambda: stores.add(made.store.id)


def database_away(made: World) -> Callable[[], None]:
    made.btcpay.postgresql.freeze()
    return made.btcpay.postgresql.thaw


def web_pages(made: World) -> Callable[[], None]:
    made.btcpay.faults.garbage = HTML
    return lambda: setattr(made.btcpay.faults, "garbage", None)


def lists_of_pages(made: World) -> Callable[[], None]:
    made.btcpay.faults.failing["/invoices"] = Reply(200, HTML, {"Content-Type": "text/html"})
    return made.btcpay.faults.failing.clear


UP, REJECTED = TargetState.UP, TargetState.REJECTED
TROUBLES = {
    "key lost": (lose_key, REJECTED, "make one under"),
    "right lost": (lose_right, None, "lacks btcpay.store.canviewinvoices for store shop"),
    "store revoked": (revoke_store, None, "BTCPay denies store shop although the key has"),
    "PostgreSQL hangs": (database_away, TargetState.HANGING, "PostgreSQL"),
    "web pages": (web_pages, None, "with a web page"),
    "lists alone are web pages": (lists_of_pages, UP, "with a web page"),
}


@pytest.mark.parametrize(("fault", "state", "words"), TROUBLES.values(), ids=TROUBLES)
async def test_told_once_and_nothing_lost(
    house: House, fault: Callable[[World], Callable[[], None]], state: TargetState | None, words: str
) -> None:
    """The state and its sentence say what is wrong, the source beside it goes on, and each order counts once."""
    made = house.world
    first = await made.create(metadata={"orderId": "A-1"})
    await house.until(lambda: house.shop.open_count == 1)
    second = await made.create(metadata={"orderId": "A-2"})
    mend = fault(made)
    await house.until(lambda: words in house.told)
    assert state is None or house.view.targets[SERVER].state is state
    assert made.monitor not in house.told
    assert house.neighbour
    assert house.settled == 0
    mend()
    for invoice in (first, second):
        made.btcpay.pay_over_lightning(invoice)
    await house.until(lambda: house.settled == 2)
    await house.until(lambda: words not in house.told and house.view.targets[SERVER].state is UP)
    assert house.neighbour


async def test_one_denied_invoice_is_its_own_trouble(house: House) -> None:
    """BTCPay denies what it no longer has: the key is not called bad, what is known stays, and others count."""
    made = house.world
    gone = await made.create(metadata={"orderId": "A-1"})
    await house.until(lambda: house.shop.open_count == 1)
    del made.btcpay.core.invoices[gone.id]
    other = await made.create(metadata={"orderId": "A-2"})
    made.btcpay.pay_over_lightning(other)
    await house.until(lambda: house.settled == 1)
    await house.until(lambda: house.shop.open_count == 0, step=30)
    assert house.view.targets[SERVER].state is UP
    assert "lacks" not in house.told
    assert house.neighbour


async def test_words_and_numbers_of_a_newer_version(house: House) -> None:
    """An unknown status with 20 decimals is kept as open, and counted once it has a name."""
    made = house.world
    invoice = await made.create(metadata={"orderId": "A-1"})
    (item,) = (await made.call("GET", f"{made.base}/invoices", query={"includePaymentMethods": "true"})).json()
    item |= {"status": "Frozen", "additionalStatus": "Thawing", "amount": "10.12345678901234567890"}
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [item])
    made.btcpay.faults.failing[f"/invoices/{invoice.id}"] = Reply.of(200, item)
    await house.until(lambda: house.shop.open_count == 1)
    await made.pass_time(10)
    assert house.view.targets[SERVER].state is UP
    made.btcpay.faults.failing.clear()
    made.btcpay.pay_over_lightning(invoice)
    await house.until(lambda: house.settled == 1)
    assert house.neighbour


async def test_ten_megabytes_of_metadata(house: House) -> None:
    """A page of 10 MB is read, and every invoice of it counts."""
    made = house.world
    for number in range(20):
        invoice = await made.create(metadata={"orderId": f"A-{number}", "posData": "y" * 500_000})
        made.btcpay.pay_over_lightning(invoice)
    await house.until(lambda: house.settled == 20)
    assert house.view.targets[SERVER].state is UP
    assert house.neighbour

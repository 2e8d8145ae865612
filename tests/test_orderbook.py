"""From what BTCPay Server tells over a socket to orders with their counters, by the engine, also after a restart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path

import pytest

from lnwatch.caseload import Bench, Caseload
from lnwatch.collect import TargetLoops
from lnwatch.engine import Brain, Engine
from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.measures import Measured, Measures
from lnwatch.model.kpi import CanPay, Kpi
from lnwatch.model.merchant import BtcpayInvoice
from lnwatch.model.order import Outcome, Rail
from lnwatch.model.view import ShopView, View
from lnwatch.net import Door
from lnwatch.notify._routing import Routing, RoutingSettings
from lnwatch.orderbook import REFRESH, Books, Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.sources import Place
from lnwatch.sources.btcpay import SOURCE
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.store.orders.values import Group
from lnwatch.target import Target
from tests.brains import all_rules
from tests.manual_clock import ManualClock
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.simulator.btcpay.world import World, world
from tests.store.conftest import ledger_url, settings  # noqa: F401 - likewise: each test runs over both backends
from tests.store.merchant_stories import birth_of_shop, shop_invoice, told
from tests.store.stories import NOW

SITE, SERVER, STORE = "main", "pay", "shop"


async def _nobody(_: object) -> None:
    """Nobody looks at what is published."""


@dataclass
class House:
    """The daemon's engine with one BTCPay Server, on the world's clock."""

    world: World
    engine: Engine
    ledger: Ledger

    @property
    def view(self) -> View:
        assert self.engine.current is not None
        return self.engine.current.views[SITE]

    @property
    def shop(self) -> ShopView:
        return self.view.shops[STORE]

    async def until(self, holds: Callable[[], bool], step: float = 2.0) -> None:
        """Let time pass, with enough of the real one for sockets and threads: an invoice lives for 15 minutes."""
        for _ in range(2_000):
            if self.engine.current is not None and STORE in self.view.shops and holds():
                return
            await self.world.pass_time(step)
            await asyncio.sleep(0.05)
        raise AssertionError("it never came to hold")


@asynccontextmanager
async def running(made: World, options: LedgerSettings, folder: Path) -> AsyncIterator[House]:
    """A start of the engine on the ledger in `folder`."""
    clock = made.clock
    values = {
        "url": made.btcpay.url,
        "api_key": made.monitor,
        "stores": {STORE: made.store.id},
        "timeout": "2s",
        "slow_timeout": "5s",
    }
    ledger = await open_ledger(options, folder, clock)
    source = SOURCE.open(Place(SITE, SERVER, clock, Door(clock=clock)), SOURCE.settings.model_validate(values))
    target = Target(site=SITE, slug=SERVER, kind="btcpay", lightning=False, source=source)
    routing = Routing(RoutingSettings(), {}, (SITE,))
    caseload = Caseload(ledger, Bench.usual(all_rules(), (SITE,)), routing, lambda: None)
    orderbook = Orderbook(ledger, clock, {(SITE, SERVER): target}, {SITE: Books({STORE: SERVER})})
    measures = Measures(ledger, clock, {SITE: Measured((STORE,))}, orderbook.node)
    brain = Brain(caseload, SelfWatch(ledger, clock), dict, orderbook, measures)
    engine = Engine(ledger, clock, [target], brain, _nobody)
    await engine.restore()
    loops = TargetLoops(target, ledger.memory(SITE, SERVER), clock, engine.deliver)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ledger.close)
        jobs = [asyncio.create_task(job) for job in (engine.run(), loops.run())]
        stack.push_async_callback(asyncio.wait, jobs)
        for job in jobs:
            stack.callback(job.cancel)
        yield House(made, engine, ledger)


@pytest.fixture
async def shop_world() -> AsyncIterator[World]:
    async with world() as made:
        yield made


async def test_an_order_from_its_creation_to_its_end(
    shop_world: World,
    settings: LedgerSettings,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """It is open while it waits, settled once, counted once, and stays so when the daemon starts again."""
    async with running(shop_world, settings, tmp_path) as house:
        await house.until(lambda: house.shop.read_until is not None)
        invoice = await shop_world.create(metadata={"orderId": "A-1"})
        await house.until(lambda: house.shop.open_count == 1)
        (waiting,) = house.shop.open_invoices
        assert (waiting.id, waiting.amount_msat) == (invoice.id, 20_000_000)
        shop_world.btcpay.pay_over_lightning(invoice)
        await house.until(lambda: house.shop.counters.get("orders/lightning/settled") == 1)
        assert house.shop.open_count == 0
        (order,) = house.shop.settlements[Rail.LIGHTNING]
        assert (order.order_id, order.outcome, order.sequence) == ("A-1", Outcome.SETTLED, 1)
        assert house.shop.counters["paid_msat/lightning"] == 20_000_000
    async with running(shop_world, settings, tmp_path) as house:
        await house.until(lambda: house.shop.read_until is not None)
        assert house.shop.counters["orders/lightning/settled"] == 1
        second = await shop_world.create(metadata={"orderId": "A-2"})
        shop_world.btcpay.pay_on_chain(second)
        await house.until(lambda: house.shop.open_invoices[:1] != () and house.shop.open_invoices[0].processing)
        shop_world.coins.mine()
        await house.until(lambda: house.shop.counters.get("orders/onchain/settled") == 1)
        assert house.shop.counters["orders/lightning/settled"] == 1
        (chained,) = house.shop.settlements[Rail.ONCHAIN]
        assert (chained.order_id, chained.sequence) == ("A-2", 2)


async def test_one_that_nobody_pays_ends_by_time_alone(
    shop_world: World,
    settings: LedgerSettings,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """Half an hour after its last try expired it is final, unexplained, and what is measured knows of it."""
    async with running(shop_world, settings, tmp_path) as house:
        await house.until(lambda: house.shop.read_until is not None)
        await shop_world.create(metadata={"orderId": "B-1"})
        await house.until(lambda: house.shop.open_count == 1)
        await house.until(lambda: house.shop.open_count == 0, step=60)
        assert not house.shop.counters.get("orders/none/unexplained")
        await house.until(lambda: house.shop.counters.get("orders/none/unexplained") == 1, step=60)
        await house.until(lambda: any(each.kpi is Kpi.CONVERSION and each.events for each in house.view.kpis), step=30)


async def test_whether_customers_can_pay_is_told_and_kept(
    shop_world: World,
    settings: LedgerSettings,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """By what was read just now; each change is stored, and what held before a start is known after it."""
    async with running(shop_world, settings, tmp_path) as house:
        await house.until(lambda: house.shop.payability[-1:] != () and house.shop.payability[-1].answer is CanPay.YES)
        assert [each.rail for each in house.shop.payability] == [Rail.LIGHTNING, Rail.ONCHAIN, None]
        shop_world.node.stop()
        await shop_world.create()
        await house.until(lambda: house.shop.payability[-1].answer is CanPay.PARTLY)
        lightning = house.shop.payability[0]
        assert lightning.answer is CanPay.NO
        assert lightning.reasons == ("no invoice of the last hour carries BTC-LN, which store shop has enabled",)
    async with running(shop_world, settings, tmp_path) as house:
        spans = await house.ledger.orders.payability(SITE, 0.0)
        known = [(span.rail, span.answer) for span in spans if span.answer is not CanPay.UNKNOWN]
        assert known == [(Rail.LIGHTNING, CanPay.YES), (Rail.ONCHAIN, CanPay.YES), (Rail.LIGHTNING, CanPay.NO)]


class _Slow(ManualClock):
    """Each look at it takes a little time, as looking into a ledger does."""

    def monotonic(self) -> float:
        self._elapsed += 0.01
        return self._elapsed


async def test_news_is_looked_at_soon_and_not_all_the_time(
    settings: LedgerSettings,  # noqa: F811 - the fixture
    tmp_path: Path,
) -> None:
    """After a look it rests in proportion to what that took, and then says that the next one is due."""
    clock = _Slow(NOW)
    ledger = await open_ledger(settings, tmp_path, clock)
    orderbook = Orderbook(ledger, clock, {}, {SITE: Books({STORE: "btcpay"})})
    view = View(site=SITE, at=NOW, born_at=NOW, targets={}, liquidity={}, totals={})

    async def tell(*invoices: BtcpayInvoice) -> None:
        news = told(*invoices)
        orderbook.note([news], stale=await ledger.append([news]))

    async def opened() -> int:
        return (await orderbook.fill(view)).shops[STORE].open_count

    await ledger.append([birth_of_shop()])
    await tell(shop_invoice("i1", order_id="A-1"))
    assert await opened() == 1
    assert orderbook.due() == inf
    await tell(shop_invoice("i2", order_id="A-2"))
    rest = orderbook.due()
    assert 0 < rest < REFRESH
    assert await opened() == 1
    await clock.advance(rest)
    assert orderbook.due() == 0
    assert await opened() == 2
    assert orderbook.due() == inf
    await ledger.close()


async def test_the_ledger_is_asked_for_work_while_there_may_be_some(
    settings: LedgerSettings,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At a start, after what was marked until nothing is left, and again where it could not answer."""
    ledger = await open_ledger(settings, tmp_path, ManualClock(NOW))
    orderbook = Orderbook(ledger, ManualClock(NOW), {}, {SITE: Books({STORE: "btcpay"})})
    asked, stale = list[int](), ledger.orders.stale

    async def counted(limit: int) -> tuple[Group, ...]:
        asked.append(limit)
        if len(asked) == 5:
            raise LedgerError(LedgerTrouble.FAILED, "it is away")
        return await stale(limit)

    monkeypatch.setattr(ledger.orders, "stale", counted)
    first, second = told(shop_invoice("i1", order_id="A-1")), told(shop_invoice("i2", order_id="A-2"))
    await ledger.append([birth_of_shop(), first])
    assert [await orderbook.advance() for _ in range(4)] == [True, False, False, False]
    assert len(asked) == 2
    assert not orderbook.note([first], stale=await ledger.append([first]))
    assert not await orderbook.advance()
    assert len(asked) == 2
    assert orderbook.note([second], stale=await ledger.append([second]))
    assert await orderbook.advance()
    assert not await orderbook.advance()
    assert len(asked) == 4
    orderbook.note((), stale=True)
    with pytest.raises(LedgerError):
        await orderbook.advance()
    assert not await orderbook.advance()
    assert len(asked) == 6
    await ledger.close()

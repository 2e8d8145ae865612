"""A source that reads the double over a socket, and a ledger in a few lines that takes what it brings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from lnwatch.model.chain import Block, WatchedTransaction
from lnwatch.model.lightning import LightningInvoice, LightningPayment
from lnwatch.model.merchant import BtcpayInvoice, InvoiceGone
from lnwatch.model.snapshot import Event, Reading
from lnwatch.net import Door
from lnwatch.sources import Collector, Place
from lnwatch.sources.btcpay import SOURCE, Btcpay
from tests.manual_clock import ManualClock
from tests.simulator.btcpay.world import World, world


@dataclass
class Ledger:
    """The newest state of each invoice by id, everything else in order; `broken` forgets what it is told."""

    cursors: dict[str, str] = field(default_factory=dict)
    invoices: dict[str, BtcpayInvoice] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    others: list[Event] = field(default_factory=list)
    told: int = 0
    broken: bool = False

    def take(self, reading: Reading) -> None:
        """Store what a reading brought, all or nothing."""
        if self.broken:
            return
        for event in reading.events:
            self.told += 1
            if isinstance(event, BtcpayInvoice):
                known = self.invoices.get(event.id)
                self.invoices[event.id] = event if known is None or known.seen_at <= event.seen_at else known
                self.live |= set() if reading.history else {event.id}
            elif isinstance(event, InvoiceGone):
                self.gone.append(event.id)
            else:
                self.others.append(event)
        self.cursors.update(reading.cursors)

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)

    async def born_at(self) -> float | None:
        return None

    async def watched(self) -> tuple[WatchedTransaction, ...]:
        return ()

    async def blocks(self, limit: int) -> tuple[Block, ...]:
        return ()

    async def open_invoices(self, limit: int) -> tuple[LightningInvoice, ...]:
        return ()

    async def open_payments(self, limit: int) -> tuple[LightningPayment, ...]:
        return ()


@dataclass
class Bed:
    """A world, a source that looks at it, and what came of it."""

    world: World
    ledger: Ledger
    opened: list[Btcpay] = field(default_factory=list)
    looked: int = 0

    @property
    def source(self) -> Btcpay:
        return self.opened[-1]

    def open(self, *, clock: ManualClock | None = None, brisk: bool = False, **settings: object) -> Btcpay:
        """A source anew, as after a start of the daemon: it remembers nothing but the ledger.

        A `brisk` one is for where nobody answers; a busy machine makes nobody late for the other.
        """
        ours = clock or self.world.clock
        made = self.world
        values = {
            "url": made.btcpay.url,
            "api_key": made.monitor,
            "stores": {"shop": made.store.id},
            "timeout": "1s" if brisk else "10s",
            "slow_timeout": "2s" if brisk else "20s",
            **settings,
        }
        parsed = SOURCE.settings.model_validate(values)
        source = SOURCE.open(Place("main", "btcpay", ours, Door(clock=ours)), parsed)
        assert isinstance(source, Btcpay)
        self.opened.append(source)
        return source

    def collector(self, name: str) -> Collector:
        return next(each for each in self.source.collectors if each.name == name)

    async def run(self, name: str = "invoices_shop", most: int = 50) -> list[Reading]:
        """Run a collector until it asks for no more, storing what it brings."""
        readings = []
        for _ in range(most):
            reading = await self.collector(name).collect(self.ledger)
            self.ledger.take(reading)
            readings.append(reading)
            if not reading.more:
                return readings
        raise AssertionError("it asks for more for ever")

    def asked(self) -> list[str]:
        """Paths that were asked for since the last look, without the API's prefix and the store's id."""
        exchanges = self.world.btcpay.exchanges
        found = [each.path.removeprefix("/api/v1/") for each in exchanges[self.looked :] if each.method == "GET"]
        self.looked = len(exchanges)
        return [path.replace(f"stores/{self.world.store.id}", "S") for path in found]


@asynccontextmanager
async def bed(rescan_interval: str = "1d") -> AsyncIterator[Bed]:
    """One store, a key that may read it, and a source."""
    async with world() as made:
        ready = Bed(made, Ledger())
        ready.open(rescan_interval=rescan_interval)
        await ready.run("status")
        ready.asked()
        try:
            yield ready
        finally:
            for source in ready.opened:
                await source.close()

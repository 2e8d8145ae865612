"""Events a second through the whole path: read, stored, rolled up, judged, published.

Invoices of one node are opened and settled, as LND's stream tells of them; the engine is the daemon's own, over a real
ledger, and every Assessment is rendered by the daemon's own exporter.
"""

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr

import lnwatch.rules
from lnwatch.caseload import Bench, Caseload
from lnwatch.clock import SystemClock
from lnwatch.discover import discover
from lnwatch.engine import Brain, Engine
from lnwatch.measures import Measures
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.model.rule import Rule
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.notify._routing import Routing, RoutingSettings
from lnwatch.orderbook import Orderbook
from lnwatch.selfwatch import SelfWatch
from lnwatch.sources import Checkup, Cost, Memory, Stream
from lnwatch.store import Entry, open_ledger
from lnwatch.store.settings import LedgerSettings
from lnwatch.target import Target

SITE, NODE = "main", "ln1"
PAGE = 500
IN_FLIGHT = 8  # deliveries that wait at once, as when several collectors catch up


@dataclass(frozen=True, slots=True)
class _Collector:
    name: str = "invoices"
    interval: float = 60.0
    deadline: float = 30.0

    async def collect(self, memory: Memory) -> Reading:
        """Nothing by itself: the bench delivers."""
        return Reading(cursors={"invoices.add": await memory.cursor("invoices.add") or "0"})


@dataclass(slots=True)
class _Source:
    collectors: Sequence[_Collector] = (_Collector(),)
    streams: Sequence[Stream] = ()
    cost: Cost = field(default_factory=Cost)
    tls_expires_at: float | None = None

    async def check(self) -> Checkup:
        """Always well."""
        return Checkup(reachable=True, state=TargetState.UP)

    async def close(self) -> None:
        """Nothing to let go of."""


def invoices(count: int, now: int) -> Iterator[LightningInvoice]:
    """Each one opened, and in the next page settled by one part."""
    for start in range(0, count, PAGE):
        page = [_opened(number, now) for number in range(start, min(start + PAGE, count))]
        yield from page
        yield from (_settled(invoice, now) for invoice in page)


def _opened(number: int, now: int) -> LightningInvoice:
    return LightningInvoice(
        payment_hash=hashlib.sha256(number.to_bytes(8)).hexdigest(),
        add_index=number + 1,
        settle_index=0,
        state=InvoiceState.OPEN,
        value_msat=Msat(10_000_000 + number),
        paid_msat=Msat(0),
        created_at=now - 60,
        expires_at=now + 3_600,
        final_at=None,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(),
    )


def _settled(opened: LightningInvoice, now: int) -> LightningInvoice:
    index, amount = opened.add_index, opened.value_msat
    return replace(
        opened,
        settle_index=index,
        state=InvoiceState.SETTLED,
        paid_msat=amount,
        final_at=now - 1,
        htlcs=(InvoiceHtlc("820000x12x1", index, amount, now - 2, now - 1, settled=True, canceled=False),),
    )


def idle_target() -> Target:
    """A node that says nothing by itself."""
    return Target(site=SITE, slug=NODE, kind="lnd", lightning=True, source=_Source())


async def events_per_second(settings: LedgerSettings, folder: Path, count: int) -> float:
    """Deliver `count` invoices (two events each) in pages, and wait until the last is stored and published."""
    clock = SystemClock()
    ledger = await open_ledger(settings, folder, clock)
    published = asyncio.Event()

    async def publish(_: object) -> None:
        published.set()

    target = idle_target()
    rules = tuple(discover(lnwatch.rules, "RULE", Rule).values())
    caseload = Caseload(ledger, Bench.usual(rules, [SITE]), Routing(RoutingSettings(), {}, [SITE]), lambda: None)
    orderbook = Orderbook(ledger, clock, {}, {})
    measures = Measures(ledger, clock, {}, orderbook.node)
    brain = Brain(caseload, SelfWatch(ledger, clock), dict, orderbook, measures)
    engine = Engine(ledger, clock, [target], brain, publish)
    try:
        await engine.restore()
        running = asyncio.create_task(engine.run())
        await engine.deliver([_entry(clock.now(), Reading(target=TargetReport(TargetState.UP, "", supported=True)))])
        pages = _pages(list(invoices(count, int(clock.now()))))
        started = time.perf_counter()
        await _deliver(engine, clock, pages)
        published.clear()
        await published.wait()
        took = time.perf_counter() - started
        running.cancel()
        await asyncio.wait([running])
    finally:
        await ledger.close()
    return 2 * count / took


def _pages(events: Sequence[LightningInvoice]) -> Iterator[Reading]:
    for start in range(0, len(events), PAGE):
        yield Reading(events=tuple(events[start : start + PAGE]), cursors={"invoices.add": str(start + PAGE)})


async def _deliver(engine: Engine, clock: SystemClock, pages: Iterator[Reading]) -> None:
    async def deliver() -> None:
        for page in pages:
            await engine.deliver([_entry(clock.now(), page)])

    await asyncio.gather(*(deliver() for _ in range(IN_FLIGHT)))


def _entry(at: float, reading: Reading) -> Entry:
    return Entry(SITE, NODE, lightning=True, collector="invoices", at=at, reading=reading, leads=True)


def on_sqlite(folder: Path, count: int) -> float:
    """Over a new SQLite file."""
    folder.mkdir()
    return asyncio.run(events_per_second(LedgerSettings(), folder, count))


def on_postgres(url: str, folder: Path, count: int) -> float:
    """Over an empty PostgreSQL database."""
    folder.mkdir()
    return asyncio.run(events_per_second(LedgerSettings(url=SecretStr(url)), folder, count))

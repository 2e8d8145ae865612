import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from lnwatch.engine import CYCLE, Engine
from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.action import Standing
from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.case import CaseState, Fingerprint
from lnwatch.model.lightning import Channel, Channels, Constraints, InvoiceState, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Backfill, Event, Reading, TargetState
from lnwatch.rules.ledger_trouble import RULE as LEDGER_TROUBLE
from lnwatch.store import Entry, Item, Ledger, LedgerSettings, StateChange, open_ledger
from lnwatch.target import Target
from tests.brains import make_office
from tests.manual_clock import ManualClock
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.store.conftest import ledger_url, settings  # noqa: F401 - likewise: each test runs over both backends
from tests.test_collect import ScriptedCollector, ScriptedSource

BORN = 1_800_000_000
LIMITS = Constraints(Msat(10_000_000), Msat(354_000), Msat(990_000_000), Msat(1), 483, 144)
CHANNEL = Channel(
    point=f"{'ab' * 32}:0",
    channel_id="820000x12x1",
    peer="02" + "cd" * 32,
    active=True,
    private=False,
    initiator=True,
    capacity_msat=Msat(1_000_000_000),
    local_msat=Msat(400_000_000),
    remote_msat=Msat(600_000_000),
    commit_fee_msat=Msat(0),
    fee_per_kw=253,
    anchors=True,
    unsettled_msat=Msat(0),
    local=LIMITS,
    remote=LIMITS,
    htlcs=(),
    sent_msat=Msat(0),
    received_msat=Msat(0),
    zero_conf=False,
    status_flags="ChanStatusDefault",
)


def invoice(number: int, *, settled_at: int) -> LightningInvoice:
    return LightningInvoice(
        payment_hash=f"{number:064x}",
        add_index=number,
        settle_index=number,
        state=InvoiceState.SETTLED,
        value_msat=Msat(1_000_000),
        paid_msat=Msat(1_000_000),
        created_at=settled_at - 10,
        expires_at=settled_at + 3_600,
        final_at=settled_at,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(),
    )


def entry(collector: str, *events: Event, leads: bool = False, history: bool = False, cursor: str = "") -> Entry:
    cursors = {f"{collector}.cursor": cursor} if cursor else {}
    reading = Reading(events=events, cursors=cursors, history=history)
    return Entry("main", "ln1", lightning=True, collector=collector, at=float(BORN), reading=reading, leads=leads)


@dataclass
class Watched:
    """A real ledger that a test can break, and that notes the order of what was stored."""

    ledger: Ledger
    order: list[str] = field(default_factory=list)
    broken: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)

    async def append(self, items: Sequence[Item]) -> bool:
        await self.gate.wait()
        if self.broken:
            raise LedgerError(LedgerTrouble.FULL, "the disk is full")
        stale = await self.ledger.append(items)
        self.order.extend(item.collector for item in items if isinstance(item, Entry))
        return stale

    async def probe(self) -> None:
        if self.broken:
            raise LedgerError(LedgerTrouble.FULL, "the disk is full")
        await self.ledger.probe()


@dataclass
class House:
    engine: Engine
    target: Target
    watched: Watched
    clock: ManualClock
    published: list[Assessment]

    async def publish(self, assessment: Assessment) -> None:
        """Note what is published."""
        self.published.append(assessment)

    async def pass_time_until(self, holds: Callable[[], bool], step: float = 1.0) -> None:
        """Let the clock run in steps, with real time in between for the ledger's own threads."""
        for _ in range(200):
            if self.published and holds():
                return
            await self.clock.advance(step)
            await asyncio.sleep(0.02)
        raise AssertionError("it never came to hold")


@pytest.fixture
async def house(tmp_path: Path, settings: LedgerSettings) -> AsyncGenerator[House, None]:  # noqa: F811 - the fixture
    clock = ManualClock(float(BORN))
    ledger = await open_ledger(settings, tmp_path, clock)
    watched = Watched(ledger)
    watched.gate.set()
    source = ScriptedSource([ScriptedCollector("node", [Reading()]), ScriptedCollector("channels", [Reading()])])
    target = Target(site="main", slug="ln1", kind="lnd", lightning=True, source=source)
    published: list[Assessment] = []

    async def publish(assessment: Assessment) -> None:
        published.append(assessment)

    office = make_office(cast("Ledger", watched), clock, of=())
    engine = Engine(cast("Ledger", watched), clock, [target], office.brain, publish)
    await engine.restore()
    running = asyncio.create_task(engine.run())
    yield House(engine, target, watched, clock, published)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await ledger.close()


async def test_delivery_returns_when_stored(house: House) -> None:
    """When `deliver` returns, the events, the birth and the cursor are in the ledger."""
    await house.engine.deliver([entry("node", leads=True)])
    await house.engine.deliver([entry("invoices", invoice(1, settled_at=BORN + 5), cursor="1")])
    assert await house.watched.ledger.memory("main", "ln1").cursor("invoices.cursor") == "1"
    totals = await house.watched.ledger.totals()
    assert totals["main", "ln1"].outcomes[InvoiceState.SETTLED] == 1
    assert totals["main", "ln1"].received_msat == 1_000_000


async def test_refused_delivery_raises_and_recovers(house: House) -> None:
    """A ledger that can't be written is told to the caller and shown; when it is mended all goes on."""
    await house.engine.deliver([entry("node", leads=True)])
    house.watched.broken = True
    with pytest.raises(LedgerError, match="disk is full"):
        await house.engine.deliver([entry("invoices", invoice(1, settled_at=BORN + 5), cursor="1")])
    await house.pass_time_until(lambda: not house.published[-1].ledger.writable)
    assert house.published[-1].ledger == LedgerHealth(
        writable=False, trouble="the disk is full", backend=house.watched.ledger.backend
    )
    house.watched.broken = False
    await house.pass_time_until(lambda: house.published[-1].ledger.writable)
    await house.engine.deliver([entry("invoices", invoice(1, settled_at=BORN + 5), cursor="1")])


async def test_live_goes_before_history(house: House) -> None:
    """Live readings that wait are stored before any page of history, and pages one by one."""
    await house.engine.deliver([entry("node", leads=True)])
    house.watched.order.clear()
    house.watched.gate.clear()
    waiting = [
        asyncio.create_task(house.engine.deliver([entry("invoice_history", history=True, cursor=str(page))]))
        for page in range(3)
    ]
    await asyncio.sleep(0)
    waiting += [asyncio.create_task(house.engine.deliver([entry(f"live{number}")])) for number in range(3)]
    await asyncio.sleep(0)
    house.watched.gate.set()
    await asyncio.gather(*waiting)
    assert house.watched.order.index("live2") < house.watched.order.index("invoice_history", 1)


async def test_liquidity_follows_the_channel_list(house: House) -> None:
    """A new channel list is reckoned at once and shown with the next Assessment."""
    reading = Reading(facts=Channels((CHANNEL, replace(CHANNEL, point=f"{'cd' * 32}:1", active=False))))
    house.target.take("channels", float(BORN), reading)
    await house.engine.deliver([Entry("main", "ln1", True, "channels", float(BORN), reading, leads=False)])
    await house.pass_time_until(lambda: "ln1" in house.published[-1].views["main"].liquidity)
    liquidity = house.published[-1].views["main"].liquidity["ln1"]
    assert liquidity.inbound_msat == 600_000_000 - LIMITS.reserve_msat
    assert set(liquidity.channels) == {CHANNEL.point, f"{'cd' * 32}:1"}


async def test_assessment_is_published_without_news(house: House) -> None:
    """When nothing comes in, a new Assessment is published every cycle all the same."""
    await house.pass_time_until(lambda: True)
    before, start = len(house.published), house.clock.now()
    await house.pass_time_until(lambda: house.clock.now() - start >= 10 * CYCLE)
    assert 8 <= len(house.published) - before <= 12
    assert [each.cycle for each in house.published] == sorted({each.cycle for each in house.published})


async def test_restart_takes_up_the_past(house: House, tmp_path: Path) -> None:
    """A new engine over the same ledger knows births, totals, snapshots and states at once."""
    reading = Reading(facts=Channels((CHANNEL,)), backfill=Backfill(1, 2, finished=False))
    await house.engine.deliver([entry("node", leads=True)])
    await house.engine.deliver([entry("invoices", invoice(1, settled_at=BORN + 5))])
    await house.engine.deliver([Entry("main", "ln1", True, "channels", float(BORN), reading, leads=False)])
    await house.engine.deliver([StateChange("main", "ln1", BORN + 1.0, TargetState.LOCKED, "locked", "0.21.2")])
    target = Target(site="main", slug="ln1", kind="lnd", lightning=True, source=house.target.source)
    published: list[Assessment] = []

    async def publish(assessment: Assessment) -> None:
        published.append(assessment)

    office = make_office(house.watched.ledger, house.clock, of=())
    again = Engine(house.watched.ledger, house.clock, [target], office.brain, publish)
    await again.restore()
    running = asyncio.create_task(again.run())
    for _ in range(200):
        await asyncio.sleep(0.02)  # the ledger's own threads
        if published:
            break
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    view = published[-1].views["main"]
    assert view.born_at == BORN
    assert view.totals["ln1"].outcomes[InvoiceState.SETTLED] == 1
    assert view.targets["ln1"].snapshots["channels"].facts == Channels((CHANNEL,))
    assert view.targets["ln1"].state is None
    assert view.targets["ln1"].since == BORN + 1.0


async def test_journal_that_breaks_is_a_case(house: House) -> None:
    """What the executor says of its journal is judged as lnwatch's own trouble, and ends when it no longer says so."""
    stands = [Standing(trouble="row 3 of site main in the journal is not what was written")]
    office = make_office(house.watched.ledger, house.clock, of=(LEDGER_TROUBLE,))
    brain = replace(office.brain, acting=lambda: stands[-1])
    engine = Engine(house.watched.ledger, house.clock, [], brain, house.publish)
    running = asyncio.create_task(engine.run())
    case = Fingerprint("lnwatch", "ledger_trouble", "source:journal")

    def state() -> CaseState | None:
        standing = engine.current.cases.get(case) if engine.current is not None else None
        return standing.case.state if standing is not None else None

    try:
        await house.pass_time_until(lambda: state() is CaseState.OPEN)
        stands.append(Standing())
        await house.pass_time_until(lambda: state() is CaseState.RESOLVED)
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

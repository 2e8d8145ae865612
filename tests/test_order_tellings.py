"""Random shops, told in random ways through the ledger and the maker of orders: it always comes to the same, each order
counts once, and what is final stays."""

import asyncio
import itertools
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection, select

from lnwatch.domain.evidence import MONEY
from lnwatch.model.btcpay import Invoices
from lnwatch.model.chain import MempoolSighting
from lnwatch.model.merchant import InvoiceStatus
from lnwatch.model.order import FINAL_OUTCOMES, Order, Outcome
from lnwatch.model.snapshot import Event, Reading, TargetState
from lnwatch.orderbook import Books, Orderbook
from lnwatch.store import Ledger, LedgerSettings, StateChange, open_ledger
from lnwatch.store.order_tables import merchant_order
from lnwatch.store.orders.order_rows import order_of
from lnwatch.target import Target
from tests.postgres import PostgresServer
from tests.store.conftest import lay, template_file
from tests.store.merchant_stories import BTCPAY, SHOP, birth_of_shop, told
from tests.store.sales import BEGIN, END, SPAN, Sale, blocks_of, shops
from tests.store.stories import NODE, birth, entry, rows
from tests.stories.stage import Actor, Role, StoryClock

CORE = "core"
KINDS = {BTCPAY: "btcpay", NODE: "lnd", CORE: "bitcoind"}
READS = {BTCPAY: f"invoices_{SHOP}", NODE: "invoices", CORE: "blocks"}
AWAY = BEGIN + 2_000, BEGIN + 4_000  # when the node gave no answer
ONCE = ("orders/", "invoices/", "payments/", "paid_msat/")  # counters that move when an order becomes final
_sites = itertools.count()


@dataclass
class Place:
    """A ledger, and the clock that it goes by; it can be closed and opened again, as by a kill and a start."""

    options: LedgerSettings
    folder: Path
    clock: StoryClock = field(default_factory=StoryClock)
    opened: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        assert self.opened is not None
        return self.opened

    async def open(self) -> None:
        await self.close()
        self.opened = await open_ledger(self.options, self.folder, self.clock)

    async def close(self) -> None:
        if self.opened is not None:
            await self.opened.close()


async def orders_of(ledger: Ledger, site: str) -> dict[str, Order]:
    """The orders as they are stored."""

    def job(connection: Connection) -> dict[str, Order]:
        found = connection.execute(select(merchant_order).where(merchant_order.c.site == site)).mappings()
        return {row["id"]: order_of(dict(row)) for row in found}

    return await ledger._workers.read(job)


def counted_by(order: Order) -> Counter[str]:
    """What an order moves when it becomes final."""
    moved = Counter({f"orders/{order.rail}/{order.outcome}": 1})
    moved.update(f"invoices/{end.rail}/{end.outcome}" for end in order.ends)
    moved.update(f"payments/{method}" for method in order.payments)
    if order.outcome is Outcome.SETTLED:
        moved[f"paid_msat/{order.rail}"] += order.paid_msat
    return +moved


def _money(order: Order) -> tuple[object, ...]:
    proofs = sorted((each.proof, each.at) for each in order.evidence if each.proof in MONEY)
    return order.paid, order.paid_msat, order.payments, order.settled_at, proofs


def _circumstances(order: Order) -> list[object]:
    return [each for each in order.evidence if each.proof not in MONEY]


@dataclass
class Pins:
    """What became final, as it was then: it is held against what becomes of it. `corrected` counts what changed."""

    final: dict[str, Order] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    corrected: int = 0

    def look(self, orders: Mapping[str, Order], counters: Mapping[str, int]) -> None:
        """Counters move by what is final now and was not, and by nothing else."""
        new = {name: order for name, order in orders.items() if order.sequence is not None and name not in self.final}
        moved = Counter({name: n - self.counters.get(name, 0) for name, n in counters.items() if name.startswith(ONCE)})
        assert +moved == sum(map(counted_by, new.values()), Counter())
        for name, before in self.final.items():
            self._hold(before, orders[name])
        self.final |= new
        self.counters = counters

    def _hold(self, before: Order, now: Order) -> None:
        kept = ("sequence", "store", "order_id", "invoices", "created_at", "final_at", "history")
        assert [getattr(now, name) for name in kept] == [getattr(before, name) for name in kept]
        assert now.outcome in FINAL_OUTCOMES
        if now.outcome in {Outcome.FAILED, Outcome.UNPAYABLE} and before.outcome in {Outcome.FAILED, Outcome.UNPAYABLE}:
            assert _circumstances(now) == _circumstances(before)
        if _money(now) == _money(before):
            assert (now.outcome, now.rail) == (before.outcome, before.rail)
        else:
            self.corrected += 1


@dataclass
class Telling:
    """One site, told of a shop in one way."""

    place: Place
    site: str
    sales: list[Sale]
    dice: Random
    last: float = 0.0
    asked_node: float = 0.0
    pins: Pins = field(default_factory=Pins)

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Everything that a process holds in memory, as it is at its start."""
        self.targets = {
            (self.site, slug): Target(
                site=self.site, slug=slug, kind=kind, lightning=kind == "lnd", source=Actor([Role(READS[slug])])
            )
            for slug, kind in KINDS.items()
        }
        books = Books({SHOP: BTCPAY}, nodes={SHOP: NODE})
        self.orderbook = Orderbook(self.ledger, self.place.clock, self.targets, {self.site: books})

    @property
    def ledger(self) -> Ledger:
        return self.place.ledger

    async def restart(self) -> None:
        """Killed, and started again: all that is known is in the ledger."""
        await self.place.open()
        self._begin()
        for snapshot in await self.ledger.snapshots():
            if (target := self.targets.get((snapshot.site, snapshot.source))) is not None:
                target.snapshots[snapshot.collector] = snapshot
        await self.orderbook.restore()

    async def run(self) -> None:
        """From the birth to the end, in random steps."""
        await self.ledger.append([replace(birth(), site=self.site), replace(birth_of_shop(), site=self.site)])
        moments = sorted(self.dice.uniform(BEGIN, BEGIN + SPAN + 8_000) for _ in range(self.dice.randint(0, 8)))
        hooks = [each for sale in self.sales for each in sale.hooks() if self.dice.random() < 0.7]
        late = [(self.dice.uniform(each.at, END), each) for each in hooks for _ in range(self.dice.randint(1, 2))]
        past = [sale for sale in self.sales if sale.history]
        self.dice.shuffle(past)
        # The first says what is history, the last ends marks, and after that one nothing is killed any more.
        for at in (float(BEGIN), *moments, float(END), END + 4_000.0):
            due = [each for when, each in late if self.last < when <= at]
            self.dice.shuffle(due)
            for each in due:
                await self._hear(Reading(events=(each,)), each.seen_at)
            while past and (at >= END or self.dice.random() < 0.4):
                sale = past.pop()
                await self._hear(Reading(events=(sale.seen(END - 60), *sale.money_back()), history=True), at)
            others = [self._ask_node, self._ask_chain]
            self.dice.shuffle(others)
            for ask in others:
                if at >= END or self.dice.random() < 0.5:
                    await ask(at)
            await self._poll(at)
            if at >= END or self.dice.random() < 0.5:
                await self._ask_chain(at)
            await self._look(50)
            self.last = at
        await self._look(1_000)

    async def _poll(self, at: float) -> None:
        whole = at >= END or self.dice.random() < 0.8
        changed = [sale for sale in self.sales if sale.made <= at and (not sale.history or at >= END)]
        self.dice.shuffle(changed)
        events: list[Event] = [
            sale.seen(at, whole=whole or sale.state(at)[0] is not InvoiceStatus.NEW) for sale in changed
        ]
        events += [each for sale in changed for each in sale.money_back() if getattr(each, "seen_at", END) <= at]
        newest = max((sale.made for sale in self.sales if sale.made <= at), default=None)
        facts = Invoices(SHOP, at, at, 0, newest, None, 0)
        cut = self.dice.randint(0, len(events))
        await self._hear(Reading(events=tuple(events[:cut])), at)
        await self._look(self.dice.choice([0, 1, 50]))
        await self._hear(Reading(facts=facts, events=tuple(events[cut:])), at)  # the watermark comes with the last page

    async def _ask_node(self, at: float) -> None:
        """What it settled, and when it was away; from the last on it was read up to now."""
        found = tuple(taken for sale in self.sales if (taken := sale.at_node(at)) is not None)
        self.place.clock.reach(at)
        states = zip(AWAY, (TargetState.DOWN, TargetState.UP), strict=True)
        fresh = [(when, state) for when, state in states if self.asked_node < when <= at]
        changes = [StateChange(self.site, NODE, when, state, "", "") for when, state in fresh]
        self.asked_node = at
        await self.ledger.append([*changes, replace(entry(*found, at=at), site=self.site)])
        record = self.targets[self.site, NODE].records["invoices"]
        record.succeeded(at, 0.0)
        record.read_until = at

    async def _ask_chain(self, at: float) -> None:
        """What waits of the watch list, and every block that is new or confirms what came onto it since."""
        self.place.clock.reach(at)
        memory = self.ledger.memory(self.site, CORE)
        waiting = {each.txid for each in await memory.watched() if each.block_height is None}
        known = {block.height for block in await memory.blocks(99)}
        blocks = blocks_of(self.sales, at)
        told_of = [block for block in blocks if block.height not in known or waiting.intersection(block.txids)]
        mined = {txid for block in blocks for txid in block.txids}
        seen = [MempoolSighting(txid, at) for txid in sorted(waiting - mined)]
        news = entry(*seen, *told_of, at=at, source=CORE, collector="blocks")
        await self.ledger.append([replace(news, site=self.site, lightning=False)])

    async def _hear(self, reading: Reading, at: float) -> None:
        self.place.clock.reach(at)
        news = replace(told(at=at), site=self.site, reading=reading)
        if reading.facts is not None:
            self.targets[self.site, BTCPAY].take(f"invoices_{SHOP}", at, reading)
        stale = await self.ledger.append([news])
        if at <= END and self.dice.random() < 0.1:  # killed between append and commit: marks hold what is to be done
            await self.ledger.orders.gather(await self.ledger.orders.stale(99))
            await self.restart()
        else:
            self.orderbook.note([news], stale=stale)

    async def _look(self, most: int) -> None:
        for _ in range(most):
            went_on = await self.orderbook.advance()
            counters = (await self.ledger.orders.counters()).get((self.site, SHOP), {})
            self.pins.look(await orders_of(self.ledger, self.site), counters)
            if not went_on:
                return


def _order(row: dict[str, Any]) -> dict[str, Any]:
    """An order, but for what depends on when somebody looked."""
    same: tuple[str, ...] = (
        "id",
        "order_id",
        "invoices",
        "created_at",
        "outcome",
        "rail",
        "methods",
        "offered",
        "currency",
        "due",
    )
    same += ("paid", "paid_msat", "asked_msat", "business", "history", "parts", "payments", "ends")
    told_of = sorted((each["trouble"], each["invoice"], each["subject"]) for each in json.loads(row["exceptions"]))
    proofs = sorted(each["proof"] for each in json.loads(row["evidence"]))
    timed = row["settled_at"] if row["rail"] == "lightning" else None
    return {name: row[name] for name in same} | {
        "exceptions": told_of,
        "evidence": proofs,
        "refunded": row["refunded_at"] is not None,
        "settled_at": timed,
    }


async def _outcome(place: Place, site: str) -> tuple[Any, ...]:
    """What a telling came to; that it counted once, and without gaps, holds of each by itself."""
    ledger = place.ledger
    assert [each for each in await ledger.orders.stale(99) if each.site == site] == []
    held = rows(place.options, "merchant_order", site, place.folder)
    live = [row for row in held if not row["history"]]
    assert sorted(row["sequence"] for row in live if row["sequence"] is not None) == list(range(1, len(live) + 1))
    assert all(row["sequence"] is None for row in held if row["history"])
    counters = (await ledger.orders.counters()).get((site, SHOP), {})
    counted = Counter[str]()
    for name, times in counters.items():
        counted[name.partition("/")[0]] += times
    assert counted["orders"] == len(live)
    assert counted["invoices"] == sum(len(json.loads(row["invoices"])) for row in live)
    assert counted["refunds"] == sum(row["refunded_at"] is not None for row in live)
    sums: Counter[tuple[int, str, str]] = Counter()
    for row in rows(place.options, "bucket", site, place.folder):
        if not row["series"].startswith(("latency/", "whole/")) and row["subject"] == f"store:{SHOP}":
            sums[row["width"], row["series"], "n"] += row["n"]
            sums[row["width"], row["series"], "amount"] += row["sum"]
    orders = sorted((_order(row) for row in held), key=lambda order: order["id"])
    return orders, {name: value for name, value in sums.items() if value}


async def _every_way(place: Place, sales: Sequence[Sale], seeds: Sequence[int]) -> None:
    found = []
    for seed in seeds:
        place.clock.at = 0.0
        await place.open()
        telling = Telling(place, f"s{next(_sites)}", list(sales), Random(seed))
        await telling.run()
        found.append(await _outcome(place, telling.site))
    await place.close()
    for other in found[1:]:
        assert other == found[0]


def _place(folder: Path) -> Place:
    """A ledger in its file, the same for all examples of a test: each site is one of its own."""
    file = folder / "ledger.sqlite3"
    if not file.exists():
        shutil.copyfile(template_file(), file)
        file.chmod(0o600)
    return Place(LedgerSettings(path=file), folder)


WAYS = st.lists(st.integers(0, 2**32), min_size=2, max_size=3, unique=True)
UNHURRIED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@settings(report_multiple_bugs=False, max_examples=8, suppress_health_check=UNHURRIED)
@given(sales=shops(), seeds=WAYS)
def test_however_it_is_told(tmp_path: Path, sales: list[Sale], seeds: list[int]) -> None:
    """Whoever tells, in whatever order and through kills: the same orders and sums, and each counts once for good."""
    asyncio.run(_every_way(_place(tmp_path), sales, seeds))


@settings(max_examples=5, suppress_health_check=UNHURRIED)
@given(sales=shops(crowded=True), seed=st.integers(0, 2**32))
def test_what_is_final_stays(tmp_path: Path, sales: list[Sale], seed: int) -> None:
    """Which invoices are one purchase is decided once: a final order keeps them and its number, whatever comes."""
    asyncio.run(_every_way(_place(tmp_path), sales, [seed]))


@pytest.mark.real("postgres")
@settings(max_examples=2, suppress_health_check=UNHURRIED)
@given(sales=shops(), seeds=WAYS)
def test_however_it_is_told_to_postgresql(
    postgres_server: PostgresServer, tmp_path: Path, sales: list[Sale], seeds: list[int]
) -> None:
    """The other backend comes to the same."""
    url = SecretStr(postgres_server.database(postgres_server.template(lay)))
    asyncio.run(_every_way(Place(LedgerSettings(url=url), tmp_path), sales, seeds))

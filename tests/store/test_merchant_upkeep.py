"""The tables of orders are looked after like every other: migrated, pruned, copied, found by index."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, MetaData, Table, event, insert

from lnwatch.model.chain import WatchedTransaction
from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.order import Rail
from lnwatch.store import Ledger, LedgerSettings, Span, backup, export, open_ledger, status
from lnwatch.store.backend import backend_of
from lnwatch.store.copies import is_copy
from lnwatch.store.migrate import build
from tests.manual_clock import ManualClock
from tests.store.merchant_stories import (
    HASH,
    LINK,
    SHOP,
    TXID,
    birth_of_shop,
    delivery,
    group,
    hook,
    kept,
    lightning,
    onchain,
    paid_onchain,
    payout,
    refund_link,
    settle,
    shop_invoice,
    take,
    told,
)
from tests.store.stories import BORN, NODE, NOW, SITE, birth, entry, rows, settled

DAY = 86_400
SMALL = {"shop", "source_birth", "counter"}  # tables with a row per store, source or name
FEW = ("open", "due", "troubled", "live_troubled")  # partial indexes: of a store they hold what is not done with
OF_ORDERS = {
    "merchant_invoice": 1,
    "merchant_payment": 1,
    "merchant_term": 4,
    "merchant_order": 1,
    "payout": 1,
    "pull_payment": 1,
    "webhook_event": 1,
    "webhook_delivery": 1,
    "node_receipt": 1,
}


async def fill(ledger: Ledger) -> None:
    """Something in every table that is pruned."""
    invoice = shop_invoice(methods=(onchain(paid_onchain()), lightning()))
    await ledger.append([birth(), birth_of_shop(), entry(settled("ff", BORN - 9), history=True, cursors={"h": "1"})])
    await ledger.append([told(invoice, refund_link(), payout(), delivery(hook()))])
    for found in await take(ledger):
        await settle(ledger, found, kept())


async def test_pruned_in_time(ledger: Ledger, settings: LedgerSettings) -> None:
    """Orders outlive the invoices they were made of, and both go after three years; sums and numbers stay."""
    await fill(ledger)
    removed = await ledger.prune(NOW + 300 * DAY)
    assert {removed[name] for name in OF_ORDERS} == {0}
    before = {table.name: table.rows for table in status(settings, Path()).tables}
    assert {name: before[name] for name in OF_ORDERS} == OF_ORDERS
    removed = await ledger.prune(NOW + 1_101 * DAY)
    assert {name: removed[name] for name in OF_ORDERS} == OF_ORDERS | {"merchant_order": 0}
    assert (await ledger.prune(NOW + 1_131 * DAY))["merchant_order"] == 1
    assert (await ledger.orders.counters())[SITE, SHOP] == {"orders": 1}
    await ledger.append([told(shop_invoice("i2"))])
    (found,) = await take(ledger)
    await settle(ledger, found, kept("i2"))
    assert [row["sequence"] for row in rows(settings, "merchant_order")] == [2]


async def test_what_was_in_force_stays(ledger: Ledger) -> None:
    """Of old spans the one that was in force when the rest went stays."""
    spans = [PayabilitySpan(SHOP, Rail.LIGHTNING, NOW + n * DAY, CanPay.YES) for n in range(3)]
    await ledger.orders.note_payability(SITE, spans)
    assert (await ledger.prune(NOW + 401.5 * DAY))["payability"] == 1
    assert await ledger.orders.payability(SITE, NOW) == tuple(spans[1:])


@pytest.mark.bare
async def test_a_ledger_of_before(settings: LedgerSettings, tmp_path: Path) -> None:
    """A ledger without orders is copied, brought up to date with all its rows, and holds orders from then on."""
    backend = backend_of(settings, tmp_path)
    backend.create()
    writer = backend.writer(exclusive=False)
    build(writer, "0003")
    with writer.begin() as connection:
        for name, row in {
            "watched_transaction": {"txid": TXID, "since": NOW, "block_height": 7, "block_hash": "b7"},
            "bucket": {"subject": f"node:{NODE}", "series": "x", "width": 300, "start": NOW, "n": 1, "sum": 2},
        }.items():
            connection.execute(insert(Table(name, MetaData(), autoload_with=connection)).values(site=SITE, **row))
    writer.dispose()
    ledger = await open_ledger(settings, tmp_path, ManualClock())
    assert is_copy(tmp_path / "ledger.schema-0003.sqlite3")
    assert await ledger.memory(SITE, "b").watched() == (WatchedTransaction(TXID, NOW, None, 7, "b7"),)
    assert [row["n"] for row in rows(settings, "bucket")] == [1]
    await fill(ledger)
    (found,) = await ledger.orders.find(TXID)
    assert found.stories[0].chain[TXID].confirmed_at is None
    await ledger.close()


async def test_copied_whole(ledger: Ledger, settings: LedgerSettings, tmp_path: Path) -> None:
    """A backup has every row of orders, and what was received raw with its body."""
    await fill(ledger)
    await ledger.hooks.put(SITE, "btcpay", "d1", NOW, b"\x00body")
    copied = backup(settings, tmp_path, tmp_path / "copy.sqlite3")
    assert {name: copied[name] for name in OF_ORDERS} == OF_ORDERS
    visited = LedgerSettings(path=tmp_path / "copy.sqlite3")
    assert [row["shares"] for row in export(visited, tmp_path, "merchant_order")] == [
        row["shares"] for row in rows(settings, "merchant_order")
    ]
    opened = await open_ledger(visited, tmp_path, ManualClock())
    assert [each.body for each in await opened.hooks.waiting(9)] == [b"\x00body"]
    await opened.close()


@contextmanager
def planned(ledger: Ledger) -> Iterator[list[str]]:
    """How SQLite goes about what is read meanwhile."""
    plans: list[str] = []

    def explain(
        connection: Connection,
        cursor: Any,  # noqa: ANN401 - as SQLAlchemy calls it
        statement: str,
        parameters: Any,  # noqa: ANN401
        *_: object,
    ) -> None:
        raw = connection.connection.cursor()
        raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(row[3] for row in raw.fetchall())

    reader = ledger._workers.database.reader
    event.listen(reader, "before_cursor_execute", explain)
    yield plans
    event.remove(reader, "before_cursor_execute", explain)


async def test_found_by_index(ledger: Ledger) -> None:
    """Whatever the size of the ledger, no question reads a whole table of it, or all that is in it of a store."""
    if ledger.backend == "postgresql":  # it plans by what it knows of the sizes, and here they are small
        return
    await fill(ledger)
    orders = ledger.orders
    with planned(ledger) as plans:
        await orders.gather([*await orders.stale(9), *await orders.due(SITE, SHOP, NOW, 9)])
        await take(ledger, group())
        await orders.exceptions(SITE, 9)
        await orders.troubled(SITE, 0, 9)
        await orders.settlements(SITE)
        await orders.open_invoices(SITE, 9)
        await orders.sums(Span(SITE, 0, NOW, 300))
        await orders.totals(Span(SITE, 0, NOW, 3_600, ("ticket/", "parts/one")))
        await orders.payability(SITE, 0)
        for words in (HASH, "i1", TXID, LINK):
            await orders.find(words)
        await ledger.hooks.waiting(9)
    whole = {plan for plan in plans if plan.startswith("SCAN") and "INDEX" not in plan}
    assert whole == {plan for plan in whole if plan.split()[1] in SMALL}
    of_store = {plan for plan in plans if plan.endswith("(site=? AND store=?)") and plan.split()[1] not in SMALL}
    assert of_store
    assert {plan for plan in of_store if not any(f"_{few} (" in plan for few in FEW)} == set()
    assert len(plans) > 30

"""Removing what is older than its retention, in slices between which live data gets its turn.

Readers find the rows, the writer removes them by key, so that no transaction is long. Sums stay: hour
buckets, hour figures, counters and births are never removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
)

from lnwatch.store import tables
from lnwatch.store.cases import prune as cases
from lnwatch.store.order_tables import payability
from lnwatch.store.orders import prune as orders
from lnwatch.store.rollups import FIVE_MINUTES
from lnwatch.store.settings import Retention
from lnwatch.store.workers import Workers

FOUND = 20_000  # keys that are looked up at a time
SLICE = 500  # rows that are removed in one transaction
BLOCKS = 2_100  # newest of each source that stay: a fortnight, and more than any reorganisation undoes

Condition = tuple[Table, ColumnElement[bool]]


async def prune(workers: Workers, retention: Retention, now: float) -> Mapping[str, int]:
    """Remove what is too old at `now`; returns rows removed by table. Raises LedgerError."""
    removed = {}
    for table, too_old in _conditions(retention, now):
        removed[table.name] = await _prune_table(workers, table, too_old)
    return removed


async def _prune_table(workers: Workers, table: Table, too_old: ColumnElement[bool]) -> int:
    keys = tuple(table.primary_key)
    removal = delete(table).where(*(column == bindparam(f"key_{column.name}") for column in keys))
    query = select(*(column.label(f"key_{column.name}") for column in keys)).where(too_old).limit(FOUND)
    removed = 0
    while found := await workers.read_long(partial(_find, query=query)):
        for start in range(0, len(found), SLICE):
            await workers.write(partial(_remove, removal=removal, keys=found[start : start + SLICE]))
        removed += len(found)
        if len(found) < FOUND:
            break
    return removed


def _find(connection: Connection, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _remove(connection: Connection, removal: Delete, keys: Sequence[dict[str, Any]]) -> None:
    connection.execute(removal, keys)


def _conditions(retention: Retention, now: float) -> Iterator[Condition]:
    bucket = tables.bucket.c
    yield tables.bucket, (bucket.width == FIVE_MINUTES) & (bucket.start <= now - retention.five_minute_buckets)
    by_age = (
        (tables.channel_hour.c.hour, retention.channel_hours),
        (tables.lightning_invoice.c.final_at, retention.lightning_invoices),
        (tables.lightning_payment.c.final_at, retention.lightning_payments),
        (tables.forward.c.at, retention.forwards),
        (tables.htlc_event.c.at, retention.htlc_events),
        (tables.channel_event.c.at, retention.channel_events),
        (tables.stream_gap.c.end_at, retention.stream_gaps),
        (tables.reorganisation.c.at, retention.reorganisations),
        (tables.inbox.c.answered_at, retention.inbox),
    )
    for column, kept in by_age:
        yield column.table, column < now - kept
    states = (tables.target_state, tables.channel_state, tables.liquidity_change, tables.balance_change, payability)
    for table in states:
        yield table, _outdated(table, now - retention.states)
    yield tables.watched_transaction, _no_longer_watched(retention, now)
    yield tables.block, _buried()
    yield from cases.conditions(retention, now)
    yield from orders.conditions(retention, now)


def _outdated(table: Table, before: float) -> ColumnElement[bool]:
    """Rows that were not in force any more at `before`: the newest of those that are older stays."""
    later = table.alias()
    same = [later.c[column.name] == column for column in table.primary_key if column.name != "at"]
    return and_(table.c.at < before, exists().where(*same, later.c.at > table.c.at, later.c.at <= before))


def _no_longer_watched(retention: Retention, now: float) -> ColumnElement[bool]:
    row = tables.watched_transaction.c
    return or_(
        row.since < now - retention.watched_transactions,
        row.block_height.is_(None) & (row.since < now - retention.unconfirmed_transactions),
    )


def _buried() -> ColumnElement[bool]:
    block, newer = tables.block, tables.block.alias()
    tip = select(func.max(newer.c.height)).where(newer.c.site == block.c.site, newer.c.source == block.c.source)
    return block.c.height <= tip.scalar_subquery() - BLOCKS

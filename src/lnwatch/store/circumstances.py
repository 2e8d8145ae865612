"""What the ledger knows of the world in which invoices were open: states, what could be received, what failed."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from sqlalchemy import Connection, func, select, tuple_

from lnwatch.model.conditions import FailedHtlc, Receivable
from lnwatch.model.lightning import HtlcDirection, HtlcOutcome
from lnwatch.model.money import Msat
from lnwatch.model.order import Rail
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import StateSpan
from lnwatch.store import merchant_tables, order_tables, tables
from lnwatch.store.workers import Workers

_FAILED = (HtlcOutcome.FAILED.value, HtlcOutcome.LINK_FAILED.value)
_MOST_FAILED = 500  # of one period: more than that is a storm, in which no HTLC can be told from another
_LOOKED_AT = 50  # newest invoices of a store among which one names its node
_ROUNDED_UP = 100  # wallets may send a hundredth more than was asked


@dataclass(frozen=True, slots=True)
class Circumstances:
    """States since and before a period, what the node could receive in it, and HTLCs that failed there."""

    states: tuple[StateSpan, ...] = ()
    receivable: tuple[Receivable, ...] = ()
    failed: tuple[FailedHtlc, ...] = ()


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked for: of `sources` and of `node` (None: there is none), from `since` to `until`."""

    site: str
    node: str | None
    sources: Collection[str]
    since: float
    until: float


class CircumstanceReader:
    """Reads them. Everything raises LedgerError."""

    def __init__(self, workers: Workers) -> None:
        """Nothing is read yet."""
        self._workers = workers

    async def within(self, period: Period) -> Circumstances:
        """What was in the period, and what lasted already when it began."""
        return await self._workers.read(partial(_within, period=period))

    async def node_keys(self, site: str) -> dict[str, str]:
        """The public key of the Lightning node that the newest invoices of each store name."""
        return await self._workers.read(partial(_node_keys, site=site))

    async def short_of(
        self, site: str, node: str, amount: Msat, since: float
    ) -> tuple[tuple[float, float | None], ...]:
        """When a node could receive less than `amount`, since then; the end is None where it still can't."""
        return await self._workers.read(partial(_short_of, place=(site, node), amount=amount, since=since))

    async def absences(self, since: float) -> tuple[tuple[float, float], ...]:
        """When lnwatch itself did not run, since then."""
        return await self._workers.read(partial(_absences, since=since))


def _within(connection: Connection, period: Period) -> Circumstances:
    states = tuple(_states(connection, period))
    if period.node is None:
        return Circumstances(states)
    receivable = tuple(_receivable(connection, period, period.node))
    return Circumstances(states, receivable, tuple(_failed(connection, period, period.node)))


def _states(connection: Connection, period: Period) -> Iterator[StateSpan]:
    row = tables.target_state.c
    mine = (row.site == period.site, row.source.in_(period.sources))
    before = select(row.source, func.max(row.at)).where(*mine, row.at <= period.since).group_by(row.source)
    query = select(row.source, row.at, row.state, row.version).where(
        *mine, row.at.between(period.since, period.until) | tuple_(row.source, row.at).in_(before)
    )
    for source, at, state, version in connection.execute(query):
        yield StateSpan(source, at, TargetState(state), version)


def _receivable(connection: Connection, period: Period, node: str) -> Iterator[Receivable]:
    row = tables.liquidity_change.c
    mine = (row.site == period.site, row.source == node)
    before = select(func.max(row.at)).where(*mine, row.at <= period.since).scalar_subquery()
    query = select(row.at, row.receivable_many_msat).where(
        *mine, row.at.between(period.since, period.until) | (row.at == before)
    )
    for at, amount in connection.execute(query.order_by(row.at)):
        yield Receivable(node, at, Msat(amount))


def _failed(connection: Connection, period: Period, node: str) -> Iterator[FailedHtlc]:
    row = tables.htlc_event.c
    query = select(row.at, row.channel_in, row.amount_msat, row.detail).where(
        row.site == period.site,
        row.source == node,
        row.at.between(period.since, period.until),
        row.direction == HtlcDirection.RECEIVE.value,
        row.outcome.in_(_FAILED),
    )
    for at, channel, amount, detail in connection.execute(query.order_by(row.at).limit(_MOST_FAILED)).all():
        rivals = max(0, _asked(connection, period.site, node, (at, amount)) - 1)
        yield FailedHtlc(node, at, channel, Msat(amount), detail or "no reason is known", rivals)


def _asked(connection: Connection, site: str, node: str, failed: tuple[float, int]) -> int:
    """How many invoices of the node asked for about that amount at that moment."""
    at, amount = failed
    row = tables.lightning_invoice.c
    query = select(func.count()).where(
        row.site == site,
        row.source == node,
        row.value_msat.between(amount - amount // _ROUNDED_UP, amount),
        row.created_at <= at,
        row.expires_at >= at,
        row.final_at.is_(None) | (row.final_at >= at),
    )
    return connection.execute(query).scalar_one()


def _node_keys(connection: Connection, site: str) -> dict[str, str]:
    shop = merchant_tables.shop.c
    stores = connection.execute(select(shop.store).where(shop.site == site)).scalars().all()
    keys = {store: _node_key(connection, site, store) for store in stores}
    return {store: key for store, key in keys.items() if key is not None}


def _node_key(connection: Connection, site: str, store: str) -> str | None:
    """By the newest invoices that are open, and those that were settled over Lightning: there are indexes for both."""
    row, order = merchant_tables.merchant_invoice.c, order_tables.merchant_order.c
    opened = select(row.id).where(row.site == site, row.store == store, merchant_tables.still_open)
    paid = select(order.id).where(
        order.site == site, order.store == store, order_tables.settled, order.rail == Rail.LIGHTNING.value
    )
    newest = [
        *connection.execute(opened.order_by(row.created_at.desc()).limit(_LOOKED_AT)).scalars(),
        *connection.execute(paid.order_by(order.settled_at.desc()).limit(_LOOKED_AT)).scalars(),
    ]
    found = select(row.methods).where(row.site == site, row.store == store, row.id.in_(newest))
    for methods in connection.execute(found.order_by(row.created_at.desc())).scalars():
        for values in json.loads(methods or "[]"):
            if values[-1]:
                return str(values[-1])
    return None


def _short_of(
    connection: Connection, place: tuple[str, str], amount: Msat, since: float
) -> tuple[tuple[float, float | None], ...]:
    row = tables.liquidity_change.c
    short = row.receivable_many_msat < amount
    steps = (
        select(row.at, short.label("short"), func.lag(short).over(order_by=row.at).label("before"))
        .where(row.site == place[0], row.source == place[1], row.at >= since)
        .subquery()
    )
    changed = steps.c.before.is_(None) | (steps.c.before != steps.c.short)
    changes = connection.execute(select(steps.c.at, steps.c.short).where(changed).order_by(steps.c.at)).all()
    return tuple(
        (at, following[0] if following is not None else None)
        for (at, is_short), following in zip(changes, (*changes[1:], None), strict=False)  # there may be none
        if is_short
    )


def _absences(connection: Connection, since: float) -> tuple[tuple[float, float], ...]:
    row = tables.daemon.c
    starts = connection.execute(select(row.at, row.alive_at).where(row.alive_at >= since).order_by(row.number)).all()
    return tuple((before.alive_at, after.at) for before, after in pairwise(starts) if after.at > before.alive_at)

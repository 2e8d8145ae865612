"""How the orders and invoices of a site stand: what is open, what is wrong, what settled lately."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, func, select

from lnwatch.model.merchant import InvoiceStatus, method_of
from lnwatch.model.money import Msat
from lnwatch.model.order import Order, PaymentException, Rail
from lnwatch.model.view import OpenInvoice
from lnwatch.store.merchant_tables import merchant_gone, merchant_invoice, shop, still_open
from lnwatch.store.order_tables import live_troubled, merchant_order, settled, troubled
from lnwatch.store.orders.order_rows import EXCEPTIONS, order_of
from lnwatch.store.orders.values import Exceptions

SETTLEMENTS = 60  # of each rail

Open = tuple[tuple[OpenInvoice, ...], int]


def stores_of(connection: Connection, site: str) -> Sequence[str]:
    """The stores of a site that were read."""
    return connection.execute(select(shop.c.store).where(shop.c.site == site).order_by(shop.c.store)).scalars().all()


def open_invoices(connection: Connection, site: str, newest: int) -> Mapping[str, Open]:
    """The newest open invoices of each store, oldest first, and how many there are."""
    return {store: _open(connection, site, store, newest) for store in stores_of(connection, site)}


def _open(connection: Connection, site: str, store: str, newest: int) -> Open:
    row, gone = merchant_invoice.c, merchant_gone.c
    denied = (gone.site == row.site) & (gone.store == row.store) & (gone.invoice == row.id) & (gone.at >= row.seen_at)
    standing = (row.site == site, row.store == store, still_open, ~merchant_gone.select().where(denied).exists())
    columns = (row.id, row.created_at, row.expires_at, row.status, row.due_msat, row.offered)
    query = select(*columns).where(*standing).order_by(row.created_at.desc(), row.id.desc()).limit(newest)
    found = [
        OpenInvoice(
            id=each.id,
            created_at=each.created_at,
            expires_at=each.expires_at,
            processing=each.status == InvoiceStatus.PROCESSING,
            amount_msat=None if each.due_msat is None else Msat(each.due_msat),
            offered=tuple(sorted({method_of(name) for name in json.loads(each.offered)})),
        )
        for each in connection.execute(query)
    ]
    count = (
        len(found) if len(found) < newest else connection.execute(select(func.count()).where(*standing)).scalar_one()
    )
    return tuple(reversed(found)), count


def exceptions(connection: Connection, site: str, newest: int) -> Exceptions:
    """What went wrong with payments since each store is watched."""
    row = merchant_order.c
    found: dict[str, tuple[PaymentException, ...]] = {}
    counts: dict[str, int] = {}
    for store in stores_of(connection, site):
        wrong = (row.site == site, row.store == store, live_troubled)
        columns = (row.exceptions, row.history, shop.c.born_at)
        watched = (shop.c.site == row.site) & (shop.c.store == row.store)
        query = select(*columns).select_from(merchant_order.join(shop, watched)).where(*wrong)
        rows = connection.execute(query.order_by(row.created_at.desc(), row.id.desc()).limit(newest))
        told = [
            each
            for text, history, born_at in rows
            for each in EXCEPTIONS.validate_json(text)
            if not history or each.since >= (born_at or 0.0)
        ]
        told.sort(key=lambda each: (each.since, each.subject))
        found[store] = tuple(told[-newest:])
        counts[store] = connection.execute(
            select(func.coalesce(func.sum(row.live_troubles), 0)).where(*wrong)
        ).scalar_one()
    return Exceptions(found, counts)


def troubled_since(connection: Connection, site: str, since: float, limit: int) -> tuple[Order, ...]:
    """Orders made since then with something wrong on a payment, history among them, the newest first."""
    row = merchant_order.c
    orders = [
        order_of(dict(each))
        for store in stores_of(connection, site)
        for each in connection.execute(
            select(merchant_order)
            .where(row.site == site, row.store == store, troubled, row.created_at >= since)
            .order_by(row.created_at.desc(), row.id.desc())
            .limit(limit)
        ).mappings()
    ]
    return tuple(sorted(orders, key=lambda order: (order.created_at, order.store, order.id), reverse=True)[:limit])


def settlements(connection: Connection, site: str) -> Mapping[tuple[str, Rail], tuple[Order, ...]]:
    """The last settled orders of each store and rail, oldest first."""
    row = merchant_order.c
    found = {}
    for store in stores_of(connection, site):
        for rail in (Rail.LIGHTNING, Rail.ONCHAIN):
            query = (
                select(merchant_order)
                .where(row.site == site, row.store == store, row.rail == rail.value, settled)
                .where(row.settled_at.is_not(None))
                .order_by(row.settled_at.desc(), row.id.desc())
                .limit(SETTLEMENTS)
            )
            rows = connection.execute(query).mappings().all()
            found[store, rail] = tuple(order_of(dict(each)) for each in reversed(rows))
    return found

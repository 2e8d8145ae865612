"""BTCPay's invoices: of two answers the one seen later is the truth, and every state that was seen is kept."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import inf

from sqlalchemy import Connection, select

from lnwatch.model.btcpay import Invoices
from lnwatch.model.merchant import BtcpayInvoice, InvoiceGone, OfferedMethod, Payment, PaymentStatus
from lnwatch.store import merchant_tables as tables
from lnwatch.store.apply.newest import later
from lnwatch.store.apply.touches import INVOICE, Touch, Touches, touch_of
from lnwatch.store.apply.turns import UNBORN, Turn
from lnwatch.store.columns import storable
from lnwatch.store.lookup import rows_of
from lnwatch.store.orders.invoice_rows import (
    State,
    newest_methods,
    newest_state,
    payment_values,
    state_of,
    terms_of,
    with_replaced,
)
from lnwatch.store.tables import watched_transaction
from lnwatch.store.upsert import Row, greatest, insert_new, least, merge, put

_APART = frozenset({"source", "first_at", "invalid_at"})  # not of what one answer told
STATES = 64  # seen states of one invoice that are kept; of more, those within a run go

_shop = tables.shop.c
_SHOPS = select(_shop.site, _shop.store, _shop.born_at)

_Store = tuple[str, str]  # site, store
_Rows = dict[str, Row]
_Told = Sequence[tuple[Turn, BtcpayInvoice]]


def apply_shops(connection: Connection, turns: Sequence[Turn], told: _Told) -> dict[_Store, float]:
    """Note the stores that are read for the first time; returns when the watch over each store of this batch began,
    by BTCPay's clock."""
    births: dict[_Store, tuple[str, float]] = {}
    for turn in turns:
        if isinstance(facts := turn.entry.reading.facts, Invoices):
            # The newest invoice was read with it: whatever is newer is live, by whichever clock.
            newest = facts.newest_created_at
            births.setdefault((turn.entry.site, facts.store), (turn.entry.source, 0 if newest is None else newest + 1))
    for turn, invoice in told:
        if turn.born_at != UNBORN:
            births.setdefault((turn.entry.site, invoice.store), (turn.entry.source, turn.born_at))
    known: dict[_Store, float] = {
        (site, store): inf if at is None else at
        for site, store, at in (connection.execute(_SHOPS) if births or told else ())
    }
    new = {key: birth for key, birth in births.items() if key not in known}
    insert_new(
        connection,
        tables.shop,
        [
            {"site": site, "store": store, "source": source, "born_at": at}
            for (site, store), (source, at) in new.items()
        ],
    )
    return {key: at for key, (_, at) in new.items()} | known


def apply_gone(connection: Connection, told: Sequence[tuple[Turn, InvoiceGone]], touches: Touches) -> None:
    """Note what BTCPay denies; what is known of it stays."""
    gone: dict[tuple[str, str, str], float] = {}
    for turn, event in told:
        key = (turn.entry.site, event.store, storable(event.id))
        gone[key] = max(event.seen_at, gone.get(key, event.seen_at))
        touches.invoice(*key, turn.entry.at)
    rows = [{"site": site, "store": store, "invoice": name, "at": at} for (site, store, name), at in gone.items()]
    merge(connection, tables.merchant_gone, rows, {"at": greatest})


def apply_invoices(connection: Connection, told: _Told, births: Mapping[_Store, float], touches: Touches) -> None:
    """Fold the invoices; told again, or in another order, they come to the same."""
    by_store: dict[_Store, list[tuple[Turn, BtcpayInvoice]]] = defaultdict(list)
    for turn, invoice in told:
        by_store[turn.entry.site, invoice.store].append((turn, invoice))
    for key, of_store in by_store.items():
        _Shop(connection, key, births.get(key, inf), of_store).apply(connection, of_store, touches)


class _Shop:
    """The rows of one store that a batch speaks of."""

    def __init__(self, connection: Connection, key: _Store, born_at: float, told: _Told) -> None:
        self._site, self._store = key
        self._born_at = born_at
        names = {storable(invoice.id) for _, invoice in told}
        invoices = rows_of(connection, tables.merchant_invoice, key, "id", names)
        self._invoices: _Rows = {row["id"]: row for row in invoices}
        payments = rows_of(connection, tables.merchant_payment, key, "invoice", self._invoices)
        self._payments = {(row["invoice"], row["id"]): row for row in payments}
        self._changed: dict[str, float] = {}  # invoices, and when they were told
        self._left: list[Touch] = []  # groups that an invoice is no more part of: its order id was changed
        self._paid: set[tuple[str, str]] = set()
        self._terms: dict[tuple[str, str], int] = {}
        self._pending: dict[str, float] = {}  # transactions to watch, and since when

    def apply(self, connection: Connection, told: _Told, touches: Touches) -> None:
        """Fold what was told, store what changed, and touch it."""
        for turn, invoice in told:
            self._fold(turn, invoice)
        put(connection, tables.merchant_invoice, [self._invoices[name] for name in self._changed])
        put(connection, tables.merchant_payment, [self._payments[key] for key in sorted(self._paid)])
        where = {"site": self._site, "store": self._store, "kind": INVOICE}
        insert_new(
            connection,
            tables.merchant_term,
            [{**where, "term": term, "id": name, "at": at} for (term, name), at in self._terms.items()],
        )
        pending = [{"site": self._site, "txid": txid, "since": at} for txid, at in sorted(self._pending.items())]
        merge(connection, watched_transaction, pending, {"since": least})
        changed = [touch_of(self._invoices[name], at) for name, at in self._changed.items()]
        for touch in (*self._left, *changed):
            touches.touch(self._site, self._store, touch)

    def _fold(self, turn: Turn, invoice: BtcpayInvoice) -> None:
        name = storable(invoice.id)
        before = self._invoices.get(name)
        if before is None:
            row: Row = {"site": self._site, "store": self._store, "id": name, "live": False, "states": "[]"}
            row |= {"methods": None, "methods_at": None, "accounted_only": False, "due_msat": None}
            row |= {"replaced": None}
        else:
            row = dict(before)
        state = newest_state(invoice, turn.entry.source)
        if before is None or later(before, state, "seen_at", _APART):
            row |= state
        if invoice.methods is not None:
            methods = newest_methods(invoice)
            if row["methods_at"] is None or later(row, methods, "methods_at"):
                row |= methods
            row["replaced"] = with_replaced(row, before, invoice)
            self._fold_methods(turn, name, invoice)
        row["live"] |= invoice.created_at >= self._born_at or (state["open"] and not turn.entry.reading.history)
        row["states"] = _with_state(row["states"], state_of(invoice))
        if row != before:
            self._invoices[name] = row
            self._change(name, turn.entry.at)
            if before is not None and before["group_key"] != row["group_key"]:
                self._left.append(touch_of(before, turn.entry.at))

    def _fold_methods(self, turn: Turn, name: str, invoice: BtcpayInvoice) -> None:
        for term in terms_of(invoice):
            self._terms[storable(term), name] = invoice.created_at
        for method in invoice.methods or ():
            for payment in method.payments:
                self._fold_payment(turn, (name, invoice.seen_at), payment, method)

    def _fold_payment(self, turn: Turn, told: tuple[str, float], payment: Payment, method: OfferedMethod) -> None:
        invoice, seen_at = told
        key = (invoice, storable(payment.id))
        before = self._payments.get(key)
        invalid = seen_at if payment.status is PaymentStatus.INVALID else None
        row = {"site": self._site, "store": self._store, "invoice": key[0], "id": key[1], "first_at": seen_at}
        row |= {**payment_values(payment, method), "told_at": seen_at, "invalid_at": invalid}
        if before is not None:
            row = (row if later(before, row, "told_at", _APART) else before) | {
                "first_at": min(before["first_at"], seen_at),
                "invalid_at": min((at for at in (before["invalid_at"], invalid) if at is not None), default=None),
            }
        if payment.txid is not None and payment.status is PaymentStatus.PROCESSING:
            self._pending[payment.txid] = min(seen_at, self._pending.get(payment.txid, seen_at))
        if row != before:
            self._payments[key] = row
            self._paid.add(key)
            self._change(invoice, turn.entry.at)

    def _change(self, name: str, at: float) -> None:
        self._changed[name] = min(at, self._changed.get(name, at))


def _with_state(states: str, new: State) -> str:
    """The states with a new one, in the order of time."""
    if states == "[]":
        return json.dumps([new])
    known = [tuple(each) for each in json.loads(states)]
    if new in known:
        return states
    known = sorted([*known, new], key=lambda each: (each[0], json.dumps(each)))
    if len(known) > STATES:
        inner = next((n for n in range(1, len(known) - 1) if known[n - 1][1:] == known[n][1:] == known[n + 1][1:]), 1)
        del known[inner]
    return json.dumps(known)

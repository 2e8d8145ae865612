"""Which groups of invoices must be looked at anew, because something was told of one of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from lnwatch.store import merchant_tables as tables
from lnwatch.store.lookup import rows_of
from lnwatch.store.order_tables import stale_group
from lnwatch.store.upsert import Row, put

INVOICE = "invoice"  # what a term may lead to
PAYOUT = "payout"
REFUNDED = "InvoiceRefund"  # BTCPay's word for the webhook that proves which invoice a claim link is for

_Store = tuple[str, str]  # site, store
_Names = dict[_Store, dict[str, float]]  # when something was told of each


@dataclass(frozen=True, slots=True)
class Touch:
    """An invoice of which something was told at `at`."""

    group_key: str
    created_at: int
    id: str
    live: bool
    at: float


def touch_of(row: Row, at: float) -> Touch:
    """That of an invoice's row."""
    return Touch(row["group_key"], row["created_at"], row["id"], row["live"], at)


class Touches:
    """What a batch touches; `write` marks the groups in the batch's transaction.

    What is told of something that no invoice is known for yet touches nothing: the invoice itself will.
    """

    def __init__(self) -> None:
        """Nothing is touched yet."""
        self._touches: dict[_Store, list[Touch]] = defaultdict(list)
        self._invoices: _Names = defaultdict(dict)
        self._pull_payments: _Names = defaultdict(dict)
        self._payouts: _Names = defaultdict(dict)
        self._terms: dict[str, dict[str, float]] = defaultdict(dict)

    def touch(self, site: str, store: str, touch: Touch) -> None:
        """Touch an invoice whose row is known."""
        self._touches[site, store].append(touch)

    def invoice(self, site: str, store: str, invoice: str, at: float) -> None:
        """Touch an invoice, if there is one."""
        _note(self._invoices[site, store], invoice, at)

    def pull_payment(self, site: str, store: str, key: str, at: float) -> None:
        """Touch the invoice that a claim link is for."""
        _note(self._pull_payments[site, store], key, at)

    def term(self, site: str, term: str, at: float) -> None:
        """Touch whatever a payment hash or transaction belongs to."""
        _note(self._terms[site], term, at)

    def write(self, connection: Connection) -> bool:
        """Mark the groups of all that was touched; whether there are any."""
        self._follow_terms(connection)
        self._follow_payouts(connection)
        self._follow_pull_payments(connection)
        self._follow_invoices(connection)
        for (site, store), touches in self._touches.items():
            _mark(connection, site, store, touches)
        return bool(self._touches)

    def _follow_terms(self, connection: Connection) -> None:
        row = tables.merchant_term.c
        for site, terms in self._terms.items():
            query = select(row.term, row.kind, row.store, row.id).where(row.site == site, row.term.in_(terms))
            for term, kind, store, name in connection.execute(query):
                names = self._invoices if kind == INVOICE else self._payouts
                _note(names[site, store], name, terms[term])

    def _follow_payouts(self, connection: Connection) -> None:
        for where, payouts in self._payouts.items():
            for row in rows_of(connection, tables.payout, where, "id", payouts):
                if row["pull_payment"] is not None:
                    self.pull_payment(*where, row["pull_payment"], payouts[row["id"]])

    def _follow_pull_payments(self, connection: Connection) -> None:
        for where, keys in self._pull_payments.items():
            links = rows_of(connection, tables.pull_payment, where, "id", keys)
            named = [(row["id"], row["refund_of"]) for row in links]
            hooks = rows_of(connection, tables.webhook_event, where, "pull_payment", keys)
            proven = [(row["pull_payment"], row["invoice_id"]) for row in hooks]
            for key, invoice in [*named, *proven]:
                if invoice is not None:
                    self.invoice(*where, invoice, keys[key])

    def _follow_invoices(self, connection: Connection) -> None:
        for where, invoices in self._invoices.items():
            for row in rows_of(connection, tables.merchant_invoice, where, "id", invoices):
                self.touch(*where, touch_of(row, invoices[row["id"]]))


def _note(names: dict[str, float], name: str, at: float) -> None:
    names[name] = min(at, names.get(name, at))


def _mark(connection: Connection, site: str, store: str, touches: Sequence[Touch]) -> None:
    by_group: dict[str, list[Touch]] = defaultdict(list)
    for touch in touches:
        by_group[touch.group_key].append(touch)
    marks = rows_of(connection, stale_group, (site, store), "group_key", by_group)
    known = {mark["group_key"]: mark for mark in marks}
    rows = []
    for key, group in by_group.items():
        row = _marked(group)
        if (before := known.get(key)) is not None:
            row = _joined(before, row)
        rows.append({"site": site, "store": store, "group_key": key, **row})
    put(connection, stale_group, rows)


def _marked(group: Sequence[Touch]) -> Row:
    oldest = min((touch.created_at, touch.id) for touch in group)
    return {
        "oldest": oldest[0],
        "oldest_id": oldest[1],
        "newest": max(touch.created_at for touch in group),
        "history": not any(touch.live for touch in group),
        "since": min(touch.at for touch in group),
        "touches": 1,
    }


def _joined(before: Row, row: Row) -> Row:
    oldest = min((before["oldest"], before["oldest_id"]), (row["oldest"], row["oldest_id"]))
    return {
        "oldest": oldest[0],
        "oldest_id": oldest[1],
        "newest": max(before["newest"], row["newest"]),
        "history": before["history"] and row["history"],
        "since": min(before["since"], row["since"]),
        "touches": before["touches"] + 1,
    }

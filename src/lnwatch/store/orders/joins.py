"""What other tables know of the invoices of one store: webhooks, refunds, the node's and the chain's side."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, bindparam, select

from lnwatch.model.chain import WatchedTransaction
from lnwatch.model.lightning import InvoiceState, LightningInvoice, LightningPayment
from lnwatch.model.merchant import Payout, PullPaymentKey, WebhookDelivery, WebhookEvent
from lnwatch.model.money import Msat
from lnwatch.model.order import ChainSide, NodeInvoice, Refund
from lnwatch.store import merchant_tables, order_tables, tables
from lnwatch.store.apply.touches import REFUNDED
from lnwatch.store.lookup import AT_ONCE, rows_of
from lnwatch.store.memory import invoice_of, payment_of
from lnwatch.store.orders.told_rows import delivery_of, event_of, payout_of, pull_payment_of

_birth, _watched = tables.source_birth.c, tables.watched_transaction.c
_NODES = select(_birth.source).where(_birth.site == bindparam("site"), _birth.lightning)
_WATCHED = select(
    *(_watched.txid, _watched.since, _watched.first_seen_at, _watched.block_height, _watched.block_hash),
    _watched.block_time,
).where(_watched.site == bindparam("site"), _watched.txid.in_(bindparam("txids", expanding=True)))

LONGEST_WAIT = 1_000  # blocks from being seen to being confirmed, after which their number is not told

Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # by invoice


@dataclass(frozen=True, slots=True)
class Shop:
    """The store whose invoices are joined."""

    connection: Connection
    site: str
    store: str

    def rows(self, table: Table, column: str, wanted: Collection[str]) -> Iterator[dict[str, Any]]:
        """The rows of a table of stores whose column has one of these values."""
        return rows_of(self.connection, table, (self.site, self.store), column, wanted)

    def payments(self, invoices: Collection[str]) -> Rows:
        """The payments of invoices."""
        return _grouped(self.rows(merchant_tables.merchant_payment, "invoice", invoices))

    def gone(self, invoices: Collection[str]) -> Mapping[str, float]:
        """When BTCPay denied those that it denies."""
        table = merchant_tables.merchant_gone
        return {row["invoice"]: row["at"] for row in self.rows(table, "invoice", invoices)}

    def hooks(self, invoices: Collection[str]) -> Mapping[str, Sequence[WebhookEvent]]:
        """What webhooks said of invoices, oldest first, each happening once also where two webhooks told it."""
        table = merchant_tables.webhook_event
        found: dict[str, dict[object, WebhookEvent]] = defaultdict(dict)
        for row in self.rows(table, "invoice_id", invoices):
            event = event_of(row)
            payment = None if event.payment is None else event.payment.id
            what = (event.type, event.at, payment, event.pull_payment)
            found[row["invoice_id"]].setdefault(what, event)
        return {
            invoice: sorted(events.values(), key=lambda event: (event.at, event.type, event.original_delivery_id))
            for invoice, events in found.items()
        }

    def deliveries(self, invoices: Collection[str]) -> Mapping[str, Sequence[WebhookDelivery]]:
        """The tries to tell somebody of invoices."""
        table, told = merchant_tables.webhook_delivery, merchant_tables.webhook_event
        rows = list(self.rows(table, "invoice_id", invoices))
        names = {row["event"] for row in rows if row["event"] is not None}
        events = {row["original_delivery_id"]: event_of(row) for row in self.rows(told, "original_delivery_id", names)}
        found: dict[str, list[WebhookDelivery]] = defaultdict(list)
        for row in rows:
            found[row["invoice_id"]].append(delivery_of(row, events.get(row["event"])))
        return found

    def refunds(
        self, invoices: Collection[str], hooks: Mapping[str, Sequence[WebhookEvent]]
    ) -> Mapping[str, tuple[Refund, ...]]:
        """The claim links made for invoices, as webhooks prove or as their names say."""
        table, paid = merchant_tables.pull_payment, merchant_tables.payout
        proven = {
            hook.pull_payment: invoice
            for invoice, events in hooks.items()
            for hook in events
            if hook.type == REFUNDED and hook.pull_payment is not None
        }
        links = {row["id"]: row for row in self.rows(table, "refund_of", invoices)}
        links |= {row["id"]: row for row in self.rows(table, "id", set(proven))}
        payouts: dict[str, list[Payout]] = defaultdict(list)
        for row in self.rows(paid, "pull_payment", set(links)):
            payouts[row["pull_payment"]].append(payout_of(row))
        found: dict[str, list[Refund]] = defaultdict(list)
        for name, row in sorted(links.items()):
            invoice = proven.get(PullPaymentKey(name), row["refund_of"])
            refund = Refund(pull_payment_of(row), tuple(payouts[name]), proven=PullPaymentKey(name) in proven)
            found[invoice].append(refund)
        return {invoice: tuple(refunds) for invoice, refunds in found.items()}

    def node(self, hashes: Collection[str]) -> Mapping[str, NodeInvoice]:
        """The node's side of payments, by payment hash."""
        receipts = self._of_nodes(order_tables.node_receipt, hashes)
        found = {row.payment_hash: NodeInvoice(row.source, _received(row)) for row in receipts}
        rows = self._of_nodes(tables.lightning_invoice, hashes)
        return found | {row.payment_hash: NodeInvoice(row.source, invoice_of(row)) for row in rows}

    def sent(self, hashes: Collection[str]) -> Mapping[str, LightningPayment]:
        """The payments that a node made, by payment hash."""
        return {row.payment_hash: payment_of(row) for row in self._of_nodes(tables.lightning_payment, hashes)}

    def chain(self, txids: Collection[str]) -> Mapping[str, ChainSide]:
        """What the watch list knows of transactions, by their ids."""
        found: dict[str, ChainSide] = {}
        values = sorted(txids)
        for start in range(0, len(values), AT_ONCE):
            wanted = {"site": self.site, "txids": values[start : start + AT_ONCE]}
            for *entry, time in self.connection.execute(_WATCHED, wanted):
                transaction = WatchedTransaction(*entry)
                found[transaction.txid] = ChainSide(transaction, time)
        return {**found, **self._with_heights(found.values())}

    def _with_heights(self, sides: Iterable[ChainSide]) -> Mapping[str, ChainSide]:
        """Those of which the tip is known at which they were first seen."""
        confirmed = [
            (side, side.transaction.first_seen_at, side.transaction.block_height)
            for side in sides
            if side.transaction.first_seen_at is not None and side.transaction.block_height is not None
        ]
        if not confirmed:
            return {}
        row = tables.block.c
        lowest = min(height or 0 for _, _, height in confirmed) - LONGEST_WAIT
        query = select(row.height, row.seen_at).where(row.site == self.site, row.height >= lowest)
        blocks = sorted((seen_at, height) for height, seen_at in self.connection.execute(query))
        found = {}
        for side, seen_at, _ in confirmed:
            before = bisect_right(blocks, (seen_at or 0.0, inf))
            if before:
                found[side.transaction.txid] = replace(side, seen_height=max(height for _, height in blocks[:before]))
        return found

    def _of_nodes(self, table: Table, hashes: Collection[str]) -> Iterator[Row[Any]]:
        if not hashes:
            return
        nodes = self.connection.execute(_NODES, {"site": self.site}).scalars().all()
        values = sorted(hashes)
        for start in range(0, len(values), AT_ONCE):
            wanted = {"site": self.site, "nodes": nodes, "hashes": values[start : start + AT_ONCE]}
            yield from self.connection.execute(_of_nodes(table), wanted)


@cache
def _of_nodes(table: Table) -> Select[Any]:
    row = table.c
    of_nodes = row.source.in_(bindparam("nodes", expanding=True))
    hashes = row.payment_hash.in_(bindparam("hashes", expanding=True))
    return select(table).where(row.site == bindparam("site"), of_nodes, hashes).order_by(row.source)


def _grouped(rows: Iterable[Mapping[str, Any]]) -> Rows:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["invoice"]].append(row)
    return found


def _received(row: Row[Any]) -> LightningInvoice:
    """Of what was received before birth hash, time and amount are kept; nothing else of it is known."""
    return LightningInvoice(
        payment_hash=row.payment_hash,
        add_index=0,
        settle_index=0,
        state=InvoiceState.SETTLED,
        value_msat=Msat(row.paid_msat),
        paid_msat=Msat(row.paid_msat),
        created_at=row.settled_at,
        expires_at=row.settled_at,
        final_at=row.settled_at,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(),
    )

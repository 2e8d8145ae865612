"""Stories of invoices: what every table knows of each, joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lnwatch.model.lightning import InvoiceState, LightningPayment
from lnwatch.model.merchant import BtcpayInvoice, InvoiceStatus, Payment, PaymentStatus, WebhookDelivery, WebhookEvent
from lnwatch.model.order import ChainSide, InvoiceStory, KnownPayment, NodeInvoice, Refund
from lnwatch.store.orders import milestones
from lnwatch.store.orders.invoice_rows import invoice_of, methods_of, payment_of, replaced_of
from lnwatch.store.orders.joins import Rows, Shop

_RECEIVED = frozenset({"InvoiceReceivedPayment", "InvoicePaymentSettled"})

_Row = Mapping[str, Any]


def stories(shop: Shop, rows: Sequence[_Row]) -> tuple[InvoiceStory, ...]:
    """The stories of these invoices of one store, in their order."""
    if not rows:
        return ()
    names = {row["id"] for row in rows}
    paid = shop.payments(names)
    read = {row["id"]: _read(row, paid.get(row["id"], ())) for row in rows}
    hooks = shop.hooks(names)
    refunds = shop.refunds(names, hooks)
    payouts = [payout for of in refunds.values() for refund in of for payout in refund.payouts]
    hashes = _paid(paid, "payment_hash").union(*(_hashes(row, read[row["id"]][0]) for row in rows))
    txids = _paid(paid, "txid") | {payout.txid for payout in payouts if payout.txid is not None}
    joined = _Joined(
        paid=paid,
        hooks=hooks,
        deliveries=shop.deliveries(names),
        refunds=refunds,
        node=shop.node(hashes),
        chain=shop.chain(txids),
        sent=shop.sent({payout.payment_hash for payout in payouts if payout.payment_hash is not None}),
        gone=shop.gone(names),
    )
    return tuple(joined.story(row, *read[row["id"]]) for row in rows)


@dataclass(frozen=True, slots=True)
class _Joined:
    """What the tables know, by invoice, payment hash and transaction."""

    paid: Rows
    hooks: Mapping[str, Sequence[WebhookEvent]]
    deliveries: Mapping[str, Sequence[WebhookDelivery]]
    refunds: Mapping[str, tuple[Refund, ...]]
    node: Mapping[str, NodeInvoice]
    chain: Mapping[str, ChainSide]
    sent: Mapping[str, LightningPayment]
    gone: Mapping[str, float]

    def story(self, row: _Row, invoice: BtcpayInvoice, told: Sequence[Payment]) -> InvoiceStory:
        """Everything of one invoice, `told` the payments that its rows are."""
        name = row["id"]
        hooks, paid, refunds = self.hooks.get(name, ()), self.paid.get(name, ()), self.refunds.get(name, ())
        seen = milestones.seen_states(row["states"])
        payments = tuple(self._payment(row, each, payment, hooks) for each, payment in zip(paid, told, strict=True))
        hashes = _hashes(row, invoice) | {each["payment_hash"] for each in paid}
        return InvoiceStory(
            invoice=invoice,
            source=row["source"],
            history=not row["live"],
            first_seen_at=milestones.first_seen_at(seen, hooks),
            settled_seen_at=milestones.settled_at(seen, hooks),
            ended_seen_at=milestones.ended_at(seen, hooks),
            regressed_at=milestones.regressed_at(seen, (each["invalid_at"] for each in paid)),
            gone_at=self._gone_at(row),
            mark=milestones.mark_of(seen, hooks),
            payments=payments,
            hooks=tuple(hooks),
            node={name: self.node[name] for name in sorted(hashes & self.node.keys())},
            chain={name: self.chain[name] for name in sorted({each["txid"] for each in paid} & self.chain.keys())},
            refunds=refunds,
            repaid=self._repaid(refunds),
            deliveries=tuple(self.deliveries.get(name, ())),
            waited=any(each.status is InvoiceStatus.PROCESSING for each in seen),
        )

    def _gone_at(self, row: _Row) -> float | None:
        at = self.gone.get(row["id"])
        return at if at is not None and at >= row["seen_at"] else None

    def _payment(self, row: _Row, paid: _Row, payment: Payment, hooks: Sequence[WebhookEvent]) -> KnownPayment:
        told = [
            hook.at
            for hook in hooks
            if hook.type in _RECEIVED and hook.payment is not None and hook.payment.id == payment.id
        ]
        named = row["methods_at"] is not None and paid["told_at"] >= row["methods_at"]
        return KnownPayment(
            payment=payment,
            accounted=named and payment.status is not PaymentStatus.INVALID,
            seen_at=min([paid["first_at"], *map(float, told)]),
            received_at=self._received_at(payment, min(told, default=None)),
        )

    def _received_at(self, payment: Payment, told_at: int | None) -> float:
        """BTCPay's own time where it can be trusted, else the webhook's, the node's or the chain's."""
        if not payment.received_at_doubtful:
            return float(payment.received_at)
        if told_at is not None:
            return float(told_at)
        node = self.node.get(payment.payment_hash or "")
        if node is not None and node.invoice.state is InvoiceState.SETTLED and node.invoice.final_at is not None:
            return float(node.invoice.final_at)
        side = self.chain.get(payment.txid or "")
        if side is not None and (at := side.transaction.first_seen_at or side.confirmed_at) is not None:
            return float(at)
        return float(payment.received_at)

    def _repaid(self, refunds: Sequence[Refund]) -> Mapping[str, LightningPayment | ChainSide]:
        found: dict[str, LightningPayment | ChainSide] = {}
        for payout in (payout for refund in refunds for payout in refund.payouts):
            if payout.payment_hash is not None and payout.payment_hash in self.sent:
                found[payout.payment_hash] = self.sent[payout.payment_hash]
            if payout.txid is not None and payout.txid in self.chain:
                found[payout.txid] = self.chain[payout.txid]
        return found


def _read(row: _Row, paid: Sequence[_Row]) -> tuple[BtcpayInvoice, Sequence[Payment]]:
    """The invoice with the payments that the newest answer named; and all of its payments, in the order of the rows."""
    at, methods = row["methods_at"], methods_of(row)
    payments = [payment_of(each, methods) for each in paid]
    told = zip(paid, payments, strict=True)
    named = [(each["method_id"], payment) for each, payment in told if at is not None and each["told_at"] >= at]
    return invoice_of(row, methods, named), payments


def _hashes(row: _Row, invoice: BtcpayInvoice) -> set[str]:
    """Those of every BOLT11 that was ever offered for the invoice."""
    offered = {method.payment_hash for method in invoice.methods or () if method.payment_hash is not None}
    return offered | replaced_of(row)


def _paid(paid: Rows, column: str) -> set[str]:
    return {each[column] for of in paid.values() for each in of if each[column] is not None}

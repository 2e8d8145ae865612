"""Invoices and their payments as rows, and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lnwatch.model.merchant import (
    LIGHTNING_METHODS,
    OPEN_STATUSES,
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    InvoiceType,
    Method,
    OfferedMethod,
    Payment,
    PaymentStatus,
)
from lnwatch.model.money import MSAT_PER_BTC, Msat
from lnwatch.store.columns import storable
from lnwatch.store.orders.values import ONE_INVOICE, ONE_ORDER, REQUESTED
from lnwatch.store.upsert import Row

State = tuple[float, str, str, str | None]  # time seen, status, additional status, paid

Methods = Sequence[Sequence[Any]]  # as `_method_values` puts each down

_BITCOIN = "BTC"
_NONE: frozenset[str] = frozenset()
_DESTINATION, _HASH = 4, 11  # their places among the values of a method
_compact = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make one each time


def group_key(invoice: BtcpayInvoice) -> str:
    """Which invoices may be one order with this one; each instalment of a payment request is an order by itself."""
    shared = invoice.order_id
    if not shared or shared.startswith(REQUESTED) or invoice.payment_request_id is not None:
        return ONE_INVOICE + storable(invoice.id)
    return ONE_ORDER + storable(shared)


def newest_state(invoice: BtcpayInvoice, source: str) -> Row:
    """What a row takes from the newest answer, whether or not it named the methods."""
    return {
        "source": source,
        "group_key": group_key(invoice),
        "status": invoice.status.value,
        "additional": invoice.additional.value,
        "type": invoice.type.value,
        "currency": invoice.currency,
        "amount": str(invoice.amount),
        "paid": _text(invoice.paid),
        "created_at": invoice.created_at,
        "expires_at": invoice.expires_at,
        "monitored_until": invoice.monitored_until,
        "archived": invoice.archived,
        "order_id": invoice.order_id,
        "item_code": invoice.item_code,
        "payment_request_id": invoice.payment_request_id,
        "speed_policy": invoice.speed_policy,
        "tolerance_percent": str(invoice.tolerance_percent),
        "offered": _dumped(invoice.offered),
        "unknown_words": _dumped(invoice.unknown_words),
        "seen_at": invoice.seen_at,
        "open": invoice.status in OPEN_STATUSES,
    }


def newest_methods(invoice: BtcpayInvoice) -> Row:
    """What a row takes from the newest answer that named the methods."""
    methods = invoice.methods or ()
    return {
        "methods": _compact([_method_values(method) for method in methods]),
        "methods_at": invoice.seen_at,
        "accounted_only": invoice.accounted_only,
        "due_msat": _due_over_lightning(methods),
    }


def with_replaced(row: Row, before: Row | None, invoice: BtcpayInvoice) -> str | None:
    """The payment hashes that were offered once and that the newest answer of `row` names no more.

    BTCPay makes another BOLT11 when the sum changes, after a payment in part, say; the one before may still be paid.
    """
    if before is None or before["methods"] is None:
        return None
    told = {method.payment_hash for method in invoice.methods or ()}
    offered = told | replaced_of(before) | _hashes_of(before["methods"])
    replaced = sorted(each for each in offered - _hashes_of(row["methods"]) if each is not None)
    return json.dumps(replaced) if replaced else None


def replaced_of(row: Mapping[str, Any]) -> frozenset[str]:
    """The payment hashes that its invoice carried before those that it carries now."""
    return frozenset(json.loads(row["replaced"])) if row["replaced"] else _NONE


def _hashes_of(methods: str) -> set[str | None]:
    return {values[_HASH] for values in json.loads(methods)}


def state_of(invoice: BtcpayInvoice) -> State:
    """The state in which it was seen."""
    return invoice.seen_at, invoice.status.value, invoice.additional.value, _text(invoice.paid)


def methods_of(row: Mapping[str, Any]) -> Methods:
    """The methods of a row, as they are stored."""
    found: Methods = json.loads(row["methods"] or "[]")
    return found


def invoice_of(row: Mapping[str, Any], methods: Methods, payments: Iterable[tuple[str, Payment]]) -> BtcpayInvoice:
    """The invoice of a row; `payments` are those that the newest answer named, by BTCPay's id of the method."""
    paid: dict[str, list[Payment]] = {}
    for method_id, payment in payments:
        paid.setdefault(method_id, []).append(payment)
    return BtcpayInvoice(
        store=row["store"],
        id=row["id"],
        status=InvoiceStatus(row["status"]),
        additional=AdditionalStatus(row["additional"]),
        type=InvoiceType(row["type"]),
        currency=row["currency"],
        amount=Decimal(row["amount"]),
        paid=_number(row["paid"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        monitored_until=row["monitored_until"],
        archived=row["archived"],
        order_id=row["order_id"],
        item_code=row["item_code"],
        payment_request_id=row["payment_request_id"],
        speed_policy=row["speed_policy"],
        tolerance_percent=Decimal(row["tolerance_percent"]),
        offered=_loaded(row["offered"]),
        methods=tuple(_method(values, paid.get(values[0], ())) for values in methods),
        accounted_only=row["accounted_only"],
        unknown_words=_loaded(row["unknown_words"]),
        seen_at=row["seen_at"],
    )


def payment_values(payment: Payment, method: OfferedMethod) -> Row:
    """What a row takes from the newest answer that named the payment, which was made with that method."""
    same = (payment.payment_hash, payment.destination) == (method.payment_hash, method.destination)
    return {
        "method_id": method.id,
        "method": payment.method.value,
        "status": payment.status.value,
        "value": str(payment.value),
        "fee": str(payment.fee),
        "value_msat": payment.value_msat,
        "received_at": payment.received_at,
        "received_at_doubtful": payment.received_at_doubtful,
        # A BOLT11 invoice is long, and stands beside its method already; the hash says which it is.
        "destination": None if same and payment.payment_hash is not None else payment.destination,
        "txid": payment.txid,
        "output": payment.output,
        "payment_hash": payment.payment_hash,
    }


def payment_of(row: Mapping[str, Any], methods: Methods) -> Payment:
    """The payment that a row is, on an invoice with these methods."""
    destination = row["destination"]
    if destination is None:
        destination = next((each[_DESTINATION] for each in methods if each[_HASH] == row["payment_hash"]), "")
    return Payment(
        id=row["id"],
        method=Method(row["method"]),
        status=PaymentStatus(row["status"]),
        value=Decimal(row["value"]),
        fee=Decimal(row["fee"]),
        value_msat=None if row["value_msat"] is None else Msat(row["value_msat"]),
        received_at=row["received_at"],
        received_at_doubtful=row["received_at_doubtful"],
        destination=destination,
        txid=row["txid"],
        output=row["output"],
        payment_hash=row["payment_hash"],
    )


def terms_of(invoice: BtcpayInvoice) -> set[str]:
    """What leads to the invoice besides its ids: payment hashes, transaction ids, addresses."""
    terms: set[str | None] = set()
    for method in invoice.methods or ():
        terms.add(method.payment_hash)
        if method.method is Method.CHAIN:
            terms.add(method.destination)
        for payment in method.payments:
            terms.add(payment.payment_hash)
            terms.add(payment.txid)
            if payment.method is Method.CHAIN:
                terms.add(payment.destination)
    return {term for term in terms if term}


def _due_over_lightning(methods: Sequence[OfferedMethod]) -> int | None:
    due = [method.due for method in methods if method.method in LIGHTNING_METHODS and method.currency == _BITCOIN]
    return max(0, int(min(due) * MSAT_PER_BTC)) if due else None


def _method_values(method: OfferedMethod) -> list[object]:
    return [
        method.id,
        method.method.value,
        method.currency,
        method.activated,
        method.destination,
        _text(method.rate),
        str(method.amount),
        str(method.due),
        str(method.total_paid),
        str(method.paid),
        str(method.fee),
        method.payment_hash,
        method.node,
    ]


def _method(values: Sequence[Any], payments: Sequence[Payment]) -> OfferedMethod:
    name, method, currency, activated, destination, rate, amount, due, total_paid, paid, fee, payment_hash, node = (
        values
    )
    return OfferedMethod(
        id=name,
        method=Method(method),
        currency=currency,
        activated=activated,
        destination=destination,
        rate=_number(rate),
        amount=Decimal(amount),
        due=Decimal(due),
        total_paid=Decimal(total_paid),
        paid=Decimal(paid),
        fee=Decimal(fee),
        payment_hash=payment_hash,
        node=node,
        payments=tuple(payments),
    )


@lru_cache(maxsize=1_000)
def _dumped(words: tuple[str, ...]) -> str:
    return json.dumps(words)


@lru_cache(maxsize=1_000)
def _loaded(stored: str) -> tuple[str, ...]:
    return tuple(json.loads(stored))


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

"""An invoice as BTCPay tells it, made into ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    InvoiceType,
    Method,
    OfferedMethod,
    Payment,
    PaymentStatus,
    method_of,
)
from lnwatch.sources.btcpay import words
from lnwatch.sources.btcpay.amounts import BITCOIN, msat_of_bitcoin
from lnwatch.sources.btcpay.answers import InvoiceAnswer, MethodAnswer, PaymentAnswer
from lnwatch.sources.btcpay.words import Unknown
from lnwatch.sources.btcpay.zone import HostZone

_ZERO = Decimal(0)
_IN_TIME = frozenset({AdditionalStatus.NONE, AdditionalStatus.PAID_OVER})
_HASH = 64  # hexadecimal digits of a transaction id or a payment hash

_Doubtful = Callable[[PaymentAnswer], bool]


@dataclass(frozen=True, slots=True)
class Sight:
    """When and where from an answer was seen; `offset` is what is left between `at` and BTCPay's clock, in seconds."""

    store: str
    at: float
    offset: float
    zone: HostZone

    @property
    def there(self) -> float:
        """The moment by BTCPay's clock."""
        return self.at + self.offset


def read_invoice(
    answer: InvoiceAnswer, sight: Sight, *, methods: Sequence[MethodAnswer] | None, accounted_only: bool
) -> BtcpayInvoice:
    """The invoice as it stood; `methods` None where they were not asked for."""
    unknown = Unknown()
    status = unknown.look_up(words.STATUS, "status", answer.status, InvoiceStatus.UNKNOWN)
    additional = unknown.look_up(
        words.ADDITIONAL, "additional status", answer.additional_status or "None", AdditionalStatus.UNKNOWN
    )
    kind = unknown.look_up(words.TYPE, "type", answer.type, InvoiceType.UNKNOWN)
    latest = _latest(answer, status, additional, sight)
    offered = None if methods is None else _methods(methods, answer.created_time, latest, sight, unknown)
    return BtcpayInvoice(
        store=sight.store,
        id=answer.id,
        status=status,
        additional=additional,
        type=kind,
        currency=answer.currency,
        amount=answer.amount if answer.amount is not None else _ZERO,
        paid=answer.paid_amount,
        created_at=answer.created_time,
        expires_at=answer.expiration_time,
        monitored_until=answer.monitoring_expiration,
        archived=answer.archived,
        order_id=answer.metadata.order_id,
        item_code=answer.metadata.item_code,
        payment_request_id=answer.metadata.payment_request_id,
        speed_policy=answer.checkout.speed_policy or "",
        tolerance_percent=answer.checkout.payment_tolerance or _ZERO,
        offered=_offered(answer, offered),
        methods=offered,
        accounted_only=accounted_only,
        unknown_words=unknown.words(),
        seen_at=sight.at,
    )


def given_methods(answer: InvoiceAnswer) -> Sequence[MethodAnswer] | None:
    """The methods in a list's item. An empty list means that they were not told, unless there are none."""
    if answer.payment_methods:
        return answer.payment_methods
    return () if answer.checkout.payment_methods == () else None


def read_payment(answer: PaymentAnswer, method_id: str, currency: str, unknown: Unknown, *, doubtful: bool) -> Payment:
    """One payment; its id says what to look for on the chain or at the node."""
    method = method_of(method_id)
    txid, output = _outpoint(answer.id) if method is Method.CHAIN else (None, None)
    lightning = method in (Method.LIGHTNING, Method.LNURL)
    return Payment(
        id=answer.id,
        method=method,
        status=unknown.look_up(words.PAYMENT, "payment status", answer.status, PaymentStatus.UNKNOWN),
        value=answer.value,
        fee=answer.fee or _ZERO,
        value_msat=msat_of_bitcoin(answer.value) if currency == BITCOIN else None,
        received_at=answer.received_date,
        received_at_doubtful=doubtful,
        destination=answer.destination or "",
        txid=txid,
        output=output,
        payment_hash=answer.id if lightning and len(answer.id) == _HASH else None,
    )


def _latest(answer: InvoiceAnswer, status: InvoiceStatus, additional: AdditionalStatus, sight: Sight) -> float:
    """When the first payment was received at the latest: had it come after expiry, BTCPay would say so."""
    in_time = status in (InvoiceStatus.SETTLED, InvoiceStatus.PROCESSING) and additional in _IN_TIME
    return min(sight.there, answer.expiration_time) if in_time else sight.there


def _methods(
    answers: Sequence[MethodAnswer], created: int, latest: float, sight: Sight, unknown: Unknown
) -> tuple[OfferedMethod, ...]:
    accounted = [
        payment.received_date for answer in answers for payment in answer.payments if payment.status != "Invalid"
    ]
    first = min(accounted, default=None)

    def doubtful(payment: PaymentAnswer) -> bool:
        until = latest if payment.received_date == first else sight.there
        return sight.zone.weigh(payment.received_date, created, until)

    return tuple(_method(answer, doubtful, unknown) for answer in answers)


def _method(answer: MethodAnswer, doubtful: _Doubtful, unknown: Unknown) -> OfferedMethod:
    method = method_of(answer.payment_method_id)
    extra = answer.additional_data
    lightning = method in (Method.LIGHTNING, Method.LNURL)
    return OfferedMethod(
        id=answer.payment_method_id,
        method=method,
        currency=answer.currency,
        activated=answer.activated,
        destination=answer.destination or "",
        rate=answer.rate,
        amount=answer.amount or _ZERO,
        due=answer.due or _ZERO,
        total_paid=answer.total_paid or _ZERO,
        paid=answer.payment_method_paid or _ZERO,
        fee=answer.payment_method_fee or _ZERO,
        payment_hash=extra.payment_hash if lightning else None,
        node=extra.node_info.partition("@")[0] or None if lightning and extra.node_info else None,
        payments=tuple(
            read_payment(payment, answer.payment_method_id, answer.currency, unknown, doubtful=doubtful(payment))
            for payment in answer.payments
        ),
    )


def _offered(answer: InvoiceAnswer, methods: tuple[OfferedMethod, ...] | None) -> tuple[str, ...]:
    if answer.checkout.payment_methods is not None:
        return answer.checkout.payment_methods
    return tuple(method.id for method in methods or ())


def _outpoint(payment_id: str) -> tuple[str | None, int | None]:
    """Transaction and output of `TXID-VOUT`."""
    txid, dash, output = payment_id.rpartition("-")
    if dash and len(txid) == _HASH and output.isascii() and output.isdigit() and len(output) < 10:
        return txid, int(output)
    return None, None

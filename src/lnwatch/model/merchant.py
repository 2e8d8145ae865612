"""What happened to a merchant's money as BTCPay Server tells it: invoices, payments, payouts, refunds, webhooks.

Amounts of money are Decimals in the currency that stands beside them; `_msat` are whole millisatoshis.
Times (`_at`) are seconds since the epoch: BTCPay's own clock where they are whole, ours where they are
floats, put right by what BTCPay's is away from it. `seen_at` is when BTCPay gave the answer that a value was
made of: of two values with one natural id, the one seen later is the truth. `store` is always the slug of the
configuration, never BTCPay's id.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from lnwatch.model.money import Msat

# A pull payment's id opens its claim page to whoever holds it. Its digest joins as well and opens nothing.
PullPaymentKey = NewType("PullPaymentKey", str)


def pull_payment_key(pull_payment_id: str) -> PullPaymentKey:
    """What lnwatch calls a pull payment: the same for the same id, and no way back to it."""
    return PullPaymentKey(hashlib.sha256(pull_payment_id.encode()).hexdigest()[:32])


class Method(StrEnum):
    """How a payment is made. Ids of before 2.0 are counted under their successors.

    `btc-ln` and `btc-lnurl` are both Lightning; what lnwatch has no name for (altcoins, plugins) is `other`.
    """

    LIGHTNING = "btc-ln"
    LNURL = "btc-lnurl"
    CHAIN = "btc-chain"
    OTHER = "other"


LIGHTNING_METHODS = frozenset({Method.LIGHTNING, Method.LNURL})


class InvoiceStatus(StrEnum):
    """The status of a BTCPay invoice; `unknown` is one of a newer version, named in `unknown_words`."""

    NEW = "new"
    PROCESSING = "processing"
    SETTLED = "settled"
    EXPIRED = "expired"
    INVALID = "invalid"
    UNKNOWN = "unknown"


OPEN_STATUSES = frozenset({InvoiceStatus.NEW, InvoiceStatus.PROCESSING, InvoiceStatus.UNKNOWN})


class AdditionalStatus(StrEnum):
    """What BTCPay adds to the status. A mark by hand replaces whatever stood here before."""

    NONE = "none"
    PAID_PARTIAL = "paid_partial"
    PAID_LATE = "paid_late"
    PAID_OVER = "paid_over"
    MARKED = "marked"
    UNKNOWN = "unknown"


class PaymentStatus(StrEnum):
    """The state of one payment; `invalid` was replaced or double-spent."""

    PROCESSING = "processing"
    SETTLED = "settled"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class InvoiceType(StrEnum):
    """A top-up has no price of its own: its first payment sets it, and `amount` stays 0 until then."""

    STANDARD = "standard"
    TOP_UP = "top_up"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment on an invoice; `id` is the natural id: `TXID-VOUT` on the chain, a payment hash on Lightning.

    `value` is gross, `fee` the merchant's own payment-method fee in it, both in the method's currency;
    `value_msat` None where that is not bitcoin. One of `txid` (with `output`) and `payment_hash` is set for a
    bitcoin payment. `received_at` is as BTCPay says, shifted on a host outside UTC: where
    `received_at_doubtful`, take the time from the webhook, the node or the chain instead.
    """

    id: str
    method: Method
    status: PaymentStatus
    value: Decimal
    fee: Decimal
    value_msat: Msat | None
    received_at: int
    received_at_doubtful: bool
    destination: str
    txid: str | None
    output: int | None
    payment_hash: str | None


@dataclass(frozen=True, slots=True)
class OfferedMethod:
    """A payment method of an invoice, and what was paid with it.

    `id` is BTCPay's own (`BTC-CHAIN`). `rate` is the invoice's currency per coin, locked when the invoice was
    made. `amount`, `due`, `total_paid` (with all methods), `paid` (with this one) and `fee` are in `currency`;
    `due` is negative when overpaid. `payment_hash` and `node` (a public key) are of Lightning alone. A method
    that is not `activated` is lazy: it has no destination yet.
    """

    id: str
    method: Method
    currency: str
    activated: bool
    destination: str
    rate: Decimal | None
    amount: Decimal
    due: Decimal
    total_paid: Decimal
    paid: Decimal
    fee: Decimal
    payment_hash: str | None
    node: str | None
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class BtcpayInvoice:
    """Event: an invoice as it stood at `seen_at`; the natural id is (store, id).

    `amount` is the price (0 for an unpaid top-up), `paid` what BTCPay credits, net of method fees and rounded
    to the currency, None before 2.1.2: compare a top-up's two with care, and the gross sum of a method's
    payments where it matters. `expires_at` and `monitored_until` end the life of a New and of a Processing one.

    `offered` are BTCPay's ids of the methods that the invoice really carries. `methods` is None where this
    answer did not say (then what was known before holds), else complete. Where `accounted_only`, replaced
    payments are left out of it: one that was known and is missing is no longer accounted.

    `unknown_words` are statuses and states of a newer version than lnwatch knows, as it wrote them. Of the
    merchant's metadata only the three ids are kept.
    """

    store: str
    id: str
    status: InvoiceStatus
    additional: AdditionalStatus
    type: InvoiceType
    currency: str
    amount: Decimal
    paid: Decimal | None
    created_at: int
    expires_at: int
    monitored_until: int
    archived: bool
    order_id: str | None
    item_code: str | None
    payment_request_id: str | None
    speed_policy: str
    tolerance_percent: Decimal
    offered: tuple[str, ...]
    methods: tuple[OfferedMethod, ...] | None
    accounted_only: bool
    unknown_words: tuple[str, ...]
    seen_at: float

    @property
    def payments(self) -> tuple[Payment, ...]:
        """All payments, method by method; empty also where this answer did not say."""
        return tuple(payment for method in self.methods or () for payment in method.payments)

    @property
    def offered_methods(self) -> frozenset[Method]:
        """What the invoice carries, in lnwatch's own words."""
        return frozenset(method_of(name) for name in self.offered)


_METHODS = {
    "BTC-CHAIN": Method.CHAIN,
    "BTC": Method.CHAIN,
    "BTC-ONCHAIN": Method.CHAIN,
    "BTC-LN": Method.LIGHTNING,
    "BTC-LIGHTNINGNETWORK": Method.LIGHTNING,
    "BTC_LIGHTNINGLIKE": Method.LIGHTNING,
    "BTC-OFFCHAIN": Method.LIGHTNING,
    "BTC-LNURL": Method.LNURL,
    "BTC-LNURLPAY": Method.LNURL,
    "BTC_LNURLPAY": Method.LNURL,
}


def method_of(btcpay_id: str) -> Method:
    """The method that BTCPay's id names, those of before 2.0 too."""
    return _METHODS.get(btcpay_id.upper(), Method.OTHER)


@dataclass(frozen=True, slots=True)
class InvoiceGone:
    """Event: an invoice that BTCPay listed and now denies, while the key may read the store's others.

    BTCPay answers 403 for what does not exist; what is known of the invoice stays.
    """

    store: str
    id: str
    seen_at: float


class PayoutState(StrEnum):
    """The life of a payout; BTCPay cancels only from the first two."""

    AWAITING_APPROVAL = "awaiting_approval"
    AWAITING_PAYMENT = "awaiting_payment"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


PAYOUT_FINAL = frozenset({PayoutState.COMPLETED, PayoutState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Payout:
    """Event: money that goes out, as it stood at `seen_at`; the natural id is (store, id).

    `asked` in `asked_currency` is what was claimed; `amount` in `currency` what is sent, None before approval,
    with `amount_msat` where that is bitcoin. `pull_payment` None: made without a claim link. Once sent,
    `txid` or `payment_hash` is the proof. `destination` is an address or BOLT11, empty for anything that names
    a person. A payout of an archived pull payment vanishes from BTCPay's list: the last state known holds.
    """

    store: str
    id: str
    pull_payment: PullPaymentKey | None
    state: PayoutState
    method: Method
    asked: Decimal
    asked_currency: str
    amount: Decimal | None
    currency: str
    amount_msat: Msat | None
    created_at: int
    revision: int
    destination: str
    txid: str | None
    payment_hash: str | None
    seen_at: float


@dataclass(frozen=True, slots=True)
class PullPayment:
    """Event: a claim link as it stood at `seen_at`; the natural id is (store, key). No money moved by itself.

    `refund_of` is the invoice that its name speaks of: BTCPay names a refund "Refund INVOICE", people may
    rename it. Only an invoice that exists makes it a refund; an InvoiceRefund webhook proves it.
    """

    store: str
    key: PullPaymentKey
    refund_of: str | None
    amount: Decimal
    currency: str
    starts_at: int
    expires_at: int | None
    archived: bool
    auto_approved: bool
    seen_at: float


class PaymentRequestStatus(StrEnum):
    """The status of a payment request."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Event: a request that may be paid in instalments, one invoice each; the natural id is (store, id)."""

    store: str
    id: str
    status: PaymentRequestStatus
    amount: Decimal
    currency: str
    created_at: int
    expires_at: int | None
    archived: bool
    seen_at: float


class DeliveryStatus(StrEnum):
    """What became of one try to deliver a webhook; `failed` had no HTTP answer at all."""

    SUCCESS = "success"
    HTTP_ERROR = "http_error"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """Event: what a webhook says, received or read back from BTCPay's list; a hint, never a proof.

    `at` is when it happened and stays the same over redeliveries; one happening is told once by
    `original_delivery_id`, and with two webhooks on one address twice: then (type, invoice, payment) is the
    same. `type` is BTCPay's own word, also one that lnwatch does not know. Flags are None where the type has
    none. `seen_at` is when it reached us.
    """

    store: str
    delivery_id: str
    original_delivery_id: str
    webhook_id: str
    redelivery: bool
    type: str
    at: int
    invoice_id: str | None
    order_id: str | None
    payment: Payment | None
    after_expiration: bool | None
    over_paid: bool | None
    partially_paid: bool | None
    manually_marked: bool | None
    payout_id: str | None
    payout_state: PayoutState | None
    pull_payment: PullPaymentKey | None
    payment_request_id: str | None
    seen_at: float


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """Event: one try of BTCPay to tell somebody; the natural id is (store, webhook_id, id).

    `listed_at` is the time that BTCPay lists it under (a retry's own), `delivered_at` when the try ended, None
    before 2.3.4. `event` is what was told, None where its body is gone (60 days) or was not read.
    """

    store: str
    webhook_id: str
    id: str
    status: DeliveryStatus
    listed_at: int
    delivered_at: int | None
    http_code: int | None
    event: WebhookEvent | None

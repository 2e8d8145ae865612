"""An order is one purchase: the invoices of one store that share an order id, up to its finality.

Amounts of money are Decimals in the order's currency; `_msat` are whole millisatoshis. Times (`_at`) are
seconds since the epoch by the clock of the system in which the thing happened, unless said otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lnwatch.model.chain import WatchedTransaction
from lnwatch.model.lightning import LightningInvoice, LightningPayment
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    Method,
    Payment,
    Payout,
    PullPayment,
    WebhookDelivery,
    WebhookEvent,
)
from lnwatch.model.money import Msat


class Rail(StrEnum):
    """What carried the payment that completed an order, or the evidence of a failed one."""

    LIGHTNING = "lightning"
    ONCHAIN = "onchain"
    NONE = "none"


class Outcome(StrEnum):
    """What became of an order. `open` until it is final; `excluded` is no business (zero amount, marked by hand)."""

    OPEN = "open"
    SETTLED = "settled"
    FAILED = "failed"
    UNPAYABLE = "unpayable"
    UNEXPLAINED = "unexplained"
    EXCLUDED = "excluded"


FINAL_OUTCOMES = tuple(outcome for outcome in Outcome if outcome is not Outcome.OPEN)


class Proof(StrEnum):
    """What kind of evidence stands behind a failed or unpayable order."""

    HTLC_FAILED = "htlc_failed"  # it reached our node and failed there
    PAID_AT_NODE = "paid_at_node"  # the node settled, BTCPay did not
    PAID_PARTIAL = "paid_partial"
    PAID_LATE = "paid_late"
    UNCONFIRMED = "unconfirmed"  # seen, and not confirmed while it counted
    REPLACED = "replaced"  # a payment of it was double-spent
    NOT_RECEIVABLE = "not_receivable"  # more than the node could receive for most of its life
    NODE_DOWN = "node_down"
    CHAIN_DOWN = "chain_down"
    METHOD_MISSING = "method_missing"
    PROBE_FAILED = "probe_failed"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to believe that an order failed for want of something other than the customer's wish.

    `source` is the slug of the source that tells it; `sentence` is for people and names the figures.
    """

    proof: Proof
    source: str
    invoice: str
    at: float
    rail: Rail
    sentence: str
    amount_msat: Msat | None = None


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment of an invoice as the ledger has it; `accounted` False: BTCPay leaves it out now (replaced).

    `seen_at` is when it was first told. `received_at` is right: on a host outside UTC it comes from the
    webhook, the node or the chain instead of from BTCPay.
    """

    payment: Payment
    accounted: bool
    seen_at: float
    received_at: float


@dataclass(frozen=True, slots=True)
class Mark:
    """What stood before an invoice was first marked by hand; `at` is when the mark was told or first seen."""

    at: float
    status: InvoiceStatus
    additional: AdditionalStatus
    paid: Decimal | None


@dataclass(frozen=True, slots=True)
class NodeInvoice:
    """The node's side of a Lightning payment: `node` is its slug."""

    node: str
    invoice: LightningInvoice


@dataclass(frozen=True, slots=True)
class ChainSide:
    """The chain's side of an on-chain payment: what the watch list knows of it, and when its block was made.

    `seen_height` is the height of the tip when it was first seen, None where no block of before is known.
    """

    transaction: WatchedTransaction
    confirmed_at: int | None
    seen_height: int | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A claim link made for an invoice, and the payouts claimed with it. Money left with a completed payout.

    `proven`: a webhook said so, else the link's name does.
    """

    pull_payment: PullPayment
    payouts: tuple[Payout, ...]
    proven: bool


@dataclass(frozen=True, slots=True)
class InvoiceStory:
    """Everything that the ledger knows of one invoice, joined over the systems that it crossed.

    `invoice` is the newest state, its `methods` what was last said (never None). `first_seen_at`,
    `settled_seen_at`, `ended_seen_at`, `regressed_at` are when a state was first told: when a poll saw it, or
    the webhook's own time, whichever is earlier; `ended` is Expired, Invalid or marked; `regressed` is
    Processing fallen back to New, or a payment made Invalid. `node` is keyed by payment hash, `chain` by txid.
    """

    invoice: BtcpayInvoice
    source: str
    history: bool
    first_seen_at: float
    settled_seen_at: float | None
    ended_seen_at: float | None
    regressed_at: float | None
    gone_at: float | None
    mark: Mark | None
    payments: tuple[KnownPayment, ...]
    hooks: tuple[WebhookEvent, ...]
    node: Mapping[str, NodeInvoice]
    chain: Mapping[str, ChainSide]
    refunds: tuple[Refund, ...]
    repaid: Mapping[str, LightningPayment | ChainSide]  # by the payment hash or txid of a payout's proof
    deliveries: tuple[WebhookDelivery, ...] = ()  # those whose event is about it; only where the key may list them
    waited: bool = False  # BTCPay was seen to wait for the chain: Lightning is never found Processing


class Leg(StrEnum):
    """A stretch of a payment's way whose time is measured."""

    ACCEPT_SETTLE = "accept_settle"
    SETTLE_BTCPAY = "settle_btcpay"
    BTCPAY_WEBHOOK = "btcpay_webhook"
    SEEN_CONFIRMED = "seen_confirmed"


@dataclass(frozen=True, slots=True)
class LegTime:
    """How long one leg took: `seconds`, and for `seen_confirmed` also in `blocks`. `at` is when it ended."""

    invoice: str
    leg: Leg
    rail: Rail
    at: float
    seconds: float
    blocks: int | None = None


class Trouble(StrEnum):
    """An exception on one payment; the value is the id of the rule that opens its case."""

    PAID_NOT_SETTLED = "paid_not_settled"
    PAID_LATE = "paid_late"
    PAID_PARTIAL = "paid_partial"
    PAID_OVER = "paid_over"
    PAID_TWICE = "paid_twice"
    INVOICE_REGRESSED = "invoice_regressed"


@dataclass(frozen=True, slots=True)
class PaymentException:
    """Something is wrong with the money of an invoice (`paid_twice`: of an order), and not yet put right.

    `subject` is `invoice:ID` or `order:STORE/ID`; `since` is when it went wrong. `credited` is what BTCPay
    counts, `gross` the value of what arrived, both in `currency`; `facts` are shown beside the case; `evidence`
    changes when the story does. What was put right is no exception any more.
    """

    trouble: Trouble
    store: str
    subject: str
    invoice: str
    order_id: str | None
    since: float
    currency: str
    due: Decimal
    credited: Decimal
    gross: Decimal
    sentence: str
    facts: Mapping[str, str]
    evidence: str


@dataclass(frozen=True, slots=True)
class InvoiceEnd:
    """What became of one invoice of a final order, by the same words as the order itself."""

    invoice: str
    rail: Rail
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Order:
    """One purchase. Its `id` is that of its first invoice; `order_id` is the shop's, None without one.

    `final_at` is when it became final by the sources' times, None while it is open; `sequence` its place in
    the finality sequence of its site, None before it is committed and for history. `outcome` is `open` until
    what is needed to tell was read. `paid` is what BTCPay credits and `due` what was asked, in `currency`; `paid_msat`
    what arrived. `methods` are those it was paid with, `offered` those that any of its invoices carried.
    `business` False: in no KPI. `refunded_at` is when money first went back. `asked_msat` is what was asked over
    Lightning, None without that method; `payments` is the method of each payment that counts, `ends` what became
    of each invoice, empty while the order is open.
    """

    store: str
    id: str
    order_id: str | None
    invoices: tuple[str, ...]
    created_at: int
    final_at: float | None
    outcome: Outcome
    rail: Rail
    methods: tuple[Method, ...]
    offered: tuple[Method, ...]
    currency: str
    due: Decimal
    paid: Decimal
    paid_msat: Msat
    settled_at: float | None
    refunded_at: float | None
    business: bool
    history: bool
    evidence: tuple[Evidence, ...]
    exceptions: tuple[PaymentException, ...]
    legs: tuple[LegTime, ...]
    parts: int = 0  # HTLCs that carried the settling Lightning payment; 0 where unknown
    sequence: int | None = None
    asked_msat: Msat | None = None
    payments: tuple[Method, ...] = ()
    ends: tuple[InvoiceEnd, ...] = ()

"""Invoices of the store `shop` as the ledger has them, made by hand: 10 EUR at 50,000 EUR a coin, so 20,000 sat.

`BEGIN` is when the first is made; an invoice lives 15 minutes and is watched for a day longer.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.model.chain import WatchedTransaction
from lnwatch.model.lightning import InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.model.merchant import (
    LIGHTNING_METHODS,
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    InvoiceType,
    Method,
    OfferedMethod,
    Payment,
    PaymentStatus,
    Payout,
    PayoutState,
    PullPayment,
    PullPaymentKey,
    WebhookEvent,
)
from lnwatch.model.money import Msat, msat
from lnwatch.model.order import ChainSide, InvoiceStory, KnownPayment, Mark, NodeInvoice, Refund

BEGIN = 1_795_000_000
LIFE = 900
RATE = Decimal(50_000)
NAMES = {Method.LIGHTNING: "BTC-LN", Method.LNURL: "BTC-LNURL", Method.CHAIN: "BTC-CHAIN"}
BOTH = (Method.LIGHTNING, Method.CHAIN)
NEW, PROCESSING, SETTLED, EXPIRED, INVALID = (
    InvoiceStatus.NEW,
    InvoiceStatus.PROCESSING,
    InvoiceStatus.SETTLED,
    InvoiceStatus.EXPIRED,
    InvoiceStatus.INVALID,
)
LN, CHAIN = Method.LIGHTNING, Method.CHAIN


def hash_of(name: str) -> str:
    """A payment hash or txid that is the same for the same name."""
    return name.encode().hex().ljust(64, "0")[:64]


def payment(method: Method = LN, euros: str = "10", at: float = 10, **changes: Any) -> KnownPayment:  # noqa: ANN401 - a table of fields
    """A payment that came `at` seconds after BEGIN and counts; its hash is made of its method and that moment."""
    hashed, value = hash_of(f"{method} {at:g}"), Decimal(euros) / RATE
    lightning = method in LIGHTNING_METHODS
    paid = Payment(
        id=hashed if lightning else f"{hashed}-0",
        method=method,
        status=PaymentStatus.SETTLED,
        value=value,
        fee=Decimal(0),
        value_msat=Msat(int(value * 10**11)),
        received_at=int(BEGIN + at),
        received_at_doubtful=False,
        destination="",
        txid=None if lightning else hashed,
        output=None if lightning else 0,
        payment_hash=hashed if lightning else None,
    )
    known = KnownPayment(replace(paid, **changes), accounted=True, seen_at=BEGIN + at, received_at=BEGIN + at)
    return replace(known, accounted=known.payment.status is not PaymentStatus.INVALID)


def offered(method: Method, invoice: str, euros: Decimal) -> OfferedMethod:
    """A method of an invoice that nobody used yet."""
    amount = euros / RATE
    hashed = hash_of(f"bolt11 {invoice}") if method is LN else None
    node = "02" + "aa" * 32 if method is LN else None
    zero = Decimal(0)
    return OfferedMethod(
        NAMES[method], method, "BTC", True, "", RATE, amount, amount, zero, zero, zero, hashed, node, ()
    )


def story(
    name: str = "a",
    status: InvoiceStatus = NEW,
    *payments: KnownPayment,
    made: float = 0,
    euros: str = "10",
    methods: tuple[Method, ...] = BOTH,
    of_story: dict[str, Any] | None = None,
    **changes: Any,  # noqa: ANN401 - fields of BtcpayInvoice
) -> InvoiceStory:
    """An invoice that was made `made` seconds after BEGIN. `of_story` replaces fields of the story."""
    created, price = int(BEGIN + made), Decimal(euros)
    credited = sum((Decimal(euros_of(known)) for known in payments if known.accounted), Decimal(0))
    usual = BtcpayInvoice(
        store="shop",
        id=name,
        status=status,
        additional=AdditionalStatus.NONE,
        type=InvoiceType.STANDARD,
        currency="EUR",
        amount=price,
        paid=credited.quantize(Decimal("0.01")),
        created_at=created,
        expires_at=created + LIFE,
        monitored_until=created + LIFE + 86_400,
        archived=False,
        order_id="order-1",
        item_code=None,
        payment_request_id=None,
        speed_policy="MediumSpeed",
        tolerance_percent=Decimal(0),
        offered=tuple(NAMES[method] for method in methods),
        methods=tuple(offered(method, name, price) for method in methods),
        accounted_only=False,
        unknown_words=(),
        seen_at=float(created + 1),
    )
    invoice = replace(usual, **changes)
    last = max((known.received_at for known in payments), default=float(created))
    ends = {EXPIRED: float(invoice.expires_at), INVALID: float(invoice.monitored_until)}
    whole = InvoiceStory(
        invoice=invoice,
        source="btcpay",
        history=False,
        first_seen_at=float(created),
        settled_seen_at=last + 2 if status is SETTLED else None,
        ended_seen_at=ends.get(status),
        regressed_at=None,
        gone_at=None,
        mark=None,
        payments=payments,
        hooks=(),
        node={},
        chain={},
        refunds=(),
        repaid={},
    )
    return replace(whole, **(of_story or {}))


def euros_of(known: KnownPayment) -> Decimal:
    """What a payment is worth less its fee."""
    return (known.payment.value - known.payment.fee) * RATE


def marked(
    before: InvoiceStatus = NEW,
    at: float = 60,
    paid: str = "0",
    additional: AdditionalStatus = AdditionalStatus.NONE,
) -> dict[str, Any]:
    """What `story` needs for an invoice that was marked by hand `at` seconds after BEGIN."""
    return {
        "additional": AdditionalStatus.MARKED,
        "of_story": {
            "mark": Mark(BEGIN + at, before, additional, Decimal(paid)),
            "ended_seen_at": BEGIN + at,
            "settled_seen_at": BEGIN + at,
        },
    }


def at_node(payment_hash: str, at: float = 10, euros: str = "10", **changes: Any) -> dict[str, NodeInvoice]:  # noqa: ANN401 - fields of LightningInvoice
    """The node's side of a payment that came in one part and was taken a second later."""
    moment, paid = int(BEGIN + at), Msat(int(Decimal(euros) / RATE * 10**11))
    invoice = LightningInvoice(
        payment_hash=payment_hash,
        add_index=1,
        settle_index=1,
        state=InvoiceState.SETTLED,
        value_msat=paid,
        paid_msat=paid,
        created_at=BEGIN,
        expires_at=BEGIN + LIFE,
        final_at=moment,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(InvoiceHtlc("800001x12x1", 1, paid, moment - 1, moment, settled=True, canceled=False),),
    )
    return {payment_hash: NodeInvoice("ln1", replace(invoice, **changes))}


def in_chain(known: KnownPayment, at: float | None, *, seen: float | None = None) -> dict[str, ChainSide]:
    """The chain's side of a payment: in a block `at` seconds after BEGIN, two blocks after it was first seen."""
    txid = known.payment.txid or ""
    first = None if seen is None else BEGIN + seen
    watched = WatchedTransaction(txid, known.seen_at, first, None if at is None else 902, None if at is None else "b")
    return {txid: ChainSide(watched, None if at is None else int(BEGIN + at), 900)}


def hook(
    type_: str,
    at: float,
    known: KnownPayment | None = None,
    invoice: str = "a",
    **changes: Any,  # noqa: ANN401 - fields of WebhookEvent
) -> WebhookEvent:
    """A webhook that tells of something `at` seconds after BEGIN."""
    name = f"{type_} {at:g}"
    usual = WebhookEvent(
        store="shop",
        delivery_id=name,
        original_delivery_id=name,
        webhook_id="hook",
        redelivery=False,
        type=type_,
        at=int(BEGIN + at),
        invoice_id=invoice,
        order_id="order-1",
        payment=known.payment if known is not None else None,
        after_expiration=None,
        over_paid=None,
        partially_paid=None,
        manually_marked=None,
        payout_id=None,
        payout_state=None,
        pull_payment=None,
        payment_request_id=None,
        seen_at=BEGIN + at + 0.1,
    )
    return replace(usual, **changes)


def refund(euros: str = "10", at: float = 3_600, state: PayoutState = PayoutState.COMPLETED, **changes: Any) -> Refund:  # noqa: ANN401 - fields of Payout
    """A refund link of invoice `a`, claimed over that many euros."""
    key = PullPaymentKey(f"pull {at:g}")
    link = PullPayment("shop", key, "a", Decimal(euros), "EUR", int(BEGIN + at), None, False, True, BEGIN + at)
    payout = Payout(
        store="shop",
        id=f"payout {at:g}",
        pull_payment=key,
        state=state,
        method=LN,
        asked=Decimal(euros),
        asked_currency="EUR",
        amount=Decimal(euros) / RATE,
        currency="BTC",
        amount_msat=msat(int(Decimal(euros) / RATE * 10**8)),
        created_at=int(BEGIN + at),
        revision=1,
        destination="",
        txid=None,
        payment_hash=hash_of(f"payout {at:g}"),
        seen_at=BEGIN + at + 5,
    )
    return Refund(link, (replace(payout, **changes),), proven=True)

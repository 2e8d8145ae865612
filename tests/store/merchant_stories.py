"""What BTCPay tells, with everything that a test does not care about filled in, and orders made of it."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    DeliveryStatus,
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
    WebhookDelivery,
    WebhookEvent,
)
from lnwatch.model.money import Msat
from lnwatch.model.order import Order, Outcome, Rail
from lnwatch.model.snapshot import Event
from lnwatch.model.tally import Contribution, Share
from lnwatch.store import Entry, Gathered, Group, GroupChange, Kept, Ledger
from tests.store.stories import BORN, NOW, SITE, birth, entry

SHOP, BTCPAY = "shop", "btcpay"
MADE = NOW - 600
HASH, TXID, ADDRESS = "a1" * 32, "b2" * 32, "bcrt1qcustomer"


def birth_of_shop(at: float = BORN) -> Entry:
    """The first good cycle of the BTCPay Server."""
    return replace(birth(at, source=BTCPAY), lightning=False)


def told(*events: Event, at: float = NOW, **more: Any) -> Entry:  # noqa: ANN401 - a table of fields
    """A reading of the BTCPay Server."""
    return replace(entry(*events, at=at, source=BTCPAY, collector="invoices_shop", **more), lightning=False)


def lightning(*payments: Payment, payment_hash: str = HASH, **more: Any) -> OfferedMethod:  # noqa: ANN401 - a table of fields
    method = OfferedMethod(
        id="BTC-LN",
        method=Method.LIGHTNING,
        currency="BTC",
        activated=True,
        destination="lnbcrt200u1pinvoice",
        rate=Decimal(50_000),
        amount=Decimal("0.0002"),
        due=Decimal("0.0002"),
        total_paid=Decimal(0),
        paid=Decimal(0),
        fee=Decimal(0),
        payment_hash=payment_hash,
        node="02" + "ab" * 32,
        payments=payments,
    )
    return replace(method, **more)


def onchain(*payments: Payment, **more: Any) -> OfferedMethod:  # noqa: ANN401 - a table of fields
    method = replace(lightning(*payments), id="BTC-CHAIN", method=Method.CHAIN, destination=ADDRESS)
    return replace(method, payment_hash=None, node=None, **more)


def paid_over_lightning(payment_hash: str = HASH, **more: Any) -> Payment:  # noqa: ANN401 - a table of fields
    payment = Payment(
        id=payment_hash,
        method=Method.LIGHTNING,
        status=PaymentStatus.SETTLED,
        value=Decimal("0.0002"),
        fee=Decimal(0),
        value_msat=Msat(20_000_000),
        received_at=MADE + 40,
        received_at_doubtful=False,
        destination="lnbcrt200u1pinvoice",
        txid=None,
        output=None,
        payment_hash=payment_hash,
    )
    return replace(payment, **more)


def paid_onchain(status: PaymentStatus = PaymentStatus.PROCESSING, txid: str = TXID) -> Payment:
    payment = paid_over_lightning(f"{txid}-1", method=Method.CHAIN, status=status, destination=ADDRESS)
    return replace(payment, txid=txid, output=1, payment_hash=None)


def shop_invoice(
    name: str = "i1",
    status: InvoiceStatus = InvoiceStatus.NEW,
    seen_at: float = MADE + 1.5,
    methods: Sequence[OfferedMethod] | None = (),
    **more: Any,  # noqa: ANN401 - a table of fields
) -> BtcpayInvoice:
    seen = BtcpayInvoice(
        store=SHOP,
        id=name,
        status=status,
        additional=AdditionalStatus.NONE,
        type=InvoiceType.STANDARD,
        currency="EUR",
        amount=Decimal("10.00"),
        paid=Decimal("10.00") if status is InvoiceStatus.SETTLED else Decimal(0),
        created_at=MADE,
        expires_at=MADE + 900,
        monitored_until=MADE + 87_300,
        archived=False,
        order_id=None,
        item_code=None,
        payment_request_id=None,
        speed_policy="MediumSpeed",
        tolerance_percent=Decimal(0),
        offered=("BTC-CHAIN", "BTC-LN"),
        methods=None if methods is None else tuple(methods),
        accounted_only=True,
        unknown_words=(),
        seen_at=seen_at,
    )
    return replace(seen, **more)


def hook(kind: str = "InvoiceSettled", at: int = MADE + 41, **more: Any) -> WebhookEvent:  # noqa: ANN401 - a table of fields
    name = f"{kind}-{at}"
    said = WebhookEvent(
        store=SHOP,
        delivery_id=name,
        original_delivery_id=name,
        webhook_id="w1",
        redelivery=False,
        type=kind,
        at=at,
        invoice_id="i1",
        order_id=None,
        payment=None,
        after_expiration=None,
        over_paid=None,
        partially_paid=None,
        manually_marked=None,
        payout_id=None,
        payout_state=None,
        pull_payment=None,
        payment_request_id=None,
        seen_at=at + 0.25,
    )
    return replace(said, **more)


def delivery(event: WebhookEvent | None, name: str = "d1") -> WebhookDelivery:
    return WebhookDelivery(SHOP, "w2", name, DeliveryStatus.SUCCESS, MADE + 41, MADE + 42, 200, event)


LINK = PullPaymentKey("11" * 16)


def refund_link(of: str | None = "i1", seen_at: float = NOW - 100.0, **more: Any) -> PullPayment:  # noqa: ANN401 - a table of fields
    link = PullPayment(
        store=SHOP,
        key=LINK,
        refund_of=of,
        amount=Decimal("10.00"),
        currency="EUR",
        starts_at=NOW - 200,
        expires_at=None,
        archived=False,
        auto_approved=True,
        seen_at=seen_at,
    )
    return replace(link, **more)


def payout(state: PayoutState = PayoutState.COMPLETED, seen_at: float = NOW - 50.0, **more: Any) -> Payout:  # noqa: ANN401 - a table of fields
    sent = Payout(
        store=SHOP,
        id="p1",
        pull_payment=LINK,
        state=state,
        method=Method.LIGHTNING,
        asked=Decimal("10.00"),
        asked_currency="EUR",
        amount=Decimal("0.0002"),
        currency="BTC",
        amount_msat=Msat(20_000_000),
        created_at=NOW - 90,
        revision=1,
        destination="",
        txid=None,
        payment_hash="c3" * 32,
        seen_at=seen_at,
    )
    return replace(sent, **more)


def group(key: str = "invoice:i1", site: str = SITE) -> Group:
    return Group(site, SHOP, key)


def kept(name: str = "i1", outcome: Outcome = Outcome.SETTLED, due_at: float | None = None, **more: Any) -> Kept:  # noqa: ANN401 - a table of fields
    """An order of one invoice, which adds one event of 5 msat to one series and moves one counter."""
    final = outcome is not Outcome.OPEN
    order = Order(
        store=SHOP,
        id=name,
        order_id=None,
        invoices=(name,),
        created_at=MADE,
        final_at=MADE + 40.5 if final else None,
        outcome=outcome,
        rail=Rail.LIGHTNING if outcome is Outcome.SETTLED else Rail.NONE,
        methods=(Method.LIGHTNING,),
        offered=(Method.LIGHTNING, Method.CHAIN),
        currency="EUR",
        due=Decimal("10.00"),
        paid=Decimal("10.00"),
        paid_msat=Msat(20_000_000),
        settled_at=MADE + 40.5 if outcome is Outcome.SETTLED else None,
        refunded_at=None,
        business=True,
        history=False,
        evidence=(),
        exceptions=(),
        legs=(),
    )
    order = replace(order, **more)
    return Kept(order, adds((f"order/{outcome}", order.created_at)), due_at)


def adds(*shares: tuple[str, float], later: Sequence[str] = ()) -> Contribution:
    """So many events of 5 msat, one counter `orders`, and `later` ones."""
    told = tuple(Share(f"store:{SHOP}", series, at, amount=5) for series, at in shares)
    return Contribution(told, {"orders": 1}, dict.fromkeys(later, 1))


async def take(ledger: Ledger, *groups: Group) -> tuple[Gathered, ...]:
    """What is stale, or these groups, gathered."""
    return await ledger.orders.gather(groups or await ledger.orders.stale(100))


async def settle(ledger: Ledger, gathered: Gathered, *orders: Kept, dropped: Sequence[str] = ()) -> int:
    """Bring back orders of what was gathered."""
    return await ledger.orders.commit([GroupChange(gathered.group, gathered.token, orders, tuple(dropped))])


async def clear(ledger: Ledger) -> None:
    """Everything that is stale was looked at, and stays as it is."""
    for each in await take(ledger):
        await settle(ledger, each, *each.kept)
    assert await ledger.orders.stale(9) == ()

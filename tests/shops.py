"""Hand-built facts of a BTCPay Server and its store `shop`, everything well, and what the ledger makes of them.

As in `assessments`, each builder takes what a test wants to be different.
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.model.btcpay import (
    BtcpayStatus,
    ChainSync,
    Doubt,
    Invoices,
    Payouts,
    Rate,
    Rates,
    Store,
    StoreBalance,
    StoreMethod,
    Unclaimed,
    Webhook,
    Webhooks,
)
from lnwatch.model.kpi import Demand
from lnwatch.model.merchant import DeliveryStatus, Method, Payout, PayoutState, WebhookDelivery
from lnwatch.model.money import msat
from lnwatch.model.order import Leg, LegTime, Order, Outcome, Rail
from lnwatch.model.snapshot import Facts
from lnwatch.model.view import OpenInvoice, ShopView
from tests.assessments import HEIGHT, NOW

STORE = "shop"
BOTH = (Method.LIGHTNING, Method.CHAIN)


def chain_sync(**changes: Any) -> ChainSync:  # noqa: ANN401 - a table of fields
    """An indexer at the tip."""
    return replace(ChainSync("BTC-CHAIN", True, HEIGHT, HEIGHT, HEIGHT, HEIGHT, Decimal(1)), **changes)


def btcpay_status(**changes: Any) -> BtcpayStatus:  # noqa: ANN401 - a table of fields
    """A server that sees the chain."""
    usual = BtcpayStatus(
        version="2.4.1",
        synchronized=True,
        indexer_answers=True,
        fully_synced=True,
        chains=(chain_sync(),),
        supported_methods=("BTC-CHAIN", "BTC-LN", "BTC-LNURL"),
        doubts=(Doubt("synchronized", "it repeats what it heard"),),
        rpc_seconds=0.01,
        clock_offset=0.25,
    )
    return replace(usual, **changes)


def store_settings(**changes: Any) -> Store:  # noqa: ANN401 - a table of fields
    """A store that takes both rails."""
    usual = Store(
        store=STORE,
        id="C8H1",
        archived=False,
        currency="EUR",
        expiration_seconds=900,
        monitoring_seconds=86_400,
        speed_policy="MediumSpeed",
        tolerance_percent=Decimal(0),
        network_fee_mode="MultiplePaymentsOnly",
        lazy_methods=False,
        limited_methods=(),
        methods=(
            StoreMethod("BTC-LN", Method.LIGHTNING, True),
            StoreMethod("BTC-CHAIN", Method.CHAIN, True),
            StoreMethod("BTC-LNURL", Method.LNURL, False),
        ),
    )
    return replace(usual, **changes)


def invoices(**changes: Any) -> Invoices:  # noqa: ANN401 - a table of fields
    """Read up to now; the newest invoice is a minute old and carries both rails."""
    return replace(Invoices(STORE, NOW, NOW - 600, 1, int(NOW) - 60, ("BTC-LN", "BTC-CHAIN"), 0), **changes)


def payout(index: int = 0, **changes: Any) -> Payout:  # noqa: ANN401 - a table of fields
    """A refund of 100,000 sat that is approved and waits to be paid over Lightning."""
    usual = Payout(
        store=STORE,
        id=f"payout{index}",
        pull_payment=None,
        state=PayoutState.AWAITING_PAYMENT,
        method=Method.LIGHTNING,
        asked=Decimal(50),
        asked_currency="EUR",
        amount=Decimal("0.001"),
        currency="BTC",
        amount_msat=msat(100_000),
        created_at=int(NOW) - 3_600,
        revision=1,
        destination="",
        txid=None,
        payment_hash=None,
        seen_at=NOW,
    )
    return replace(usual, **changes)


def payouts(*waiting: Payout, unclaimed: tuple[Unclaimed, ...] | None = ()) -> Payouts:
    """These are open, and nothing else is listed; `unclaimed` is what refund links still promise."""
    states = [each.state for each in waiting]
    return Payouts(STORE, waiting, tuple((state, states.count(state)) for state in PayoutState), unclaimed)


def rates(rate: str | None = "50000", currency: str = "EUR", store: str = STORE, **changes: Any) -> Rates:  # noqa: ANN401 - a table of fields
    """One rate, or with None the failure of its source."""
    usual = Rate(currency, None if rate is None else Decimal(rate), () if rate is not None else ("RateUnavailable",))
    return Rates(store, (replace(usual, **changes),))


def balance(**changes: Any) -> StoreBalance:  # noqa: ANN401 - a table of fields
    """An on-chain wallet with two million satoshis."""
    return replace(StoreBalance(STORE, msat(2_000_000), msat(50_000), None, ()), **changes)


def delivery(index: int = 0, **changes: Any) -> WebhookDelivery:  # noqa: ANN401 - a table of fields
    """The shop was told within a second, `index` minutes ago."""
    at = int(NOW) - 60 * index
    usual = WebhookDelivery(STORE, "hook", f"d{index}", DeliveryStatus.SUCCESS, at, at + 1, 200, None)
    return replace(usual, **changes)


def webhook(*newest: WebhookDelivery, **changes: Any) -> Webhook:  # noqa: ANN401 - a table of fields
    """A webhook of the shop with these deliveries, newest first."""
    statuses = [each.status for each in newest]
    counts = tuple((status, statuses.count(status)) for status in DeliveryStatus)
    return replace(Webhook("hook", "shop.example", True, True, counts, newest), **changes)


def webhooks(*hooks: Webhook) -> Webhooks:
    """What a key sees that may."""
    return Webhooks(STORE, hooks)


def btcpay_facts() -> dict[str, Facts]:
    """What the collectors of a server with one store see, by collector."""
    return {
        "status": btcpay_status(),
        "invoices_shop": invoices(),
        "store_shop": store_settings(),
        "rates_shop": rates(),
        "balances_shop": balance(),
        "payouts_shop": payouts(),
        "webhooks_shop": webhooks(webhook(delivery())),
    }


def open_invoice(index: int = 0, **changes: Any) -> OpenInvoice:  # noqa: ANN401 - a table of fields
    """An invoice of a minute ago for 200,000 sat, which both rails can pay."""
    usual = OpenInvoice(f"open{index}", int(NOW) - 60, int(NOW) + 840, False, msat(200_000), BOTH)
    return replace(usual, **changes)


def order(index: int = 0, rail: Rail = Rail.LIGHTNING, **changes: Any) -> Order:  # noqa: ANN401 - a table of fields
    """An order of 100 EUR that was settled `index` minutes ago."""
    at = NOW - 60 * index
    lightning = rail is Rail.LIGHTNING
    usual = Order(
        store=STORE,
        id=f"invoice{index}",
        order_id=f"order-{index}",
        invoices=(f"invoice{index}",),
        created_at=int(at) - 120,
        final_at=at,
        outcome=Outcome.SETTLED,
        rail=rail,
        methods=(Method.LIGHTNING if lightning else Method.CHAIN,),
        offered=BOTH,
        currency="EUR",
        due=Decimal(100),
        paid=Decimal(100),
        paid_msat=msat(200_000),
        settled_at=at,
        refunded_at=None,
        business=True,
        history=False,
        evidence=(),
        exceptions=(),
        legs=(),
    )
    return replace(usual, **changes)


def leg(seconds: float, which: Leg = Leg.SETTLE_BTCPAY, blocks: int | None = None) -> LegTime:
    """How long one leg of an order took."""
    rail = Rail.ONCHAIN if which is Leg.SEEN_CONFIRMED else Rail.LIGHTNING
    return LegTime("invoice", which, rail, NOW, seconds, blocks)


def shop(*open_invoices: OpenInvoice, settled: Iterable[Order] = (), **changes: Any) -> ShopView:  # noqa: ANN401 - a table of fields
    """The store on node `ln1`, read up to now."""
    by_rail = {rail: tuple(each for each in settled if each.rail is rail) for rail in Rail}
    usual = ShopView(STORE, "btcpay", "ln1", NOW, open_invoices, len(open_invoices), settlements=by_rail)
    return replace(usual, **changes)


def demand(**changes: Any) -> Demand:  # noqa: ANN401 - a table of fields
    """Two million satoshis a day over a month, in payments of 100,000; one in twenty above a million."""
    usual = Demand("ln1", msat(2_000_000), msat(100_000), msat(1_000_000), 0.25, 600, 30, sure=True)
    return replace(usual, **changes)

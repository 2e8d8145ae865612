"""The client against the double over a real socket: everything about a store that is not an invoice."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lnwatch.model.btcpay import Payouts, Rates, Store, StoreBalance, Unclaimed, Webhooks
from lnwatch.model.merchant import (
    DeliveryStatus,
    Method,
    PaymentRequest,
    Payout,
    PayoutState,
    PullPayment,
    WebhookDelivery,
    WebhookEvent,
)
from tests.sources.btcpay.bed import Bed, bed

OK = 200


@pytest.fixture
async def shop() -> AsyncIterator[Bed]:
    async with bed() as ready:
        yield ready


async def test_store_rates_and_balances(shop: Bed) -> None:
    """Settings, methods, the rate of the store's currency and its wallet become facts."""
    (store,) = await shop.run("store_shop")
    assert isinstance(store.facts, Store)
    assert {each.method for each in store.facts.methods if each.enabled} == {Method.LIGHTNING, Method.CHAIN}
    (rates,) = await shop.run("rates_shop")
    assert isinstance(rates.facts, Rates)
    assert [(each.currency, each.rate) for each in rates.facts.rates] == [("EUR", Decimal(50_000))]
    (balances,) = await shop.run("balances_shop")
    assert isinstance(balances.facts, StoreBalance)
    assert (balances.facts.confirmed_msat, balances.facts.lightning) == (0, None)
    assert "canuselightningnode" in balances.facts.unseen[0]


async def test_refunds_and_payouts_are_told_as_they_change(shop: Bed) -> None:
    """Refund link, claim, payout and archiving come as events, each change once."""
    made = shop.world
    invoice = await made.create()
    made.btcpay.pay_over_lightning(invoice)
    await made.pass_time(2)
    body = {"refundVariant": "RateThen", "payoutMethods": ["BTC-CHAIN"]}
    link = (await made.call("POST", f"{made.base}/invoices/{invoice.id}/refund", body)).json()["id"]
    (reading,) = await shop.run("payouts_shop")
    assert isinstance(reading.facts, Payouts)
    assert reading.facts.unclaimed is None
    (links,) = await shop.run("refunds_shop")
    assert links.wakes == {"payouts_shop"}
    (reading,) = await shop.run("payouts_shop")
    assert isinstance(reading.facts, Payouts)
    assert reading.facts.unclaimed == (Unclaimed("BTC", Decimal("0.0002"), 1),)
    claim = {"destination": "bcrt1q3070f2kyhm3e73aajn76m796v0ezx3qhgrxr34", "payoutMethodId": "BTC-CHAIN"}
    answer = await made.call("POST", f"/api/v1/pull-payments/{link}/payouts", claim, authorization=None)
    assert answer.status_code == OK
    (reading,) = await shop.run("payouts_shop")
    assert isinstance(reading.facts, Payouts)
    (payout,) = reading.facts.open
    assert reading.facts.unclaimed == ()
    (refund,) = [event for event in shop.ledger.others if isinstance(event, PullPayment)]
    assert (refund.refund_of, payout.pull_payment) == (invoice.id, refund.key)
    assert payout.state in (PayoutState.AWAITING_APPROVAL, PayoutState.AWAITING_PAYMENT)
    told = shop.ledger.told
    (links,) = await shop.run("refunds_shop")
    await shop.run("payouts_shop")
    assert (shop.ledger.told, links.wakes) == (told, frozenset())
    await made.call("DELETE", f"/api/v1/pull-payments/{link}")
    await shop.run("refunds_shop")
    (reading,) = await shop.run("payouts_shop")
    assert [event for event in shop.ledger.others if isinstance(event, PullPayment)][-1].archived
    assert link not in repr(shop.ledger)
    assert [event for event in shop.ledger.others if isinstance(event, Payout)]


async def test_what_is_promised_is_what_can_still_be_claimed(shop: Bed) -> None:
    """A link counts less what was claimed with it, a cancelled claim not, until it expires or is archived."""
    made = shop.world
    await made.pass_time(2)
    body = {"name": "x", "amount": "0.0005", "currency": "BTC", "payoutMethods": ["BTC-CHAIN"]}
    short = {**body, "amount": "0.0001", "expiresAt": int(made.clock.now()) + 600}
    links = [(await made.call("POST", f"{made.base}/pull-payments", each)).json()["id"] for each in (body, body, short)]

    async def unclaimed() -> tuple[Unclaimed, ...] | None:
        await shop.run("refunds_shop")
        (reading,) = await shop.run("payouts_shop")
        assert isinstance(reading.facts, Payouts)
        return reading.facts.unclaimed

    assert await unclaimed() == (Unclaimed("BTC", Decimal("0.0011"), 3),)
    await made.pass_time(601)
    assert await unclaimed() == (Unclaimed("BTC", Decimal("0.0010"), 2),)
    claim = {"destination": "bcrt1q3070f2kyhm3e73aajn76m796v0ezx3qhgrxr34", "payoutMethodId": "BTC-CHAIN"}
    path = f"/api/v1/pull-payments/{links[0]}/payouts"
    payout = (await made.call("POST", path, {**claim, "amount": "0.0002"}, authorization=None)).json()
    assert await unclaimed() == (Unclaimed("BTC", Decimal("0.0008"), 2),)
    await made.call("DELETE", f"{made.base}/payouts/{payout['id']}")
    assert await unclaimed() == (Unclaimed("BTC", Decimal("0.0010"), 2),)
    await made.call("DELETE", f"/api/v1/pull-payments/{links[1]}")
    assert await unclaimed() == (Unclaimed("BTC", Decimal("0.0005"), 1),)


async def test_payment_requests(shop: Bed) -> None:
    """A request is told when it is made."""
    made = shop.world
    body = {"amount": "10.00", "currency": "EUR", "title": "Invoice 17", "email": "a@b.example"}
    await made.call("POST", f"{made.base}/payment-requests", body)
    await shop.run("requests_shop")
    (request,) = shop.ledger.others
    assert isinstance(request, PaymentRequest)
    assert request.amount == 10
    assert "b.example" not in repr(request)


async def test_deliveries_where_the_key_may() -> None:
    """With the right to list them deliveries are told with their bodies, each once; without it nothing fails."""
    async with bed() as shop:
        made = shop.world
        await made.register()
        (reading,) = await shop.run("webhooks_shop")
        assert reading.facts == Webhooks("shop", None)
        key = made.btcpay.add_key(made.store, "canviewstoresettings", "webhooks.canmodifywebhooks").secret
        shop.open(api_key=key, deliveries=True)
        await shop.run("status")
        made.hook.statuses = [500]
        invoice = await made.create()
        await made.pass_time(15)
        (reading,) = await shop.run("webhooks_shop")
        tries = [event for event in reading.events if isinstance(event, WebhookDelivery)]
        assert sorted(each.http_code or 0 for each in tries) == [200, 500]
        told = [event for event in reading.events if isinstance(event, WebhookEvent)]
        assert {(each.type, each.invoice_id) for each in told} == {("InvoiceCreated", invoice.id)}
        assert len({each.original_delivery_id for each in told}) == 1
        assert isinstance(reading.facts, Webhooks)
        assert reading.facts.webhooks is not None
        newest = reading.facts.webhooks[0].newest
        assert [(each.status, each.event) for each in newest] == [
            (DeliveryStatus.SUCCESS, None),
            (DeliveryStatus.HTTP_ERROR, None),
        ]
        (again,) = await shop.run("webhooks_shop")
        assert again.events == ()
        assert "s3cret" not in repr(reading)


async def test_a_rate_that_moves_is_told_from_a_fixed_one(shop: Bed) -> None:
    """Since when it stands is told of a rate that moves within an hour, over a restart; never of one that was set."""
    made = shop.world

    async def steady(rate: int | None, minutes: int) -> float | None:
        await made.pass_time(60 * minutes)
        made.store.rates["BTC_EUR"] = None if rate is None else Decimal(rate)
        shop.open()
        (reading,) = await shop.run("rates_shop")
        assert isinstance(reading.facts, Rates)
        return reading.facts.rates[0].steady_since

    assert await steady(50_000, 0) is None
    assert await steady(50_000, 5) is None
    assert await steady(51_000, 120) is None  # a person changed it after hours
    moved = await steady(51_100, 5)
    assert moved == made.clock.now()
    assert await steady(None, 5) is None
    assert await steady(51_100, 70) == moved

"""Refunds, pull payments, payouts and payment requests beyond the recorded stories."""

from typing import Any

import httpx
import pytest

from tests.simulator.btcpay.openapi import Json
from tests.simulator.btcpay.world import World, world


async def _settled(world: World, amount: str = "10.00", **fields: Json) -> str:
    invoice = await world.create(amount=amount, **fields)
    world.btcpay.pay_over_lightning(invoice)
    await world.btcpay.settle()
    return f"{world.base}/invoices/{invoice.id}"


async def _pull(world: World, **fields: Json) -> dict[str, Any]:
    body = {"name": "Supplier", "amount": "10", "currency": "EUR", "payoutMethods": ["BTC-LN", "BTC-CHAIN"]} | fields
    answer = await world.call("POST", f"{world.base}/pull-payments", body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _claim(world: World, pull: dict[str, Any], **fields: Json) -> httpx.Response:
    body = {"destination": world.coins.foreign_address(), "payoutMethodId": "BTC-CHAIN"} | fields
    return await world.call("POST", f"/api/v1/pull-payments/{pull['id']}/payouts", body, authorization=None)


@pytest.mark.parametrize(
    ("body", "amount", "currency", "approved"),
    [
        ({"refundVariant": "RateThen"}, "0.0002", "BTC", True),
        ({"refundVariant": "CurrentRate"}, "0.00025", "BTC", True),
        ({"refundVariant": "Fiat"}, "10.00", "EUR", False),
        ({"refundVariant": "Fiat", "subtractPercentage": "10"}, "9.00", "EUR", False),
        ({"refundVariant": "Custom", "customAmount": "0.5", "customCurrency": "BTC"}, "0.5", "BTC", True),
    ],
)
async def test_a_refund_is_worth_what_its_variant_says(
    body: dict[str, Any], amount: str, currency: str, approved: bool
) -> None:
    """At the rate of then or of now, in money or as named; only what is in bitcoin approves itself."""
    async with world() as made:
        path = await _settled(made)
        made.store.rates["BTC_EUR"] = made.store.rates["BTC_EUR"] and made.store.rates["BTC_EUR"] * 4 / 5
        made_refund = (await made.call("POST", f"{path}/refund", body | {"payoutMethods": ["BTC-LN"]})).json()
    assert (made_refund["amount"], made_refund["currency"]) == (amount, currency)
    assert made_refund["autoApproveClaims"] is approved


async def test_a_key_that_may_not_approve_gets_a_refund_that_waits() -> None:
    """The same call, silently without approval."""
    async with world() as made:
        path = await _settled(made)
        key = made.btcpay.add_key(made.store, "cancreatenonapprovedpullpayments", "canviewinvoices")
        body = {"refundVariant": "RateThen", "payoutMethods": ["BTC-LN"]}
        answer = await made.call("POST", f"{path}/refund", body, authorization=f"token {key.secret}")
    assert answer.json()["autoApproveClaims"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"refundVariant": "OverpaidAmount"}, 422),
        ({"refundVariant": "Custom", "customCurrency": "EUR"}, 422),
        ({"refundVariant": "Custom", "customAmount": "1"}, 422),
        ({"refundVariant": "Fiat", "subtractPercentage": "101"}, 422),
        (["no", "object"], 422),
    ],
)
async def test_a_refund_that_makes_no_sense_is_refused(body: Json, status: int) -> None:
    """Nothing comes of it."""
    async with world() as made:
        path = await _settled(made)
        answer = await made.call("POST", f"{path}/refund", body)
        listed = await made.call("GET", f"{made.base}/pull-payments")
    assert (answer.status_code, listed.json()) == (status, [])


@pytest.mark.parametrize(
    ("pull", "claim", "code"),
    [
        ({}, {"amount": "11"}, "overdraft"),
        ({"payoutMethods": ["BTC-LN"]}, {}, "payment-method-not-supported"),
        ({"expiresAt": 1_795_556_000}, {}, "expired"),
        ({"startsAt": 1_795_560_000}, {}, "not-started"),
    ],
)
async def test_a_claim_that_is_not_due_is_refused(pull: dict[str, Any], claim: dict[str, Any], code: str) -> None:
    """With BTCPay's code."""
    async with world() as made:
        answer = await _claim(made, await _pull(made, **pull), **claim)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_the_same_place_is_paid_once() -> None:
    """A second claim to it is refused, also one beyond what is left."""
    async with world() as made:
        pull = await _pull(made)
        first = await _claim(made, pull, amount="6")
        again = await _claim(made, pull, amount="1", destination=first.json()["destination"])
        beyond = await _claim(made, pull, amount="5")
        rest = await _claim(made, pull)
    assert [each.json().get("code") for each in (again, beyond)] == ["duplicate-destination", "overdraft"]
    assert rest.json()["originalAmount"] == "4"


async def test_payouts_move_by_hand_where_no_processor_is_set_up() -> None:
    """Approve, mark as paid; neither twice, nor a cancel after it."""
    async with world() as made:
        await made.register()
        payout = (await _claim(made, await _pull(made))).json()
        path = f"{made.base}/payouts/{payout['id']}"
        steps = [
            (await made.call(method, where, body)).status_code
            for method, where, body in (
                ("POST", f"{path}/mark-paid", None),
                ("POST", path, {"revision": 0}),
                ("POST", path, {"revision": 0}),
                ("POST", f"{path}/mark-paid", None),
                ("DELETE", path, None),
            )
        ]
        await made.btcpay.settle()
        shown = (await made.call("GET", path)).json()
    assert steps == [400, 200, 400, 200, 400]
    assert (shown["state"], shown["payoutAmount"]) == ("Completed", "0.0002")
    assert made.types == ["PayoutCreated", "PayoutApproved", "PayoutUpdated"]


async def test_a_processor_pays_at_its_interval() -> None:
    """Not before; over Lightning it is done at once, and BTCPay's node has sent it."""
    async with world() as made:
        sender = f"{made.base}/payout-processors/LightningAutomatedPayoutSenderFactory/BTC-LN"
        await made.call("PUT", sender, {"intervalSeconds": 60})
        pull = await _pull(made, autoApproveClaims=True)
        invoice = made.node.elsewhere(20_000_000)
        payout = (await _claim(made, pull, destination=invoice, payoutMethodId="BTC-LN")).json()
        seen = []
        for wait in (59, 1):
            await made.pass_time(wait)
            seen.append((await made.call("GET", f"{made.base}/payouts/{payout['id']}")).json()["state"])
    assert seen == ["AwaitingPayment", "Completed"]
    assert [each.bolt11 for each in made.node.sent] == [invoice]


async def test_a_pull_payment_is_open_to_who_knows_its_id() -> None:
    """Without a key; an unknown one is 404, and the list of the store is not open."""
    async with world() as made:
        pull = await _pull(made)
        await _claim(made, pull)
        asked = [
            await made.call("GET", path, authorization=None)
            for path in (
                f"/api/v1/pull-payments/{pull['id']}",
                f"/api/v1/pull-payments/{pull['id']}/payouts",
                "/api/v1/pull-payments/nosuch",
                f"{made.base}/pull-payments",
            )
        ]
    assert [each.status_code for each in asked] == [200, 200, 404, 401]
    assert asked[0].json() == pull
    assert asked[2].json()["code"] == "pullpayment-not-found"


@pytest.mark.parametrize(
    ("request_", "pay", "status"),
    [
        ({"allowCustomPaymentAmounts": False}, {"amount": "4"}, 422),
        ({}, {"amount": "0"}, 422),
        ({}, {}, 200),
    ],
)
async def test_a_payment_request_is_paid_as_it_allows(
    request_: dict[str, Any], pay: dict[str, str], status: int
) -> None:
    """Without an amount what is left; instalments where they are allowed."""
    async with world() as made:
        body = {"amount": "10", "title": "Invoice 17", "allowCustomPaymentAmounts": True} | request_
        bill = (await made.call("POST", f"{made.base}/payment-requests", body)).json()
        answer = await made.call("POST", f"{made.base}/payment-requests/{bill['id']}/pay", pay)
    assert answer.status_code == status
    if status == 200:
        assert (answer.json()["amount"], answer.json()["metadata"]["paymentRequestId"]) == ("10", bill["id"])


async def test_a_payment_request_is_processing_until_the_block() -> None:
    """On-chain it is first Processing, then Completed; a paid one and an archived one take no more."""
    async with world() as made:
        await made.register(authorizedEvents={"everything": False, "specificEvents": ["PaymentRequestStatusChanged"]})
        bill = (await made.call("POST", f"{made.base}/payment-requests", {"amount": "10", "title": "17"})).json()
        path = f"{made.base}/payment-requests/{bill['id']}"
        invoice = made.invoice((await made.call("POST", f"{path}/pay")).json()["id"])
        made.btcpay.pay_on_chain(invoice)
        await made.btcpay.settle()
        made.coins.mine()
        await made.btcpay.settle()
        paid = await made.call("POST", f"{path}/pay")
        await made.call("DELETE", path)
        archived = await made.call("POST", f"{path}/pay")
        listed = await made.call("GET", f"{made.base}/payment-requests")
    assert [each["status"] for each in made.hook.bodies] == ["Processing", "Completed"]
    assert [each.json()["code"] for each in (paid, archived)] == ["already-paid", "archived"]
    assert listed.json() == []

"""Lists of the double: windows, pages, filters, and the traps in them."""

from typing import Any

import pytest

from tests.simulator.btcpay.likeness import Likeness
from tests.simulator.btcpay.openapi import Json
from tests.simulator.btcpay.replay import Story
from tests.simulator.btcpay.world import World, recording, world

AT = 1_795_556_776


async def _ids(world: World, **query: Json) -> list[str]:
    answer = await world.call("GET", f"{world.base}/invoices", query=query)
    assert answer.status_code == 200, answer.text
    return [each["metadata"]["orderId"] for each in answer.json()]


async def _five(world: World) -> None:
    """Orders a to e, ten seconds apart; c is settled, d expired, e archived."""
    for order in "abcde":
        short = {"expirationMinutes": 1} if order == "d" else {}
        invoice = await world.create(metadata={"orderId": order, "buyerEmail": f"{order}@example"}, checkout=short)
        if order == "c":
            world.btcpay.pay_over_lightning(invoice)
        if order == "e":
            await world.call("DELETE", f"{world.base}/invoices/{invoice.id}")
        await world.pass_time(10)
    await world.pass_time(60)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "dcba"),
        ({"includeArchived": "true"}, "edcba"),
        ({"take": "2"}, "dc"),
        ({"skip": "1", "take": "2"}, "cb"),
        ({"skip": "9"}, ""),
        ({"take": "0"}, ""),
        ({"startDate": AT + 10, "endDate": AT + 20}, "cb"),
        ({"endDate": AT}, "a"),
        ({"startDate": AT + 31}, ""),
        ({"status": "settled"}, "c"),
        ({"status": ["Settled", "EXPIRED"]}, "dc"),
        ({"status": "complete"}, "c"),
        ({"status": "Bogus"}, "dcba"),
        ({"status": ["Bogus", "New"]}, "ba"),
        ({"orderId": ["a", "c", "z"]}, "ca"),
        ({"orderId": "A"}, ""),
        ({"textSearch": "b@ex"}, "b"),
        ({"textSearch": "@ex"}, ""),
    ],
)
async def test_a_list_is_filtered_as_btcpay_does_it(query: dict[str, Any], found: str) -> None:
    """Newest first; windows are inclusive and by creation; an unknown status is no filter; search is by beginnings."""
    async with world() as made:
        await _five(made)
        assert await _ids(made, **query) == list(found)


@pytest.mark.parametrize(("query", "status"), [({"take": "-1"}, 500), ({"skip": "-1"}, 500), ({"take": "x"}, 422)])
async def test_a_page_that_cannot_be_is_an_error(query: dict[str, str], status: int) -> None:
    """Negative pages are a 500 with an empty body, words are 422."""
    async with world() as made:
        answer = await made.call("GET", f"{made.base}/invoices", query=query)
    assert (answer.status_code, not answer.content) == (status, status == 500)


async def test_a_list_may_bring_the_payments_along() -> None:
    """With `includePaymentMethods` each invoice has its methods, as recorded; without it the field is empty."""
    recorded = recording("invoices-include-payment-methods")
    async with world() as made:
        await made.register()
        story = Story(made, "01-lightning-paid")
        await story.play()
        query = recorded["request"]["query"]
        answer = await made.call("GET", f"{made.base}/invoices", query=query)
        story.likeness.compare(recorded["response"], answer.json())
        bare = await made.call("GET", f"{made.base}/invoices")
    assert [each["paymentMethods"] for each in bare.json()] == [[]]


async def test_a_replaced_payment_is_hidden_unless_asked_for() -> None:
    """`onlyAccountedPayments` is true by default."""
    async with world() as made:
        invoice = await made.create()
        made.coins.replace(made.btcpay.pay_on_chain(invoice).txid)
        made.coins.mine()
        await made.btcpay.settle()
        path = f"{made.base}/invoices/{invoice.id}/payment-methods"
        usual = (await made.call("GET", path)).json()[1]["payments"]
        everything = (await made.call("GET", path, query={"onlyAccountedPayments": "false"})).json()[1]["payments"]
    assert (len(usual), [each["status"] for each in everything]) == (0, ["Invalid"])


async def test_the_account_key_is_for_owners_who_ask() -> None:
    """`includeSensitive` shows it to who may change the store, and is 403 to others."""
    async with world() as made:
        path = f"{made.base}/invoices/{(await made.create()).id}/payment-methods"
        ask = {"includeSensitive": "true"}
        owner, usual = [await made.call("GET", path, query=query) for query in (ask, {})]
        monitor = await made.call("GET", path, query=ask, authorization="monitor")
    shown = [answer.json()[1]["additionalData"]["accountDerivation"] for answer in (owner, usual)]
    assert shown == [made.store.account, None]
    assert monitor.status_code == 403


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, 5),
        ({"limit": "2"}, 2),
        ({"skip": "2", "limit": "2"}, 0),
        ({"skip": "1", "limit": "3"}, 2),
        ({"skip": "2", "limit": "2", "statusFilter": "Confirmed"}, 2),
        ({"statusFilter": "Unconfirmed"}, 1),
    ],
)
async def test_the_second_page_of_the_wallet_is_short_without_a_filter(query: dict[str, str], rows: int) -> None:
    """`skip` is applied twice then, as recorded."""
    async with world() as made:
        for at in range(5):
            made.btcpay.pay_on_chain(await made.create())
            if at < 4:
                made.coins.mine()
        answer = await made.call("GET", f"{made.base}/payment-methods/BTC-CHAIN/wallet/transactions", query=query)
    assert len(answer.json()) == rows


async def test_the_balance_of_the_wallet_is_five_minutes_old() -> None:
    """A coin shows in it once the cache has run out."""
    async with world() as made:
        path = f"{made.base}/payment-methods/BTC-CHAIN/wallet"
        seen = [(await made.call("GET", path)).json()["balance"]]
        made.btcpay.pay_on_chain(await made.create())
        for wait in (299, 1):
            await made.pass_time(wait)
            seen.append((await made.call("GET", path)).json()["balance"])
    assert seen == ["0", "0", "0.0002"]


@pytest.mark.parametrize(("query", "rows"), [({}, 12), ({"count": "3"}, 3), ({"count": "99"}, 12)])
async def test_deliveries_are_all_listed_without_a_count(query: dict[str, str], rows: int) -> None:
    """The newest first."""
    async with world() as made:
        hook = await made.register()
        for _ in range(12):
            await made.create()
        listed = (await made.call("GET", f"{made.base}/webhooks/{hook}/deliveries", query=query)).json()
        every = (await made.call("GET", f"{made.base}/webhooks/{hook}/deliveries")).json()
        one = await made.call("GET", f"{made.base}/webhooks/{hook}/deliveries/{listed[0]['id']}")
    assert listed == every[:rows]
    assert one.json() == listed[0]
    Likeness(0, 0, slack=float("inf")).compare(recording("webhook-delivery")["response"], one.json())

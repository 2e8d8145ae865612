"""The client against the double over a real socket: what becomes of invoices, and what that costs."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lnwatch.model.btcpay import Invoices
from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    Method,
    PaymentStatus,
)
from lnwatch.simulator.btcpay import Reply
from lnwatch.sources.btcpay.history import HistoryCollector
from lnwatch.sources.btcpay.invoices import OPEN_EVERY, InvoicesCollector
from tests.sources.btcpay.bed import Bed, bed

NEW, SETTLED, EXPIRED = InvoiceStatus.NEW, InvoiceStatus.SETTLED, InvoiceStatus.EXPIRED


@pytest.fixture
async def shop() -> AsyncIterator[Bed]:
    async with bed() as ready:
        yield ready


async def test_birth_takes_what_is_open_and_leaves_the_rest_to_history(shop: Bed) -> None:
    """At the first run open invoices are live; everything else is history, newest first, each once."""
    made = shop.world
    paid = await made.create()
    made.btcpay.pay_over_lightning(paid)
    await made.pass_time(2)
    still = await made.create(metadata={"orderId": 17, "itemCode": "tea", "buyerEmail": "a@b.example"})
    await shop.run()
    assert shop.ledger.live == {still.id}
    assert shop.ledger.invoices[still.id].order_id == "17"
    assert "b.example" not in repr(shop.ledger.invoices)
    (reading,) = await shop.run("history_shop")
    assert reading.history
    assert reading.backfill is not None
    assert (reading.backfill.done, reading.backfill.finished) == (2, True)
    assert shop.ledger.invoices[paid.id].status is SETTLED


async def test_one_question_a_run_while_open_invoices_are_young(shop: Bed) -> None:
    """New, paid and expired invoices are all told by one list; what does not change is not told again."""
    made = shop.world
    await shop.run()
    first, second = await made.create(), await made.create()
    await made.pass_time(60)
    await shop.run()
    shop.asked()
    made.btcpay.pay_over_lightning(first)
    await made.pass_time(60)
    (reading,) = await shop.run()
    assert [event.id for event in reading.events if isinstance(event, BtcpayInvoice)] == [first.id]
    assert shop.asked() == ["S/invoices"]
    await made.pass_time(900)
    await shop.run()
    assert {name: each.status for name, each in shop.ledger.invoices.items()} == {first.id: SETTLED, second.id: EXPIRED}
    told = shop.ledger.told
    await made.pass_time(60)
    await shop.run()
    assert shop.ledger.told == told
    assert isinstance(reading.facts, Invoices)
    assert reading.facts.newest_offered == ("BTC-LN", "BTC-CHAIN")


async def test_a_replaced_payment_is_seen_although_lists_hide_it(shop: Bed) -> None:
    """Back from Processing to New without a webhook: the invalid payment is read singly, once."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    coin = made.btcpay.pay_on_chain(invoice)
    await made.pass_time(60)
    await shop.run()
    assert shop.ledger.invoices[invoice.id].status is InvoiceStatus.PROCESSING
    made.coins.replace(coin.txid)
    made.coins.mine()
    await made.pass_time(60)
    await shop.run()
    found = shop.ledger.invoices[invoice.id]
    assert (found.status, [pay.status for pay in found.payments]) == (NEW, [PaymentStatus.INVALID])
    shop.asked()
    await made.pass_time(60)
    await shop.run()
    assert shop.asked() == ["S/invoices"]


async def test_a_restart_in_between_loses_nothing(shop: Bed) -> None:
    """What was open before a long absence is read by its id, what was made meanwhile by its time."""
    made = shop.world
    await shop.run()
    before = await made.create()
    await made.pass_time(60)
    await shop.run()
    made.btcpay.pay_over_lightning(before)
    await made.pass_time(30_000)
    meanwhile = [await made.create() for _ in range(3)]
    shop.open()
    await shop.run("status")
    await shop.run()
    assert shop.ledger.invoices[before.id].status is SETTLED
    assert {each.id for each in meanwhile} <= shop.ledger.live


async def test_nothing_counts_as_told_before_it_is_stored(shop: Bed) -> None:
    """A ledger that can't be written gets everything again when it can."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    shop.ledger.broken = True
    await made.pass_time(60)
    await shop.run()
    shop.ledger.broken = False
    await made.pass_time(60)
    await shop.run()
    assert invoice.id in shop.ledger.invoices


async def test_pages_when_much_was_made_at_once(shop: Bed) -> None:
    """More invoices than a page within one second, and pages of them: each is told, none for ever."""
    made = shop.world
    await shop.run()
    collector = shop.collector("invoices_shop")
    assert isinstance(collector, InvoicesCollector)
    collector.pages.most = collector.pages.size = 10
    crowd = [await made.create() for _ in range(25)]
    await made.pass_time(3)
    crowd += [await made.create() for _ in range(14)]
    await made.pass_time(60)
    readings = await shop.run()
    assert {each.id for each in crowd} == set(shop.ledger.invoices)
    assert len(readings) <= 2 + len(crowd) // 10 + 2
    assert all(isinstance(each.facts, Invoices) for each in readings)


async def test_older_open_invoices_are_asked_for_by_status(shop: Bed) -> None:
    """An open invoice that is no longer among the new ones is looked after every other minute, then read alone."""
    made = shop.world
    await shop.run()
    invoice = await made.create(checkout={"expirationMinutes": 600})
    await made.pass_time(60)
    await shop.run()
    await made.pass_time(3 * 3_600)
    await made.create()
    await shop.run()
    await made.pass_time(OPEN_EVERY / 3)
    await shop.run()
    shop.asked()
    made.btcpay.pay_over_lightning(invoice)
    await made.pass_time(OPEN_EVERY / 3)
    (reading,) = await shop.run()
    assert shop.asked() == ["S/invoices"]
    assert isinstance(reading.facts, Invoices)
    behind = reading.facts.read_until
    await made.pass_time(OPEN_EVERY)
    (reading,) = await shop.run()
    assert shop.asked() == [
        "S/invoices",
        "S/invoices",
        f"S/invoices/{invoice.id}",
        f"S/invoices/{invoice.id}/payment-methods",
    ]
    assert shop.ledger.invoices[invoice.id].status is SETTLED
    assert isinstance(reading.facts, Invoices)
    assert reading.facts.read_until > behind


async def test_an_old_open_invoice_holds_the_watermark_back_by_minutes_alone(shop: Bed) -> None:
    """What is said of all waits for the one that was looked at the longest time ago: two minutes and a half at most."""
    made = shop.world
    await shop.run()
    await made.create(checkout={"expirationMinutes": 600})
    await made.pass_time(60)
    await shop.run()
    await made.pass_time(3 * 3_600)
    await made.create()
    await shop.run()
    lags = []
    for _ in range(12):
        await made.pass_time(60)
        (reading,) = await shop.run()
        assert isinstance(reading.facts, Invoices)
        lags.append(made.clock.now() - reading.facts.read_until)
    assert 0 < max(lags) <= 150


async def test_a_server_whose_lists_bring_no_payments(shop: Bed) -> None:
    """Before 2.3.6 lists leave methods out, before 2.1.2 what was paid: one is read alone when new, paid or ended."""
    made = shop.world
    await shop.run()
    idle = await made.create()
    await made.pass_time(1)
    paid = await made.create()
    made.btcpay.pay_over_lightning(paid)

    async def run() -> list[str]:
        await made.pass_time(60)
        made.btcpay.faults.failing.clear()
        listed = (await made.call("GET", f"{made.base}/invoices", query={"take": 10})).json()
        for item in listed:
            del item["paidAmount"]
        made.btcpay.faults.failing["/invoices"] = Reply.of(200, listed)
        shop.asked()
        await shop.run()
        return shop.asked()

    def alone(name: str) -> list[str]:
        return [f"S/invoices/{name}", f"S/invoices/{name}/payment-methods"]

    assert await run() == [*alone(paid.id), *alone(idle.id)]
    assert [pay.method for pay in shop.ledger.invoices[paid.id].payments] == [Method.LIGHTNING]
    assert [each.payment_hash for each in shop.ledger.invoices[idle.id].methods or ()][:1] != [None]
    assert await run() == []
    await made.pass_time(900)
    assert await run() == alone(idle.id)
    assert await run() == []


async def test_each_bolt11_of_an_invoice_is_told(shop: Bed) -> None:
    """After a payment in part BTCPay asks for the rest by another one: the list tells it, no webhook is needed."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    await made.pass_time(60)
    await shop.run()
    before = shop.ledger.invoices[invoice.id]
    made.btcpay.pay_on_chain(invoice, Decimal("0.0001"))
    await made.pass_time(60)
    await shop.run()
    after = shop.ledger.invoices[invoice.id]
    told = [each.payment_hash for told in (before, after) for each in told.methods or () if each.payment_hash]
    assert len(set(told)) == 2


async def test_history_goes_on_after_a_crash_in_its_middle(shop: Bed) -> None:
    """Back-fill by small pages, killed before and after each page was stored, ends with every invoice."""
    made = shop.world
    crowd = []
    for _ in range(12):
        crowd += [await made.create() for _ in range(3)]
        await made.pass_time(1)
    await made.pass_time(1_200)
    await shop.run()
    for turn in range(40):
        shop.open()
        collector = shop.collector("history_shop")
        assert isinstance(collector, HistoryCollector)
        collector.pages.size = 4
        shop.ledger.broken = turn % 2 == 0
        reading = await collector.collect(shop.ledger)
        shop.ledger.take(reading)
        if reading.backfill is not None and reading.backfill.finished and not shop.ledger.broken:
            break
    assert set(shop.ledger.invoices) == {each.id for each in crowd}
    assert {each.status for each in shop.ledger.invoices.values()} == {EXPIRED}


async def test_a_long_absence_is_read_by_pages_beside_the_living(shop: Bed) -> None:
    """More than a page was made while nobody looked: each page is stored, and the newest come first."""
    made = shop.world
    await shop.run()
    await made.create()
    await made.pass_time(60)
    await shop.run()
    crowd = []
    for _ in range(10):
        crowd += [await made.create() for _ in range(4)]
        await made.pass_time(100)
    shop.open()
    await shop.run("status")
    collector = shop.collector("invoices_shop")
    assert isinstance(collector, InvoicesCollector)
    collector.pages.size = collector.pages.most = 5
    first = await collector.collect(shop.ledger)
    shop.ledger.take(first)
    assert first.more
    assert crowd[-1].id in shop.ledger.invoices
    assert isinstance(first.facts, Invoices)
    behind = first.facts.read_until
    readings = await shop.run()
    assert {each.id for each in crowd} <= shop.ledger.live
    await made.pass_time(60)
    readings = await shop.run()
    assert isinstance(readings[-1].facts, Invoices)
    assert readings[-1].facts.read_until > behind


async def test_a_hint_is_read_first_and_alone(shop: Bed) -> None:
    """A webhook's invoice is read at once, with two short questions; of a foreign store nothing is."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    await made.pass_time(60)
    await shop.run()
    shop.asked()
    made.btcpay.pay_over_lightning(invoice)
    await made.pass_time(2)
    assert shop.source.hint(made.store.id, invoice.id) == "invoices_shop"
    assert shop.source.hint("another", invoice.id) is None
    assert shop.source.hint(made.store.id, "../../users/me") is None
    await shop.run()
    assert shop.asked() == [f"S/invoices/{invoice.id}", f"S/invoices/{invoice.id}/payment-methods"]
    assert shop.ledger.invoices[invoice.id].status is SETTLED


async def test_an_invoice_that_is_denied_is_gone_and_the_key_is_not(shop: Bed) -> None:
    """403 on an open invoice while the list answers: it was deleted, which is told once; nothing else suffers."""
    made = shop.world
    await shop.run()
    doomed, other = await made.create(), await made.create()
    await made.pass_time(60)
    await shop.run()
    del made.btcpay.core.invoices[doomed.id]
    await made.pass_time(OPEN_EVERY)
    await shop.run()
    assert shop.ledger.gone == [doomed.id]
    assert other.id in shop.ledger.invoices
    assert shop.ledger.invoices[doomed.id].status is NEW


async def test_late_money_is_found_by_the_looks_back() -> None:
    """Paid long after its end: the trailing look finds it within monitoring, the far one at any age."""
    async with bed(rescan_interval="2h") as shop:
        made = shop.world
        made.store.monitoring = 1_800
        await shop.run("store_shop")
        await shop.run()
        late, ancient = await made.create(), await made.create()
        await made.pass_time(1_200)
        await shop.run()
        await shop.run("history_shop")
        made.btcpay.pay_on_chain(late)
        await made.pass_time(1_800)
        await shop.run("history_shop")
        assert shop.ledger.invoices[late.id].additional is AdditionalStatus.PAID_LATE
        assert shop.ledger.invoices[ancient.id].additional is AdditionalStatus.NONE
        await made.pass_time(2_000)
        await shop.run("history_shop")
        await made.create()
        await shop.run()
        made.btcpay.pay_on_chain(ancient)
        await made.pass_time(1_900)
        await made.create()
        await shop.run()
        await shop.run("history_shop")
        assert shop.ledger.invoices[ancient.id].additional is AdditionalStatus.NONE
        await made.pass_time(7_200)
        await shop.run("history_shop")
        await shop.run("history_shop")
        found = shop.ledger.invoices[ancient.id]
        assert (found.status, found.additional) == (EXPIRED, AdditionalStatus.PAID_LATE)
        assert ancient.id in shop.ledger.live


async def test_quiet_costs_little(shop: Bed) -> None:
    """With 50 open invoices and nothing happening, ten stores cost at most two questions a minute each."""
    made = shop.world
    await shop.run()
    for _ in range(50):
        await made.create(checkout={"expirationMinutes": 600})
    due = {each.name: 0.0 for each in shop.source.collectors}
    for name in due:
        await shop.run(name)
    shop.asked()
    for minute in range(1, 61):
        await made.pass_time(60)
        for each in shop.source.collectors:
            while due[each.name] + each.interval <= minute * 60:
                due[each.name] += each.interval
                await shop.run(each.name)
    asked = shop.asked()
    of_the_store = sum(path.startswith("S") for path in asked)
    assert 10 * of_the_store + (len(asked) - of_the_store) <= 10 * 60 * 2

"""What goes wrong on the way, over a real socket: one clear state or sentence each, and nothing lost."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.btcpay import BtcpayStatus, Invoices
from lnwatch.model.merchant import InvoiceStatus, Method
from lnwatch.model.snapshot import TargetState
from lnwatch.simulator.btcpay import Reply
from lnwatch.sources.btcpay.invoices import OPEN_EVERY, PAGE, InvoicesCollector
from tests.net.servers import serving, silence
from tests.sources.btcpay.bed import Bed, bed

REJECTED, FORBIDDEN, TIMEOUT = FailureReason.REJECTED, FailureReason.FORBIDDEN, FailureReason.TIMEOUT
HTML = b"<!DOCTYPE html><title>Sign in</title>"


@pytest.fixture
async def shop() -> AsyncIterator[Bed]:
    async with bed() as ready:
        yield ready


async def failed(shop: Bed, name: str) -> SourceError:
    """How a run of that collector fails."""
    with pytest.raises(SourceError) as caught:
        await shop.collector(name).collect(shop.ledger)
    return caught.value


async def status_of(shop: Bed) -> tuple[TargetState, str, BtcpayStatus]:
    reading = await shop.collector("status").collect(shop.ledger)
    assert reading.target is not None
    assert isinstance(reading.facts, BtcpayStatus)
    return reading.target.state, reading.target.detail, reading.facts


async def test_well(shop: Bed) -> None:
    """All well is one question, and `up`."""
    state, detail, facts = await status_of(shop)
    assert (state, detail, facts.version, facts.indexer_answers) == (TargetState.UP, "", "2.4.1", True)
    assert facts.chains[0].sync_height == 116
    assert shop.asked() == ["server/info"]


async def test_nbxplorer_gone(shop: Bed) -> None:
    """Health 200 with server info 500: it is NBXplorer that is away, and BTCPay's release stays known."""
    shop.world.indexer.stop()
    await shop.world.pass_time(61)
    state, detail, facts = await status_of(shop)
    assert (state, facts.indexer_answers, facts.synchronized) == (TargetState.SYNCING, False, False)
    assert "NBXplorer is not" in detail
    assert (facts.version, facts.chains) == ("2.4.1", ())


async def test_nbxplorer_hangs(shop: Bed) -> None:
    """A frozen NBXplorer leaves "synchronized" standing: it is told, and told not to be believed."""
    shop.world.indexer.freeze()
    shop.world.coins.mine(3)
    await shop.world.pass_time(200)
    state, _, facts = await status_of(shop)
    assert (state, facts.synchronized, facts.doubted("synchronized")) == (TargetState.UP, True, True)


async def test_postgresql_gone(shop: Bed) -> None:
    """Health goes on saying that all is well; what needs the database hangs, and that is what is told."""
    shop.open(brisk=True)
    shop.world.btcpay.postgresql.freeze()
    error = await failed(shop, "status")
    assert (error.reason, "PostgreSQL" in error.message) == (TIMEOUT, True)


async def test_btcpay_hangs(shop: Bed) -> None:
    """A frozen process accepts and says nothing."""
    shop.open(brisk=True)
    shop.world.btcpay.gate.freeze()
    error = await failed(shop, "status")
    assert (error.reason, "PostgreSQL" in error.message) == (TIMEOUT, False)


async def test_btcpay_gone_and_back(shop: Bed) -> None:
    """Refused while it is away; what happened meanwhile is read when it is back."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    await made.pass_time(60)
    await shop.run()
    await made.btcpay.stop()
    assert (await failed(shop, "status")).reason is FailureReason.REFUSED
    assert (await failed(shop, "invoices_shop")).reason is FailureReason.REFUSED
    await made.pass_time(600)
    await made.btcpay.start()
    await made.pass_time(500)
    await shop.run("status")
    await shop.run()
    assert shop.ledger.invoices[invoice.id].status is InvoiceStatus.EXPIRED


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"garbage": HTML}, "with a web page"),
        ({"garbage": b"\x00\xff\xfe"}, "something else than JSON"),
        ({"garbage": b'{"version": 7}'}, "unknown shape"),
        ({"truncated": True}, "cut short"),
        ({"oversized": 60_000_000}, "over the limit"),
    ],
)
async def test_answers_that_are_none(shop: Bed, fault: dict[str, object], words: str) -> None:
    """A page, noise, another shape, half an answer, and one without end: malformed, each in its own words."""
    await shop.run()
    for name, value in fault.items():
        setattr(shop.world.btcpay.faults, name, value)
    error = await failed(shop, "status")
    assert error.reason is FailureReason.MALFORMED
    assert words in error.message
    assert shop.world.monitor not in error.message


async def test_key_lost(shop: Bed) -> None:
    """A deleted key is rejected everywhere, in one sentence that says what to do."""
    shop.world.btcpay.core.credentials.keys.clear()
    for name in ("status", "invoices_shop", "payouts_shop"):
        error = await failed(shop, name)
        assert (error.reason, "make one under" in error.message) == (REJECTED, True)


async def test_right_lost_mid_flight(shop: Bed) -> None:
    """A right that was lost between two runs is named, with its store; open invoices are not called gone."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    await made.pass_time(60)
    await shop.run()
    key = next(key for key in made.btcpay.core.credentials.keys.values() if key.secret == made.monitor)
    key.permissions = (f"btcpay.store.canviewwallet:{made.store.id}",)
    await made.pass_time(400)
    shop.source.hint(made.store.id, invoice.id)
    error = await failed(shop, "invoices_shop")
    assert (error.reason, error.permission) == (FORBIDDEN, "btcpay.store.canviewinvoices")
    assert "lacks btcpay.store.canviewinvoices for store shop" in error.message
    assert shop.ledger.gone == []


async def test_store_revoked_hides_no_other() -> None:
    """A store that is denied although the key has the right is told as such; the other one is read on."""
    async with bed() as shop:
        made = shop.world
        other = made.btcpay.add_store("other")
        rights = [f"btcpay.store.canviewstoresettings:{each.id}" for each in (made.store, other)]
        key = made.btcpay.core.credentials.key("k" * 40, made.btcpay.owner, "both", *rights)
        shop.open(api_key=key.secret, stores={"shop": made.store.id, "other": other.id})
        await shop.run("status")
        await shop.run("invoices_other")
        made.btcpay.owner.stores.discard(other.id)
        error = await failed(shop, "invoices_other")
        assert error.reason is FORBIDDEN
        assert "BTCPay denies store other although the key has" in error.message
        (reading,) = await shop.run("invoices_shop")
        assert isinstance(reading.facts, Invoices)


async def test_one_invoice_that_can_not_be_read(shop: Bed) -> None:
    """A single broken invoice is told in one remark; the others of its page come through."""
    made = shop.world
    await shop.run()
    good = await made.create()
    answer = await made.call("GET", f"{made.base}/invoices", query={"take": 1})
    broken = [*answer.json(), {"id": "Broken", "status": "New", "createdTime": 1_795_556_777}]
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, broken)
    await shop.run()
    assert set(shop.ledger.invoices) == {good.id}
    _, detail, _ = await status_of(shop)
    assert "1 invoices can't be read, Broken first" in detail


async def test_one_open_invoice_that_can_not_be_read(shop: Bed) -> None:
    """An older open invoice that answers nonsense is remarked on, and holds up neither others nor the watermark."""
    made = shop.world
    await shop.run()
    broken = await made.create(checkout={"expirationMinutes": 600})
    await made.pass_time(60)
    await shop.run()
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [])
    made.btcpay.faults.failing[f"/invoices/{broken.id}"] = Reply.of(200, {"id": broken.id})
    await made.pass_time(OPEN_EVERY)
    (reading,) = await shop.run()
    assert isinstance(reading.facts, Invoices)
    assert reading.facts.open == 1
    assert reading.facts.read_until >= made.clock.now() - 1
    _, detail, _ = await status_of(shop)
    assert f"an invoice can't be read ({broken.id})" in detail


async def test_words_of_a_newer_version(shop: Bed) -> None:
    """Unknown states, types and methods, and 20 decimals: kept as they stood, and read on until they are known."""
    made = shop.world
    await shop.run()
    invoice = await made.create()
    (item,) = (await made.call("GET", f"{made.base}/invoices", query={"includePaymentMethods": "true"})).json()
    item |= {"status": "Frozen", "additionalStatus": "Thawing", "type": "Auction", "amount": "10.12345678901234567890"}
    item["paymentMethods"][0] |= {"paymentMethodId": "XMR-CHAIN", "currency": "XMR", "newField": {"deep": [1]}}
    item["checkout"]["paymentMethods"] = ["XMR-CHAIN"]
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [item])
    (reading,) = await shop.run()
    found = shop.ledger.invoices[invoice.id]
    assert found.status is InvoiceStatus.UNKNOWN
    assert found.unknown_words == ("status Frozen", "additional status Thawing", "type Auction")
    assert found.amount == Decimal("10.12345678901234567890")
    assert found.offered_methods == {Method.OTHER}
    assert isinstance(reading.facts, Invoices)
    assert reading.facts.open == 1
    del made.btcpay.faults.failing["/invoices"]
    await made.pass_time(60)
    await shop.run()
    assert shop.ledger.invoices[invoice.id].unknown_words == ()


async def test_ten_megabytes_in_one_page(shop: Bed) -> None:
    """Merchants write what they like into metadata: a page of 10 MB is read, without it, and the next is smaller."""
    made = shop.world
    await shop.run()
    for _ in range(20):
        await made.create(metadata={"orderId": "x" * 400, "posData": "y" * 500_000})
    await made.pass_time(60)
    await shop.run()
    assert len(shop.ledger.invoices) == 20
    assert {len(each.order_id or "") for each in shop.ledger.invoices.values()} == {300}
    assert "yyy" not in repr(shop.ledger.invoices)
    collector = shop.collector("invoices_shop")
    assert isinstance(collector, InvoicesCollector)
    assert collector.pages.size < PAGE


async def test_clocks_apart_by_hours() -> None:
    """With BTCPay five hours ahead of us new invoices are found all the same, and the difference is told."""
    async with bed() as shop:
        made = shop.world
        ours = type(made.clock)(made.clock.now() - 18_000)
        shop.open(clock=ours)
        await shop.run("status")
        await shop.run()
        invoice = await made.create()
        await made.pass_time(60)
        await ours.advance(60)
        await shop.run()
        assert shop.ledger.invoices[invoice.id].status is InvoiceStatus.NEW
        _, _, facts = await status_of(shop)
        assert facts.clock_offset == pytest.approx(18_000, abs=1)
        made.btcpay.pay_over_lightning(invoice)
        await made.pass_time(60)
        await ours.advance(60)
        await shop.run()
        (payment,) = shop.ledger.invoices[invoice.id].payments
        assert not payment.received_at_doubtful


@pytest.mark.parametrize("hours", [-5, 2])
async def test_host_not_in_utc(shop: Bed, hours: int) -> None:
    """Shifted times of payments are not believed, and the zone is found out."""
    made = shop.world
    made.btcpay.core.utc_offset = hours * 3_600
    await shop.run()
    invoice = await made.create()
    made.btcpay.pay_over_lightning(invoice)
    await made.pass_time(20)
    (reading,) = await shop.run()
    (payment,) = shop.ledger.invoices[invoice.id].payments
    assert payment.received_at_doubtful
    assert isinstance(reading.facts, Invoices)
    assert reading.facts.utc_shift == -hours * 3_600


async def test_silence_is_a_timeout(shop: Bed) -> None:
    """A server that never answers is given up in time, and no key is in what is told."""
    async with serving(silence) as port:
        shop.open(url=f"http://127.0.0.1:{port}", brisk=True)
        error = await failed(shop, "status")
    assert error.reason is TIMEOUT
    assert shop.world.monitor not in error.message

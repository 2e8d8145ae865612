"""A BTCPay Server in trouble, from the socket to the cases: one clear state or sentence each, the one case that is due,
sources beside it that go on, and every payment that was made meanwhile in the ledger, once."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lnwatch.model.merchant import Method
from lnwatch.model.order import Outcome, Rail
from lnwatch.model.snapshot import TargetState
from lnwatch.simulator.btcpay import Invoice
from lnwatch.simulator.kestrel import Reply
from tests.house import INDEXER, NEIGHBOURS, RETRY, Builder, House, building
from tests.simulator.btcpay.world import World, in_time, world

HTML = b"<!DOCTYPE html><title>Sign in</title>"
UP, DOWN, HANGING, REJECTED = TargetState.UP, TargetState.DOWN, TargetState.HANGING, TargetState.REJECTED
LN, CHAIN = (Outcome.SETTLED, Rail.LIGHTNING), (Outcome.SETTLED, Rail.ONCHAIN)
PRICE_MSAT = 20_000_000
UNREAD = frozenset({"paid_late", "paid_partial", "paid_over", "paid_twice", "invoice_regressed", "btcpay_degraded"})

Mend = Callable[[], object]


@dataclass(frozen=True)
class Trouble:
    """What breaks, the state and the words that tell it, and the one case that opens. A hang takes real time."""

    breaks: Callable[[World], Mend]
    state: TargetState
    words: str
    rule: str
    hangs: bool = False


def lose_key(made: World) -> Mend:
    keys = made.btcpay.core.credentials.keys
    name = next(name for name, key in keys.items() if key.secret == made.monitor)
    lost = keys.pop(name)
    return lambda: keys.update({name: lost})


def lose_right(made: World) -> Mend:
    key = next(key for key in made.btcpay.core.credentials.keys.values() if key.secret == made.monitor)
    had, key.permissions = key.permissions, (f"btcpay.store.canviewwallet:{made.store.id}",)
    return lambda: setattr(key, "permissions", had)


def revoke_store(made: World) -> Mend:
    stores = made.btcpay.owner.stores
    stores.discard(made.store.id)
    return lambda: stores.add(made.store.id)


def database_away(made: World) -> Mend:
    made.btcpay.postgresql.freeze()
    return made.btcpay.postgresql.thaw


def web_pages(made: World) -> Mend:
    made.btcpay.faults.garbage = HTML
    return lambda: setattr(made.btcpay.faults, "garbage", None)


def lists_of_pages(made: World) -> Mend:
    made.btcpay.faults.failing["/invoices"] = Reply(200, HTML, {"Content-Type": "text/html"})
    return made.btcpay.faults.failing.clear


def lists_hang(made: World) -> Mend:
    made.btcpay.faults.silent.add("/invoices")
    return made.btcpay.faults.silent.clear


LACKING = "credential_missing_permission"
TROUBLES = {
    "key lost": Trouble(lose_key, REJECTED, "make one under", "credential_rejected"),
    "right lost": Trouble(lose_right, UP, "lacks btcpay.store.canviewinvoices for store shop", LACKING),
    "store revoked": Trouble(revoke_store, UP, "BTCPay denies store shop although the key has", LACKING),
    "PostgreSQL hangs": Trouble(database_away, HANGING, "look at its PostgreSQL", "btcpay_down", hangs=True),
    "web pages": Trouble(web_pages, DOWN, "with a web page", "btcpay_down"),
    "lists alone are web pages": Trouble(lists_of_pages, UP, "with a web page", "btcpay_down"),
    "lists alone hang": Trouble(lists_hang, UP, "nothing came until our deadline", "btcpay_down", hangs=True),
}


@pytest.fixture
async def builder(tmp_path: Path) -> AsyncIterator[Builder]:
    async with world() as made, building(made, tmp_path) as ready:
        yield ready


@pytest.fixture
async def house(builder: Builder) -> AsyncIterator[House]:
    """A daemon that has read everything."""
    async with builder.life() as ready:
        await ready.until(lambda: ready.read)
        yield ready


async def made_by(house: House, *names: str, minutes: int = 15) -> list[Invoice]:
    """An invoice for each order, once lnwatch knows them all."""
    before, checkout = house.shop.open_count, {"expirationMinutes": minutes}
    invoices = [await house.world.create(metadata={"orderId": name}, checkout=checkout) for name in names]
    await house.until(lambda: house.shop.open_count == before + len(names))
    return invoices


def pay_on_chain(made: World, invoice: Invoice) -> None:
    """To its first confirmation."""
    made.btcpay.pay_on_chain(invoice)
    made.coins.mine(1)


def counted(lightning: int = 0, onchain: int = 0) -> dict[str, int]:
    """What is counted of so many settled orders of one payment of the price each."""
    found: dict[str, int] = {}
    for rail, method, times in ((Rail.LIGHTNING, "btc-ln", lightning), (Rail.ONCHAIN, "btc-chain", onchain)):
        found |= {f"orders/{rail}/settled": times, f"invoices/{rail}/settled": times, f"payments/{method}": times}
        found[f"paid_msat/{rail}"] = times * PRICE_MSAT
    return {name: times for name, times in found.items() if times}


async def fates(house: House) -> dict[str, tuple[Outcome, Rail]]:
    """What became of each order of the ledger, by the shop's own id."""
    return {name: (order.outcome, order.rail) for name, order in (await house.orders()).items()}


def went_on(house: House, since: float, neighbours: Iterable[str] = NEIGHBOURS) -> bool:
    """Whether the other sources were read all the while, are well, and were read anew since."""
    targets = [house.view.targets[each] for each in neighbours]
    return all(
        target.state is UP
        and not any(health.errors for health in target.collectors.values())
        and (house.lead_of(target.slug).last_success_at or 0.0) > since + 30
        for target in targets
    )


async def stands(builder: Builder, expected: dict[str, tuple[Outcome, Rail]], counts: dict[str, int]) -> None:
    """After another start too everything is as it was, and counted once."""
    async with builder.life() as again:
        await again.until(lambda: again.read)
        await again.spend(60)
        assert await fates(again) == expected
        assert dict(again.counters) == counts
        final = [row["sequence"] for row in again.rows("merchant_order") if row["sequence"] is not None]
        assert sorted(final) == list(range(1, sum(counts[name] for name in counts if name.startswith("orders/")) + 1))


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
async def test_told_once_and_nothing_lost(builder: Builder, trouble: Trouble) -> None:
    """State, sentence, one case and blind rules tell it; sources beside it go on; all that was paid counts once."""
    made = builder.world
    async with replace(builder, patience="2s" if trouble.hangs else builder.patience).life() as house:
        await house.until(lambda: house.read)
        first, second, third, fourth = await made_by(house, "A-1", "A-2", "A-3", "A-4")
        made.btcpay.pay_over_lightning(first)
        await house.until(lambda: house.settled == 1 and "refund_float_low" not in house.blind)  # links come last
        usual, blind, since = set(house.cases), set(house.blind), house.view.at
        mend = trouble.breaks(made)
        made.btcpay.pay_over_lightning(second)
        pay_on_chain(made, third)
        await house.until(
            lambda: trouble.rule in house.cases and house.blind.keys() >= UNREAD,
            step=20,
            pause=0.5 if trouble.hangs else 0.02,
        )
        assert set(house.cases) - usual == {trouble.rule}
        sentence = house.cases[trouble.rule].sentence
        assert trouble.words in sentence
        assert trouble.words in house.told
        assert "\n" not in sentence
        assert made.monitor not in f"{sentence} {house.told}"
        assert house.server.state is trouble.state
        await house.until(lambda: went_on(house, since))
        assert dict(house.counters) == counted(lightning=1)
        mend()
        made.btcpay.pay_over_lightning(fourth)
        await house.until(lambda: house.settled == 4)
        await house.until(lambda: set(house.cases) == usual and house.told == "", step=20)
        assert set(house.blind) == blind
        await house.until(lambda: went_on(house, since))
        counts = counted(lightning=3, onchain=1)
        assert dict(house.counters) == counts
    await stands(builder, {"A-1": LN, "A-2": LN, "A-3": CHAIN, "A-4": LN}, counts)


async def test_a_key_that_was_never_right(tmp_path: Path) -> None:
    """Told is what to do; with the right key in the file what was paid before is history, what is open counts."""
    async with world() as made, building(made, tmp_path, key="0" * 40) as builder:
        paid, still_open = [await made.create(metadata={"orderId": name}) for name in ("A-1", "A-2")]
        async with builder.life() as house:
            since = made.clock.now()
            await house.until(lambda: "credential_rejected" in house.cases and house.blind.keys() >= UNREAD, step=20)
            made.btcpay.pay_over_lightning(paid)
            await house.spend(30)
            assert house.server.state is REJECTED
            assert "make one under" in house.cases["credential_rejected"].sentence
            assert house.shop.read_until is None
            assert house.rows("merchant_invoice") == []
            await house.until(lambda: went_on(house, since))
            builder.key.write_text(f"{made.monitor}\n")
            await house.until(lambda: house.read and house.shop.open_count == 1)
            made.btcpay.pay_over_lightning(still_open)
            await house.until(lambda: house.settled == 1 and "credential_rejected" not in house.cases, step=20)
            await house.until(lambda: len(house.rows("merchant_order")) == 2, step=20)
            assert {name: order.history for name, order in (await house.orders()).items()} == {
                "A-1": True,
                "A-2": False,
            }
            counts = counted(lightning=1)
            assert dict(house.counters) == counts
        await stands(builder, {"A-1": LN, "A-2": LN}, counts)


async def test_nbxplorer_frozen(builder: Builder) -> None:
    """All answers well but no invoice can be made: NBXplorer alone is told, and no payment of meanwhile is lost."""
    made = builder.world
    async with replace(builder, patience="2s").life() as house:
        await house.until(lambda: house.read)
        first, second = await made_by(house, "A-1", "A-2")
        usual, since = set(house.cases), house.view.at
        made.indexer.freeze()
        asked = {"amount": "10.00", "currency": "EUR", "metadata": {"orderId": "A-3"}}
        order = asyncio.ensure_future(made.call("POST", f"{made.base}/invoices", asked))
        assert await in_time(made, order, 20) is None
        health = await made.call("GET", "/api/v1/health", authorization=None)
        assert health.json() == {"synchronized": True}
        made.btcpay.pay_over_lightning(first)
        pay_on_chain(made, second)
        await house.until(lambda: "nbxplorer_down" in house.cases, step=20, pause=0.5)
        assert set(house.cases) - usual == {"nbxplorer_down"}
        assert "nothing came until our deadline" in house.cases["nbxplorer_down"].sentence
        assert (house.server.state, house.told) == (UP, "")
        assert went_on(house, since, [each for each in NEIGHBOURS if each != INDEXER])
        assert dict(house.counters) == counted(lightning=1)
        made.indexer.thaw()
        await house.until(lambda: house.settled == 2 and set(house.cases) == usual, step=20)
        counts = counted(lightning=1, onchain=1)
        assert dict(house.counters) == counts
    # BTCPay goes on with what was asked of it, although nobody waits for the answer any more.
    await stands(builder, {"A-1": LN, "A-2": CHAIN, "A-3": (Outcome.OPEN, Rail.NONE)}, counts)


async def test_one_denied_invoice_is_its_own_trouble(house: House) -> None:
    """No case opens for what BTCPay no longer has; what is known of it stays, and others count meanwhile."""
    made = house.world
    gone, paid = await made_by(house, "A-1", "A-2")
    usual, since = set(house.cases), house.view.at
    del made.btcpay.core.invoices[gone.id]
    made.btcpay.pay_over_lightning(paid)
    seen: set[str] = set()

    def settled_and_closed() -> bool:
        seen.update(house.cases)
        return house.settled == 1 and house.shop.open_count == 0

    await house.until(settled_and_closed, step=20)
    assert seen == usual
    assert (house.server.state, house.told) == (UP, "")
    assert went_on(house, since)
    assert dict(house.counters) == counted(lightning=1)
    (row,) = house.rows("merchant_gone")
    assert row["invoice"] == gone.id
    assert (await house.orders())["A-1"].due == 10


async def test_amounts_of_twenty_decimals(house: House) -> None:
    """Prices and payments are kept to their last decimal; of a bitcoin amount whole millisatoshis count."""
    made = house.world
    price, value = "10.12345678901234567890", "0.00020000000000000001"
    (invoice,) = await made_by(house, "A-1")
    made.btcpay.pay_over_lightning(invoice)
    (item,) = (await made.call("GET", f"{made.base}/invoices", query={"includePaymentMethods": "true"})).json()
    item |= {"amount": price, "paidAmount": price}
    for method in item["paymentMethods"]:
        method |= {"amount": value, "totalPaid": value}
        for payment in method["payments"]:
            payment["value"] = value
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [item])
    await house.until(lambda: house.settled == 1)
    order = (await house.orders())["A-1"]
    assert (str(order.due), str(order.paid), order.paid_msat) == (price, price, PRICE_MSAT)
    (payment,) = house.rows("merchant_payment")
    assert (payment["value"], payment["value_msat"]) == (value, PRICE_MSAT)
    assert (house.server.state, house.told) == (UP, "")
    assert dict(house.counters) == counted(lightning=1)


async def test_words_of_a_newer_version(house: House) -> None:
    """Unknown words and methods are kept as they came, and open; once they have names the order counts, once."""
    made = house.world
    (invoice,) = await made_by(house, "A-1")
    since = house.view.at
    (item,) = (await made.call("GET", f"{made.base}/invoices", query={"includePaymentMethods": "true"})).json()
    payment = {"id": "monero-1", "receivedDate": int(made.clock.now()), "value": "0.05", "fee": "0"}
    payment |= {"status": "Maturing", "destination": "4A…"}
    method = item["paymentMethods"][0] | {"paymentMethodId": "XMR-CHAIN", "currency": "XMR", "payments": [payment]}
    item |= {"status": "Frozen", "additionalStatus": "Thawing", "paymentMethods": [*item["paymentMethods"], method]}
    item["checkout"]["paymentMethods"].append("XMR-CHAIN")
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [item])
    await house.until(lambda: bool(house.rows("merchant_payment")))
    (row,) = house.rows("merchant_invoice")
    assert (row["status"], row["additional"], row["open"]) == ("unknown", "unknown", True)
    for word in ("status Frozen", "additional status Thawing", "payment status Maturing"):
        assert word in row["unknown_words"]
    assert "XMR-CHAIN" in row["offered"]
    (kept,) = house.rows("merchant_payment")
    assert (kept["id"], kept["method_id"], kept["value"], kept["value_msat"], kept["status"]) == (
        "monero-1",
        "XMR-CHAIN",
        "0.05",
        None,
        "unknown",
    )
    assert (await fates(house)) == {"A-1": (Outcome.OPEN, Rail.NONE)}
    assert dict(house.counters) == {}
    await house.spend(60)
    item |= {"status": "Settled", "additionalStatus": "None", "paidAmount": "10.00"}
    payment["status"] = "Settled"
    made.btcpay.faults.failing["/invoices"] = Reply.of(200, [item])
    await house.until(lambda: house.settled == 1)
    order = (await house.orders())["A-1"]
    assert (order.outcome, order.rail, order.methods) == (Outcome.SETTLED, Rail.NONE, (Method.OTHER,))
    assert dict(house.counters) == {"orders/none/settled": 1, "invoices/none/settled": 1, "payments/other": 1}
    assert (house.server.state, house.told) == (UP, "")
    assert went_on(house, since)
    assert invoice.id in order.invoices


async def test_ten_megabytes_of_metadata(house: House) -> None:
    """A page of 10 MB is read in one piece while others are read, and every invoice of it counts once."""
    made = house.world
    since, before = house.view.at, house.server.bytes_received
    for number in range(20):
        invoice = await made.create(metadata={"orderId": f"A-{number}", "posData": "y" * 500_000})
        made.btcpay.pay_over_lightning(invoice)
    await house.until(lambda: house.settled == 20)
    await house.spend(45)
    assert house.server.bytes_received - before > 10_000_000
    assert (house.server.state, house.told) == (UP, "")
    assert dict(house.counters) == counted(lightning=20)
    assert went_on(house, since)


@pytest.mark.parametrize("hours", [-5, 5])
async def test_clocks_apart_by_hours(builder: Builder, hours: int) -> None:
    """With lnwatch's clock hours off, orders count at once and with BTCPay's times; the difference is one case each."""
    made = builder.world
    async with replace(builder, apart=hours * 3_600.0).life() as house:
        await house.until(lambda: house.read)
        usual = set(house.cases)
        paid, unpaid, onchain = await made_by(house, "A-1", "A-2", "A-3", minutes=8)
        made.btcpay.pay_over_lightning(paid)
        pay_on_chain(made, onchain)
        at = made.clock.now()
        await house.until(lambda: house.settled == 2)
        assert made.clock.now() < at + 180
        assert dict(house.counters) == counted(lightning=1, onchain=1)
        orders = await house.orders()
        assert all(abs((orders[name].settled_at or 0.0) - at) < 120 for name in ("A-1", "A-3"))
        assert orders["A-2"].outcome is Outcome.OPEN
        await house.until(lambda: "clock_skew" in house.cases, step=20)
        assert set(house.cases) - usual == {"clock_skew"}
        assert f"5 h {'behind' if hours > 0 else 'ahead of'} lnwatch's" in house.cases["clock_skew"].sentence
        assert (house.server.state, house.told) == (UP, "")
        await made.pass_time(max(0.0, unpaid.expires_at - made.clock.now()))
        await house.until(lambda: house.shop.open_count == 0, step=20)
        assert (await house.orders())["A-2"].final_at is None
        await house.until(lambda: house.counters.get("orders/none/unexplained", 0) == 1, step=20)
        assert unpaid.expires_at + RETRY < made.clock.now() < unpaid.expires_at + RETRY + 600

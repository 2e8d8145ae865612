"""A customer buys at a shop over real nodes: over Lightning, on-chain, late, partly, twice, and wants money back."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.customer import Customer, send_coins
from tests.real.testbed.daemon import Daemon
from tests.real.testbed.desk import BRIEF, CHAIN, LIGHTNING, asked, check_counters, counters, final, told
from tests.real.testbed.shop import PRICE, Shop
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Tale:
    """What one order must have become, with a step of each system that saw it, and the case that it opens."""

    outcome: str
    rail: str
    status: str
    steps: tuple[tuple[str, str], ...]
    trouble: str | None = None


SETTLED_AT_NODE = ("ln1", r"node received 20,?000 sat")
MINED = ("bitcoind", r"confirmed in block \d+")
SEEN = ("bitcoind", "in the mempool")
BY_LIGHTNING = (SETTLED_AT_NODE, ("pay", "payment of .* by btc-ln"), ("webhook", "InvoiceSettled"))
BY_CHAIN = (SEEN, MINED, ("pay", "payment of .* by btc-chain"))
TALES = {
    "lightning": Tale("settled", "lightning", "Settled", BY_LIGHTNING),
    "onchain": Tale("settled", "onchain", "Settled", (*BY_CHAIN, ("webhook", "InvoiceSettled"))),
    "refund": Tale(
        "settled",
        "lightning",
        "Settled",
        (
            *BY_LIGHTNING,
            ("webhook", "InvoiceRefund"),
            ("pay", "refund link"),
            ("node", "node's payment of .* succeeded"),
        ),
    ),
    "twice": Tale("settled", "lightning", "Settled", (*BY_LIGHTNING, *BY_CHAIN), "paid_twice"),
    "late": Tale("failed", "onchain", "Expired", (*BY_CHAIN, ("webhook", "InvoicePaidAfterExpiration")), "paid_late"),
    "part": Tale(
        "failed",
        "onchain",
        "Expired",
        (*BY_CHAIN, ("ln1", "node's invoice over 10,000 sat"), ("webhook", "InvoiceExpiredPaidPartial")),
        "paid_partial",
    ),
    "stray": Tale(
        "failed", "lightning", "Expired", (SETTLED_AT_NODE, ("webhook", "InvoiceExpired")), "paid_not_settled"
    ),
    "regress": Tale(
        "failed",
        "onchain",
        "Expired",
        (SEEN, ("webhook", "InvoiceProcessing"), ("pay", "fell back")),
        "invoice_regressed",
    ),
}


@pytest.fixture(scope="module")
def bought(bed: Bed, shop: Shop, desk: Daemon) -> Mapping[str, str]:
    """Everybody has paid in their way, while lnwatch was killed again and again; the invoice of each order."""
    ids = {name: shop.order(name) for name in ("lightning", "onchain", "refund", "twice")}
    ids["regress"] = shop.order("regress", minutes=1)
    for name in ("lightning", "refund", "twice"):
        bed.pay(shop.destination(ids[name], LIGHTNING))
    send_coins(bed.customer, shop.destination(ids["onchain"], CHAIN), PRICE)
    cheat = Customer(bed, bed.hub)
    cheat.pay(shop.destination(ids["regress"], CHAIN), PRICE)
    becomes(shop, ids["regress"], "Processing")
    seen_in_mempool(desk, 2)
    desk.restart()
    cheat.take_back()
    bed.mine()
    for name in ("lightning", "onchain", "refund", "twice"):
        becomes(shop, ids[name], "Settled")
    becomes(shop, ids["regress"], "New")

    ids |= {name: shop.order(name, minutes=BRIEF) for name in ("late", "part", "stray")}
    whole = shop.destination(ids["part"], LIGHTNING)
    send_coins(bed.customer, shop.destination(ids["part"], CHAIN), PRICE // 2)
    send_coins(bed.customer, shop.destination(ids["twice"], CHAIN), PRICE)
    until("the rest is asked for", lambda: shop.destination(ids["part"], LIGHTNING) != whole)
    shop.node.cut_off()
    bed.pay(shop.destination(ids["stray"], LIGHTNING))
    seen_in_mempool(desk, 4)
    desk.restart()
    bed.mine()
    for name in ("late", "part", "stray", "regress"):
        becomes(shop, ids[name], "Expired")
    shop.node.reconnect()
    send_coins(bed.customer, shop.destination(ids["late"], CHAIN), PRICE)
    until("late money came", lambda: shop.status(ids["late"])[1] == "PaidLate")
    seen_in_mempool(desk, 5)
    bed.mine()
    give_back(bed, shop, ids["refund"])
    desk.restart()
    return ids


def becomes(shop: Shop, invoice: str, status: str) -> None:
    """Wait until BTCPay says so."""
    until(f"{invoice} is {status}", lambda: shop.status(invoice)[0] == status, timeout=90)


def seen_in_mempool(desk: Daemon, count: int) -> None:
    """Wait until lnwatch saw so many transactions wait, of all that there were."""
    query = "SELECT count(*) FROM watched_transaction WHERE first_seen_at IS NOT NULL"
    until(f"{count} transactions seen", lambda: desk.ledger.value(query) >= count, timeout=40)


def give_back(bed: Bed, shop: Shop, invoice: str) -> None:
    """The price is claimed with a wallet that can receive it, the hub's, and the merchant's node pays it."""
    made = bed.hub.add_invoice(PRICE)
    shop.refund(invoice, made["payment_request"])
    until("the customer has it", lambda: bed.hub.invoice(made["r_hash"])["state"] == "SETTLED", timeout=40)


def missing(order: Mapping[str, Any], steps: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """The steps that its timeline lacks."""
    line = [(step["source"], step["what"]) for step in order["timeline"]]
    return [
        (source, what) for source, what in steps if not any(source == by and re.search(what, said) for by, said in line)
    ]


def open_troubles(desk: Daemon) -> set[tuple[str, str]]:
    """Rule and subject of the open cases about somebody's money."""
    rules = {tale.trouble for tale in TALES.values()}
    return {(case["rule"], case["subject"]) for case in asked(desk, "cases")["cases"] if case["rule"] in rules}


def check_orders(desk: Daemon, bought: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Each tale is told whole and as it was, and each order has its number. What was told."""
    orders = final(desk, bought)
    for name, tale in TALES.items():
        order = orders[name]
        assert (order["outcome"], order["rail"]) == (tale.outcome, tale.rail), (name, order)
        assert not missing(order, tale.steps), (name, missing(order, tale.steps), order["timeline"])
    assert sorted(order["sequence"] for order in orders.values()) == list(range(1, len(TALES) + 1))
    return orders


def test_every_tale_is_told(shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """Through three kills, each order has its outcome, rail, number, and the steps of all systems; metrics agree."""
    orders = check_orders(desk, bought)
    assert {name: shop.status(bought[name])[0] for name in TALES} == {name: tale.status for name, tale in TALES.items()}
    check_counters(desk, orders)
    exposed = desk.scrape().by("method", "lnwatch_payments_total", store="shop")
    # What came for `twice` after it was settled, and so final, is a case, not one more payment of an order.
    assert {method: value for method, value in exposed.items() if value} == {"btc-ln": 3, "btc-chain": 3}


def test_found_by_whatever_is_at_hand(shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """Order id, invoice id, BOLT11, payment hash, address and transaction lead to the same order."""
    ln, chain = bought["lightning"], bought["onchain"]
    (paid,) = shop.invoice(ln).payments
    (sent,) = shop.invoice(chain).payments
    for words in ("lightning", ln, shop.destination(ln, LIGHTNING), paid.id):
        assert told(desk, words)["invoices"] == [ln], words
    for words in ("onchain", chain, shop.destination(chain, CHAIN), sent.id.split("-")[0]):
        assert told(desk, words)["invoices"] == [chain], words


def test_text_says_it_too(desk: Daemon, bought: Mapping[str, str]) -> None:
    """The page for people names the outcome, each system and what is wrong."""
    done = desk.command("order", bought["twice"])
    assert done.returncode == 0, done.stderr
    for words in ("order twice of store shop at main: settled (lightning)", "paid_twice", "ln1", "webhook", "bitcoind"):
        assert words in done.stdout


def test_cases_open_and_end(bed: Bed, shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """Whose money is held has a case; a refund or a mark by hand ends it."""
    expected = {
        (tale.trouble, f"order:shop/{name}" if name == "twice" else f"invoice:{bought[name]}")
        for name, tale in TALES.items()
        if tale.trouble is not None
    }

    def stand() -> bool:
        assert open_troubles(desk) == expected, open_troubles(desk)
        return True

    until("the cases are open", stand, timeout=120, pause=1)
    listed = asked(desk, "exceptions")["orders"]
    assert {(each["rule"], each["subject"]) for order in listed for each in order["exceptions"]} == expected
    for name in ("late", "twice"):
        give_back(bed, shop, bought[name])
    desk.restart()
    for name in ("part", "stray", "regress"):
        shop.mark(bought[name], "Settled")
    until("all were put right", lambda: not open_troubles(desk), timeout=120, pause=1)


def test_survives_deletion(shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """BTCPay forgets everything and lnwatch is killed once more: each tale stands, and nothing is counted again."""
    before, counted = final(desk, bought), counters(desk)
    for invoice in bought.values():
        shop.delete(invoice)
    desk.restart()
    until("it looked again", lambda: desk.state_of("pay") == "up", timeout=40)
    after = check_orders(desk, bought)
    assert {name: (each["sequence"], each["paid_msat"]) for name, each in after.items()} == {
        name: (each["sequence"], each["paid_msat"]) for name, each in before.items()
    }
    assert counters(desk) == counted

"""`kill -9` at any moment, again and again, while customers pay a shop over real nodes: every order right, once."""

import os
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.customer import send_coins
from tests.real.testbed.daemon import Daemon
from tests.real.testbed.desk import BRIEF, CHAIN, LIGHTNING, asked, check_counters, counters, final
from tests.real.testbed.shop import PRICE, Shop
from tests.real.testbed.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

KILLS, LASTS = 12, 60.0  # times, within so many seconds
WAYS = ("lightning", "lightning", "chain", "unpaid", "twice")
TRUTH = {
    "lightning": ("settled", "lightning", ("btc-ln",)),
    "chain": ("settled", "onchain", ("btc-chain",)),
    "twice": ("settled", "lightning", ("btc-ln", "btc-chain")),
    "unpaid": ("unexplained", "none", ()),
}


@dataclass
class Customers:
    """They come all the time, and each does what `ways` says; `invoices` by the name of the order."""

    bed: Bed
    shop: Shop
    chance: random.Random
    invoices: dict[str, str] = field(default_factory=dict)
    going: bool = True

    def come(self) -> None:
        """One after the other, until they are told to stop."""
        while self.going:
            way = self.chance.choice(WAYS)
            self._buy(f"{way}-{len(self.invoices)}", way)
            time.sleep(self.chance.uniform(0.2, 1.5))

    def _buy(self, name: str, way: str) -> None:
        self.invoices[name] = invoice = self.shop.order(name, minutes=BRIEF if way == "unpaid" else 15)
        if way in {"lightning", "twice"}:
            self.bed.pay(self.shop.destination(invoice, LIGHTNING))
        if way == "twice":
            time.sleep(2)  # systems tell whole seconds: which of two payments came first within one, nobody can say
        if way in {"chain", "twice"}:
            send_coins(self.bed.customer, self.shop.destination(invoice, CHAIN), PRICE)
        if self.chance.random() < 0.2:
            self.bed.bitcoind.mine(1)


def kill(daemon: Daemon, chance: random.Random) -> None:
    """So many times within that minute, wherever it stands, also while it starts."""
    instants = sorted(chance.uniform(0.0, LASTS) for _ in range(KILLS))
    begun = time.monotonic()
    for instant in instants:
        time.sleep(max(0.0, begun + instant - time.monotonic()))
        daemon.process.check()
        daemon.process.kill()
        daemon.process.start()


@pytest.fixture(scope="module")
def bought(bed: Bed, shop: Shop, desk: Daemon) -> Mapping[str, str]:
    """The invoice of each order that was made while lnwatch was killed; every transaction is in a block."""
    seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"KILL_SEED={seed}")  # noqa: T201 - shown with a failure, to have the same again
    chance = random.Random(seed)
    customers = Customers(bed, shop, random.Random(chance.random()))
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(customers.come)
        try:
            kill(desk, chance)
        finally:
            customers.going = False
        coming.result()
    bed.mine()
    desk.restart()
    return customers.invoices


def check(orders: Mapping[str, dict[str, Any]], shop: Shop, bed: Bed) -> None:
    """Each order is what its customer did, in the words of the node and of BTCPay."""
    node = {each["payment_request"]: each for each in bed.merchant.invoices()}
    for name, order in orders.items():
        outcome, rail, methods = TRUTH[name.partition("-")[0]]
        assert (order["outcome"], order["rail"]) == (outcome, rail), (name, order)
        assert sorted(order["methods"]) == sorted(methods), (name, order)
        (invoice,) = order["invoices"]
        known = shop.btcpay.core.invoices.get(invoice)
        if known is not None:
            assert (known.status == "Settled") == (outcome == "settled"), (name, known.status)
            taken = node[shop.destination(invoice, LIGHTNING)]["state"] == "SETTLED"
            assert taken == ("btc-ln" in methods), name
    assert sorted(order["sequence"] for order in orders.values()) == list(range(1, len(orders) + 1))


def check_payments(desk: Daemon, names: Iterable[str]) -> None:
    """What somebody paid twice counts where both came before lnwatch first saw that the order was final."""
    times = Counter(name.partition("-")[0] for name in names)
    shown = desk.scrape().by("method", "lnwatch_payments_total", store="shop")
    assert shown["btc-ln"] == times["lightning"] + times["twice"]
    assert times["chain"] <= shown["btc-chain"] <= times["chain"] + times["twice"]


def test_every_order_is_right_and_counted_once(bed: Bed, shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """After a dozen kills at random, orders are what customers did at node, chain and BTCPay; counters agree."""
    orders = final(desk, bought)
    check(orders, shop, bed)
    assert len(asked(desk, "exceptions")["orders"]) == sum(name.startswith("twice") for name in bought)
    check_counters(desk, orders)
    check_payments(desk, bought)


def test_all_is_told_after_btcpay_forgot_it(bed: Bed, shop: Shop, desk: Daemon, bought: Mapping[str, str]) -> None:
    """Deleted in BTCPay, and lnwatch killed once more: `lnwatch order` tells each, and nothing is counted again."""
    before, shown = final(desk, bought), counters(desk)
    for invoice in bought.values():
        shop.delete(invoice)
    desk.restart()
    until("it looked again", lambda: desk.state_of("pay") == "up", timeout=60)
    after = final(desk, bought)
    check(after, shop, bed)
    assert {name: (each["sequence"], each["timeline"]) for name, each in after.items()} == {
        name: (each["sequence"], each["timeline"]) for name, each in before.items()
    }
    assert counters(desk) == shown

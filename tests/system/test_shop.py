"""The daemon as a process beside a BTCPay Server: orders count once, through kills, and the page says who can pay."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.btcpay import BtcpayDouble
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from tests.audience import Audience
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.real.testbed.daemon import Daemon, running
from tests.real.testbed.waiting import until
from tests.store.conftest import ledger_url  # noqa: F401 - each test runs over both backends


class Shop(Audience):
    """A BTCPay Server with one store and what stands behind it, on real sockets in a thread of their own."""

    def __init__(self) -> None:
        super().__init__()
        clock = SystemClock()
        self.chain = Chain(clock)
        self.chain.mine(30)
        indexer = Indexer(clock, self.chain)
        self.nbxplorer = NbxplorerDouble(indexer)
        self.btcpay = BtcpayDouble(clock, indexer)
        self.store = self.btcpay.add_store()
        self.owner = self.btcpay.add_key(self.store, "canmodifystoresettings", label="owner").secret
        self.monitor = self.btcpay.add_key(self.store).secret

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.nbxplorer, self.btcpay, super().opened():
            yield

    def settings(self) -> dict[str, object]:
        """The blocks of a site that reads it."""
        pace = {"interval": "2s", "timeout": "1s", "invoices_interval": "2s", "rates_interval": "2s"}
        server = {"url": self.btcpay.url, "api_key": self.monitor, "stores": {"shop": self.store.id}, **pace}
        indexer = {"url": self.nbxplorer.url, "interval": "2s", "deadline": "1s"}
        return {"btcpay": {"pay": server}, "nbxplorer": {"nbx": indexer}}

    def order(self, name: str) -> str:
        """A customer comes to pay; the id of the invoice."""
        answer = httpx.post(
            f"{self.btcpay.url}/api/v1/stores/{self.store.id}/invoices",
            json={"amount": "10.00", "currency": "EUR", "metadata": {"orderId": name}},
            headers={"Authorization": f"token {self.owner}"},
            timeout=20,
        )
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def pay(self, invoice: str) -> None:
        """They do, over Lightning."""
        self.do(lambda: self.btcpay.pay_over_lightning(self.btcpay.core.invoices[invoice]))


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    with made.running():
        yield made


@pytest.fixture
def daemon(shop: Shop, tmp_path: Path, ledger_url: str) -> Iterator[Daemon]:  # noqa: F811 - the fixture
    with running(tmp_path / "lnwatch", shop.settings(), {"ledger": {"url": ledger_url}}) as started:
        yield started


def counted(daemon: Daemon) -> tuple[float, float, float]:
    """Open invoices, settled orders, and what they brought."""
    exposed = daemon.scrape()
    orders = exposed.value("lnwatch_orders_total", store="shop", rail="lightning", outcome="settled")
    brought = exposed.value("lnwatch_invoice_paid_satoshis_total", store="shop", rail="lightning")
    return exposed.value("lnwatch_invoices_open", store="shop"), orders, brought


def test_orders_count_once_through_kills(shop: Shop, daemon: Daemon) -> None:
    """Whatever is killed in between, each is counted once, and for its amount."""
    until("the store is read", lambda: counted(daemon) == (0, 0, 0), timeout=40)
    for done in range(1, 4):
        invoice = shop.order(f"A-{done}")
        until("it is open", lambda: counted(daemon)[0] == 1)
        shop.pay(invoice)
        daemon.restart()
        until(f"order {done}", lambda: counted(daemon) == (0, done, 20_000 * done))  # noqa: B023 - looked at in this round


def test_the_page_says_who_can_pay(shop: Shop, daemon: Daemon) -> None:
    """In one sentence before everything else; it changes with what stands in the way, and comes back."""
    well = "Customers can pay, over Lightning and on-chain."
    until("all is well", lambda: well in daemon.get("/").text, timeout=40)
    shop.do(shop.nbxplorer.indexer.freeze)
    until(
        "nobody can pay", lambda: "Customers can&#39;t pay: nbx (NBXplorer) hangs" in daemon.get("/").text, timeout=40
    )
    shop.do(shop.nbxplorer.indexer.thaw)
    until("all is well again", lambda: well in daemon.get("/").text, timeout=40)

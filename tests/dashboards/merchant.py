"""A simulated merchant of whom there is everything to see: nodes, a BTCPay Server with a store, and a visited page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from lnwatch.simulator.btcpay import BtcpayDouble, Invoice, SimulatedCoins
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from tests.real.testbed.daemon import merged
from tests.real.testbed.waiting import until
from tests.system.world import World

EXPECTED = 1_000_000  # satoshis a day, as the merchant declares
SECRET = "of-the-boards-alone"


class Merchant(World):
    """The world of the nodes, and the shop over the same chain; its store stands on `ln1`."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        super().__init__(folder, scale)
        self.chain.mine(30)
        self.node.height = self.chain.tip.height
        indexer = Indexer(self.chain.clock, self.chain)
        self.nbxplorer = NbxplorerDouble(indexer)
        self.btcpay = BtcpayDouble(self.chain.clock, indexer)
        self.store = self.btcpay.add_store()
        self.owner = self.btcpay.add_key(self.store, "canmodifystoresettings", label="owner").secret

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.nbxplorer, self.btcpay, super().opened():
            yield

    def settings(self) -> dict[str, object]:
        """The blocks of a site that reads all of it."""
        often = ("invoices", "rates", "balances", "payouts", "store", "webhooks")
        server = {
            "url": self.btcpay.url,
            "api_key": self.owner,  # webhooks can't be seen with less
            "stores": {"shop": self.store.id},
            "interval": "2s",
            "timeout": "1500ms",
            "webhook_secret": SECRET,
            **{f"{name}_interval": "2s" for name in often},
        }
        page = {"url": f"{self.btcpay.url}/api/v1/health", "interval": "2s", "time_limit": "1s"}
        shop = {
            "btcpay": {"pay": server},
            "nbxplorer": {"nbx": {"url": self.nbxplorer.url, "interval": "2s", "deadline": "1s"}},
            "probe": {"page": page},
            "orders": {"nodes": {"shop": "ln1"}},
            "kpis": {"stores": {"shop": {"daily_volume": f"{EXPECTED} sat"}}},
        }
        return merged(super().settings(), shop)

    def ask(self, path: str, body: object) -> Any:  # noqa: ANN401 - whatever JSON is answered
        """Have the owner make something in the store."""
        headers = {"Authorization": f"token {self.owner}"}
        url = f"{self.btcpay.url}/api/v1/stores/{self.store.id}/{path}"
        return httpx.post(url, json=body, headers=headers, timeout=20).raise_for_status().json()

    def tell(self, url: str) -> None:
        """Register a webhook for everything."""
        self.ask("webhooks", {"url": url, "enabled": True, "automaticRedelivery": True, "secret": SECRET})

    def invoice(self) -> Invoice:
        """A customer comes to pay 10 EUR."""
        made = self.ask("invoices", {"amount": "10.00", "currency": "EUR"})
        return self.do(lambda: self.btcpay.core.invoices[made["id"]])

    def sell(self) -> None:
        """One customer pays over Lightning, one on-chain and once more on top, and one leaves without paying."""
        quick, slow = self.invoice(), self.invoice()
        self.invoice()
        self.do(lambda: self._pay_at_the_node(quick))
        for _ in range(2):
            self.do(lambda: self.btcpay.pay_on_chain(slow, slow.amount / 50_000))
        until("both are there", lambda: len(slow.payments) == 2)

    def _pay_at_the_node(self, invoice: Invoice) -> None:
        """BTCPay's node and `ln1` are one: what comes is an invoice of both."""
        paid = self.btcpay.pay_over_lightning(invoice)
        same = self.node.invoices.add(paid.received_msat)
        same.r_hash, same.r_preimage = bytes.fromhex(paid.payment_hash), bytes.fromhex(paid.preimage)
        self.node.invoices.settle(same.add_index)

    def mine(self) -> None:
        """A block with all of it."""
        coins = self.store.coins
        assert isinstance(coins, SimulatedCoins)
        self.do(coins.mine)

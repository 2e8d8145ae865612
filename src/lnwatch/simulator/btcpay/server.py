"""The double of BTCPay Server 2.4.1: the Greenfield API and the customers' pages over real sockets, and its life."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from lnwatch.clock import Clock
from lnwatch.simulator.btcpay import api_invoices, api_payouts, api_server, api_stores, api_webhooks
from lnwatch.simulator.btcpay.coins import SimulatedCoins
from lnwatch.simulator.btcpay.core import Btcpay, Payout, Terms
from lnwatch.simulator.btcpay.detection import Detection
from lnwatch.simulator.btcpay.invoice import CHAIN, LIGHTNING, Invoice, Prompt
from lnwatch.simulator.btcpay.invoicing import Order, create
from lnwatch.simulator.btcpay.keys import Key
from lnwatch.simulator.btcpay.payouts import Payouts
from lnwatch.simulator.btcpay.routing import Router, Services
from lnwatch.simulator.btcpay.store import Store
from lnwatch.simulator.btcpay.wallet import Coin, Coins, Lightning, NodeInvoice, SimulatedLightning
from lnwatch.simulator.kestrel import Kestrel, Reply, Request
from lnwatch.simulator.nbxplorer import Indexer

_ROUTES: Final = (
    *api_server.ROUTES,
    *api_stores.ROUTES,
    *api_invoices.ROUTES,
    *api_payouts.ROUTES,
    *api_webhooks.ROUTES,
)
_MONITOR: Final = ("canviewstoresettings", "canviewwallet", "canviewlightninginvoice")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer, for those who watch; `sent` and `answered` are JSON, None where there was none."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    sent: bytes
    status: int
    answered: Any


class BtcpayDouble(Kestrel):
    """A server with one owner. `exchanges` is all that was asked of it.

    What goes wrong on purpose: `gate` (the process: freeze, thaw), `postgresql` (freeze stops it), the indexer and
    the nodes have gates of their own, `core.utc_offset` is the host's, `faults` is the wire; `stop` and `start`
    restart it, which loses what BTCPay holds in memory alone.
    """

    def __init__(self, clock: Clock, indexer: Indexer, *, version: str = "2.4.1", seed: str = "btcpay") -> None:
        """A server without stores; nothing listens before `start`."""
        super().__init__(clock)
        self.core = Btcpay(clock, indexer, version=version, seed=seed)
        self.gate = self.core.gate
        self.postgresql = self.core.database
        self.exchanges: list[Exchange] = []
        self._detection = Detection(self.core)
        self._payouts = Payouts(self.core)
        self._router = Router(_ROUTES, Services(self.core, self._detection, self._payouts))
        self.owner = self.core.credentials.user("admin@example.com", "password", admin=True)

    # -- what there is ----------------------------------------------------------------------------------------

    def add_store(self, name: str = "shop", coins: Coins | None = None, lightning: Lightning | None = None) -> Store:
        """A store of the owner, with simulated wallets unless others are given."""
        core = self.core
        given = coins or SimulatedCoins(core.indexer, seed=f"{name}/wallet")
        account = given.account if isinstance(given, SimulatedCoins) else "tpub" + core.ids.make("account", 64)
        node = lightning or SimulatedLightning(self.clock, lambda: core.indexer.chain.tip.height, seed=f"{name}/node")
        store = Store(core.ids.make("store", 32), name, given, account, node)
        core.stores[store.id] = store
        self.owner.stores.add(store.id)
        if self.gate.running:
            self._open(store)
        return store

    def add_key(self, store: Store, *policies: str, label: str = "monitor") -> Key:
        """An API key for a store; without policies the read-only one that a monitor should have."""
        scoped = (f"btcpay.store.{each}:{store.id}" for each in policies or _MONITOR)
        return self.core.credentials.key(self.core.ids.hash("key")[:40], self.owner, label, *scoped)

    # -- its life ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start the process, then listen."""
        await self.core.start()
        for store in self.core.stores.values():
            self._open(store)
        await self.listen()
        self.core.url = self.url
        await asyncio.sleep(0)

    def _open(self, store: Store) -> None:
        self._detection.start(store)
        self._payouts.start(store)
        store.coins.listener = self._hear_coin
        store.coins.blocks = lambda: self._hear_block(store)

    def _hear_coin(self, coin: Coin) -> None:
        self._detection.hear_coin(coin)

        async def progress() -> None:
            self._payouts.after_coin(coin)

        self.core.later(progress)

    def _hear_block(self, store: Store) -> None:
        self._detection.hear_block(store)

        async def complete() -> None:
            self._payouts.after_block()

        self.core.later(complete)

    async def stop(self) -> None:
        """Go away, as a killed process does."""
        for store in self.core.stores.values():
            self._detection.stop(store)
        await self.core.stop()
        await self.close()

    async def restart(self) -> None:
        """Both."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()
        for store in self.core.stores.values():
            if isinstance(store.coins, SimulatedCoins):
                await store.coins.close()

    async def settle(self) -> None:
        """Until nothing happens any more before time passes: jobs are done, webhooks delivered or put off."""
        while True:
            await asyncio.sleep(0.001)
            if self.core.resting:
                return

    async def answer(self, request: Request) -> Reply:
        """As the API does it; kept in `exchanges`."""
        reply = await self._router.answer(request)
        self.exchanges.append(
            Exchange(request.method, request.path, request.query, request.body, reply.status, reply.value)
        )
        return reply

    # -- shops ------------------------------------------------------------------------------------------------

    async def open_invoice(self, store: Store, order: Order) -> Invoice:
        """A shop asks for money. Raises UnpayableError, OSError; waits as long as NBXplorer hangs."""
        return await create(self.core, self._detection, store, order)

    def give_back(self, invoice: Invoice, coins: Decimal, destination: str, method: str) -> Payout:
        """A refund in BTC that the customer claims at once. Raises RefusedError."""
        terms = Terms(f"Refund {invoice.id}", "", coins, "BTC", auto_approve=True, methods=(method,))
        return self._payouts.claim(self._payouts.refund(invoice, terms), destination, method, None)

    # -- customers --------------------------------------------------------------------------------------------

    def pay_over_lightning(self, invoice: Invoice, method: str = LIGHTNING, msat: int | None = None) -> NodeInvoice:
        """A customer pays the BOLT11 of an invoice. Raises PaymentError as the customer's node would."""
        node = self.core.stores[invoice.store].lightning
        if not isinstance(node, SimulatedLightning):
            raise TypeError("this node is paid from outside")
        return node.receive(_shown(invoice, method)[1], msat)

    def pay_on_chain(self, invoice: Invoice, coins: Decimal | None = None, *, relay: float = 0.0) -> Coin:
        """A customer sends what is due, or some other amount in BTC, to the address of an invoice."""
        wallet = self.core.stores[invoice.store].coins
        if not isinstance(wallet, SimulatedCoins):
            raise TypeError("this wallet is paid from outside")
        prompt, address = _shown(invoice, CHAIN)
        amount = invoice.account(prompt).due if coins is None else coins
        return wallet.receive(address, int(amount.scaleb(8)), relay=relay)


def _shown(invoice: Invoice, method: str) -> tuple[Prompt, str]:
    """What the checkout shows of a method. Raises LookupError where it is not offered."""
    prompt = invoice.prompt(method)
    if prompt is None or prompt.destination is None:
        raise LookupError(f"{method} is not offered")
    return prompt, prompt.destination

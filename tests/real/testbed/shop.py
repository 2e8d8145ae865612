"""A BTCPay Server that takes real money: its double over the merchant's LND and over what bitcoind sees."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Any, Final

import httpx

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.btcpay import BtcpayDouble, Coin, Invoice, NodeInvoice, PaymentError
from lnwatch.simulator.btcpay.store import Processor
from lnwatch.simulator.btcpay.wallet import NodePayment
from lnwatch.simulator.kestrel import Gate
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from tests.audience import Audience
from tests.real.testbed.bed import Bed
from tests.real.testbed.bitcoin import RpcError
from tests.real.testbed.customer import FINAL, send_coins
from tests.real.testbed.lnd import Json, Lnd, LndError, unb64

_LOOKS_EVERY: Final = 0.25  # seconds
_FEE_RATE: Final = Decimal(5)  # sat/vB: on regtest nobody can estimate one
PRICE: Final = 20_000  # satoshis of each order
SECRET: Final = "of-the-shop-alone"


class RealLightning:
    """The merchant's LND as BTCPay is connected to it; `reach` is the way there."""

    def __init__(self, node: Lnd) -> None:
        self.uri = f"{node.key}@{node.peer_address}"
        self.listener: Callable[[NodeInvoice], None] | None = None
        self.reach = Gate()
        self._node = node
        self._made: dict[str, NodeInvoice] = {}
        self._sent: list[NodePayment] = []

    async def _ask(self, method: str, path: str, body: object = None, **query: object) -> Json:
        await self.reach.wait()
        try:
            return await asyncio.to_thread(self._node.ask, method, path, body, **query)
        except LndError as error:
            raise OSError(str(error)) from error

    async def create(self, msat: int | None, expires_in: int, description: str | bytes) -> NodeInvoice:
        """AddInvoice."""
        body = {"value_msat": str(msat or 0), "expiry": str(expires_in)}
        if isinstance(description, bytes):
            body["description_hash"] = base64.b64encode(description).decode()
        else:
            body["memo"] = description
        made = await self._ask("POST", "/v1/invoices", body)
        found = await self.find(unb64(made["r_hash"]))
        assert found is not None
        self._made[found.payment_hash] = found
        return found

    async def find(self, payment_hash: str) -> NodeInvoice | None:
        """LookupInvoice; what LND refuses is not there."""
        await self.reach.wait()
        try:
            return _node_invoice(await asyncio.to_thread(self._node.invoice, payment_hash))
        except LndError:
            return None

    async def invoices(self) -> list[NodeInvoice]:
        """Those that the node still has, oldest first."""
        found = await self._ask("GET", "/v1/invoices", num_max_invoices=1_000)
        return [_node_invoice(each) for each in found["invoices"]]

    async def payments(self) -> list[NodePayment]:
        """What BTCPay had it pay."""
        await self.reach.wait()
        return list(self._sent)

    async def pay(self, invoice: str) -> NodePayment:
        """SendPaymentV2, to its end."""
        await self.reach.wait()
        try:
            paid = await asyncio.to_thread(self._node.pay, invoice)
        except LndError as error:
            raise PaymentError(str(error)) from error
        if paid["status"] != "SUCCEEDED":
            raise PaymentError(str(paid.get("failure_reason")))
        msat, created = int(paid["value_msat"]), int(paid["creation_date"])
        sent = NodePayment(paid["payment_hash"], paid["payment_preimage"], invoice, created, msat)
        self._sent.append(sent)
        return sent

    async def info(self) -> dict[str, Any]:
        """GetInfo as BTCPay shows it."""
        told = await self._ask("GET", "/v1/getinfo")
        return {
            "nodeURIs": [self.uri],
            "blockHeight": told["block_height"],
            "alias": told["alias"],
            "color": told["color"],
            "version": told["version"],
            "peersCount": told["num_peers"],
            "activeChannelsCount": told["num_active_channels"],
            "inactiveChannelsCount": told["num_inactive_channels"],
            "pendingChannelsCount": told["num_pending_channels"],
        }

    async def balance(self) -> dict[str, Any]:
        """Both balances as BTCPay shows them."""
        chain = await self._ask("GET", "/v1/balance/blockchain")
        sides = await self._ask("GET", "/v1/balance/channels")
        return {
            "onchain": {
                "confirmed": chain["confirmed_balance"],
                "unconfirmed": chain["unconfirmed_balance"],
                "reserved": chain["reserved_balance_anchor_chan"],
            },
            "offchain": {
                "opening": sides["pending_open_local_balance"]["msat"],
                "local": sides["local_balance"]["msat"],
                "remote": sides["remote_balance"]["msat"],
                "closing": "0",
            },
        }

    async def channels(self) -> list[dict[str, Any]]:
        """ListChannels as BTCPay shows it."""
        found = await self._ask("GET", "/v1/channels")
        return [
            {
                "remoteNode": each["remote_pubkey"],
                "isPublic": not each["private"],
                "isActive": each["active"],
                "capacity": f"{each['capacity']}000",
                "localBalance": f"{each['local_balance']}000",
                "channelPoint": each["channel_point"].replace(":", "-"),
            }
            for each in found["channels"]
        ]

    def cut_off(self) -> None:
        """BTCPay can't reach the node any more; its customers can."""
        self.reach.running, self.listener = False, None

    def reconnect(self) -> None:
        """BTCPay can reach it again; it opens its stream at its next try."""
        self.reach.running = True

    async def follow(self) -> None:
        """Look once at what was made: who listens hears of each settlement, as it would from the node's stream."""
        for payment_hash, before in list(self._made.items()):
            if before.paid_at is None and self.listener is not None:
                found = await self.find(payment_hash)
                if found is not None and found.paid_at is not None and self.listener is not None:
                    self._made[payment_hash] = found
                    self.listener(found)


def _node_invoice(told: Json) -> NodeInvoice:
    payment_hash, msat = unb64(told["r_hash"]), int(told["value_msat"])
    paid = told["state"] == "SETTLED"
    return NodeInvoice(
        id=payment_hash,
        bolt11=told["payment_request"],
        payment_hash=payment_hash,
        preimage=unb64(told["r_preimage"]),
        msat=msat or None,
        expires_at=int(told["creation_date"]) + int(told["expiry"]),
        paid_at=int(told["settle_date"]) if paid else None,
        received_msat=int(told["amt_paid_msat"]) if paid else 0,
    )


class RealCoins:
    """Addresses of the wallet of the merchant's LND, watched as NBXplorer does: in bitcoind's mempool and blocks."""

    def __init__(self, bed: Bed, indexer: Indexer) -> None:
        self.listener: Callable[[Coin], None] | None = None
        self.blocks: Callable[[], None] | None = None
        self._bed, self._indexer = bed, indexer
        self._addresses: set[str] = set()
        self._coins: dict[str, Coin] = {}
        self._inputs: dict[tuple[str, int], set[str]] = {}  # what is spent -> the transactions here that spend it
        self._known: set[str] = set()  # of the mempool, whoever they pay
        self._tip = str(bed.bitcoind.ask("getbestblockhash"))

    @property
    def height(self) -> int:
        """Blocks indexed."""
        return self._indexer.sync_height or 0

    async def new_address(self) -> tuple[str, int]:
        """One that nobody was given before."""
        await self._indexer.gate.wait()
        made = await asyncio.to_thread(self._bed.merchant.new_address)
        self._addresses.add(made)
        return made, len(self._addresses)

    def seen(self) -> Iterable[Coin]:
        """What was seen, oldest first."""
        return list(self._coins.values())

    async def fee_rate(self, target: int) -> Decimal:
        """Satoshis per virtual byte, the same for every target."""
        await self._indexer.gate.wait()
        return _FEE_RATE

    async def pay(self, address: str, satoshis: int) -> Coin:
        """SendCoins of the merchant's node."""
        await self._indexer.gate.wait()
        txid = await asyncio.to_thread(send_coins, self._bed.merchant, address, satoshis)
        return self._coins.setdefault(f"{txid}-{address}", Coin(txid, address, -satoshis, self._now()))

    async def follow(self) -> None:
        """Index what is new once, where the indexer is well."""
        if not (self._indexer.gate.well and self._indexer.bitcoind.well):
            return
        blocks, gone, waiting = await asyncio.to_thread(self._look)
        fresh = [coin for transaction in waiting for coin in self._received(transaction)]
        if blocks:
            fresh += self._turn(blocks, gone)
            self._indexer.notice()
        for coin in fresh:
            if self.listener is not None:
                self.listener(coin)
        if blocks and self.blocks is not None:
            self.blocks()

    def _turn(self, blocks: list[Json], gone: set[str]) -> list[Coin]:
        """Take back what is gone and add what is new; the coins that nobody saw before."""
        for coin in self._coins.values():
            if coin.block in gone:
                coin.height = coin.block = None
        fresh = list[Coin]()
        for block in blocks:
            for transaction in block["tx"]:
                fresh += self._received(transaction)
                self._confirm(transaction, block)
        if gone:
            self._indexer.chain.cut(len(gone))
        self._indexer.chain.mine(len(blocks))
        self._tip = blocks[-1]["hash"]
        return fresh

    def _look(self) -> tuple[list[Json], set[str], list[Json]]:
        """New blocks, oldest first, the hashes of those left behind, and new transactions of the mempool."""
        ask = self._bed.bitcoind.ask
        gone, last = set[str](), ask("getblockheader", self._tip)
        while last["confirmations"] < 0:
            gone.add(last["hash"])
            last = ask("getblockheader", last["previousblockhash"])
        blocks = []
        while "nextblockhash" in last:
            last = ask("getblock", last["nextblockhash"], 2)
            blocks.append(last)
        waiting = []
        for txid in set(ask("getrawmempool")) - self._known:
            self._known.add(txid)
            with suppress(RpcError):  # gone or mined meanwhile
                waiting.append(ask("getrawtransaction", txid, True))
        return blocks, gone, waiting

    def _received(self, transaction: Json) -> Iterator[Coin]:
        """What it pays here, where that is news."""
        txid, now = transaction["txid"], self._now()
        for output in transaction["vout"]:
            address, outpoint = output["scriptPubKey"].get("address"), f"{txid}-{output['n']}"
            if address not in self._addresses or outpoint in self._coins:
                continue
            spent = [each for each in transaction["vin"] if "txid" in each]
            for each in spent:
                self._inputs.setdefault((each["txid"], each["vout"]), set()).add(txid)
            coin = Coin(txid, address, int(Decimal(str(output["value"])).scaleb(8)), now, output=output["n"])
            coin.replaceable = any(each["sequence"] < FINAL for each in spent)
            self._coins[outpoint] = coin
            yield coin

    def _confirm(self, transaction: Json, block: Json) -> None:
        """It is in a block: what spent the same coins otherwise never will be."""
        rivals = set[str]()
        for each in transaction["vin"]:
            rivals |= self._inputs.get((each.get("txid", ""), each.get("vout", 0)), set())
        for coin in self._coins.values():
            if coin.txid == transaction["txid"]:
                coin.height, coin.block = block["height"], block["hash"]
            elif coin.txid in rivals:
                coin.replaced = True

    def _now(self) -> int:
        return int(self._indexer.clock.now())


class Shop(Audience):
    """A BTCPay Server with one store over the merchant of the bed; refunds over Lightning are paid by themselves."""

    def __init__(self, bed: Bed) -> None:
        super().__init__()
        clock = SystemClock()
        chain = Chain(clock)
        chain.mine(bed.bitcoind.height)
        indexer = Indexer(clock, chain)
        self.bed = bed
        self.nbxplorer = NbxplorerDouble(indexer)
        self.btcpay = BtcpayDouble(clock, indexer)
        self.node, self.coins = RealLightning(bed.merchant), RealCoins(bed, indexer)
        self.store = self.btcpay.add_store(coins=self.coins, lightning=self.node)
        self.store.processors["BTC-LN"] = Processor("BTC-LN", interval=2, instantly=True)
        self.owner = self.btcpay.add_key(self.store, "canmodifystoresettings", label="owner").secret
        self.monitor = self.btcpay.add_key(self.store).secret
        self.broken: Exception | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens, and what follows the real money."""
        async with self.nbxplorer, self.btcpay, super().opened():
            following = asyncio.create_task(self._follow())
            yield
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            try:
                await self.coins.follow()
                await self.node.follow()
            except OSError:
                pass  # a node is away: it is asked again
            except Exception as error:
                self.broken = error
                raise
            await asyncio.sleep(_LOOKS_EVERY)

    def settings(self) -> dict[str, object]:
        """The blocks of a site that reads it."""
        often = ("invoices", "history", "trailing", "payouts", "refunds", "rates", "balances", "store")
        server = {
            "url": self.btcpay.url,
            "api_key": self.monitor,
            "stores": {"shop": self.store.id},
            "webhook_secret": SECRET,
            "interval": "2s",
            "timeout": "1500ms",
            **{f"{name}_interval": "3s" for name in often},
        }
        indexer = {"url": self.nbxplorer.url, "interval": "2s", "deadline": "1500ms"}
        return {"btcpay": {"pay": server}, "nbxplorer": {"nbx": indexer}, "orders": {"retry_window": "60s"}}

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON is answered
        """Greenfield, as the owner; `path` of the store where it does not begin with a slash."""
        assert self.broken is None, self.broken
        where = path if path.startswith("/") else f"/api/v1/stores/{self.store.id}/{path}"
        headers = {"Authorization": f"token {self.owner}"}
        answer = httpx.request(method, self.btcpay.url + where, json=body, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def tell(self, url: str) -> None:
        """Register a webhook for everything."""
        self.ask("POST", "webhooks", {"url": url, "enabled": True, "automaticRedelivery": True, "secret": SECRET})

    def mark(self, invoice: str, status: str) -> None:
        """By hand."""
        self.ask("POST", f"invoices/{invoice}/status", {"status": status})

    def refund(self, invoice: str, request: str) -> None:
        """A link to all that was paid, claimed at once with a BOLT11."""
        link = self.ask("POST", f"invoices/{invoice}/refund", {"refundVariant": "RateThen", "payoutMethodId": "BTC-LN"})
        claim = {"destination": request, "payoutMethodId": "BTC-LN"}
        self.ask("POST", f"/api/v1/pull-payments/{link['id']}/payouts", claim)

    def delete(self, invoice: str) -> None:
        """As BTCPay's cleaning does: it is no more."""
        self.do(lambda: self.btcpay.core.invoices.pop(invoice))

    def order(self, name: str, *, minutes: float = 15) -> str:
        """A customer comes to pay 10 EUR, which are 20,000 sat; the id of the invoice."""
        body = {
            "amount": "10.00",
            "currency": "EUR",
            "metadata": {"orderId": name},
            "checkout": {"expirationMinutes": minutes},
        }
        return str(self.ask("POST", "invoices", body)["id"])

    def invoice(self, invoice: str) -> Invoice:
        """As the server has it."""
        return self.do(lambda: self.btcpay.core.invoices[invoice])

    def destination(self, invoice: str, method: str) -> str:
        """What the checkout shows: a BOLT11 or an address."""
        prompt = self.invoice(invoice).prompt(method)
        assert prompt is not None, method
        assert prompt.destination is not None
        return prompt.destination

    def status(self, invoice: str) -> tuple[str, str]:
        """Status and additional status."""
        found = self.invoice(invoice)
        return found.status, found.additional

"""What each event of the world does to the doubles."""

import contextlib
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from lnwatch.simulator.bitcoind import BitcoindDouble
from lnwatch.simulator.btcpay import BtcpayDouble, Invoice, SimulatedCoins, Store
from lnwatch.simulator.btcpay.core import PaymentRequest
from lnwatch.simulator.btcpay.encoding import bolt11
from lnwatch.simulator.btcpay.invoice import CHAIN, LIGHTNING, LNURL
from lnwatch.simulator.btcpay.invoicing import UnpayableError, order_of, scan
from lnwatch.simulator.btcpay.payouts import RefusedError
from lnwatch.simulator.lnd.invoices import CANCELED
from lnwatch.simulator.world.events import (
    BlockMined,
    ChannelClosed,
    ChannelOpened,
    CoinsSent,
    CoinsTakenBack,
    Event,
    FeesMoved,
    HtlcFreed,
    HtlcsAdded,
    HtlcsFailed,
    HtlcsSettled,
    HtlcStuck,
    InvoiceMade,
    PaidElsewhere,
    PaidOut,
    PeerWent,
    RateMoved,
    RefundDue,
    Reorganised,
    Swept,
)
from lnwatch.simulator.world.lightning_way import LightningWay
from lnwatch.simulator.world.lnd_side import LndSide
from lnwatch.simulator.world.world import World

_CHEAPER: Final = {
    1: 1.0,
    2: 1.0,
    3: 0.8,
    6: 0.65,
    144: 0.4,
    1008: 0.25,
}  # of the next block's fee, by target in blocks
_LEAST: Final = Decimal("1.0")  # satoshis per virtual byte


class Play:
    """Puts events to the doubles."""

    def __init__(
        self,
        world: World,
        btcpay: BtcpayDouble,
        bitcoind: BitcoindDouble,
        side: LndSide,
        stores: Mapping[str, Store],
    ) -> None:
        """Nothing has happened yet."""
        self._world, self._btcpay, self._bitcoind, self._side = world, btcpay, bitcoind, side
        self._stores = stores
        self.invoices: dict[str, Invoice] = {}  # what BTCPay made of those of the world
        self._requests: dict[str, str] = {}
        self._paying: dict[str, int] = {}  # add index of what the world's HTLCs pay
        self._coins: dict[str, SimulatedCoins] = {}  # by transaction
        self._refunded: str | None = None
        self._claims = 0

    async def attempt(self, event: Event) -> None:
        """Perform, where what is asked can be reached."""
        with contextlib.suppress(OSError, UnpayableError, RefusedError):
            await self.perform(event)

    async def perform(self, event: Event) -> None:
        """Do to the doubles what happened."""
        match event:
            case InvoiceMade():
                await self._make_invoice(event)
            case HtlcsAdded() | HtlcsSettled() | HtlcsFailed():
                await self._htlcs(event)
            case CoinsSent() | CoinsTakenBack():
                self._send(event)
            case BlockMined() | Reorganised() | FeesMoved():
                self._chain(event)
            case RateMoved(currency, cents):
                for store in self._stores.values():
                    store.rates[f"BTC_{currency}"] = Decimal(cents).scaleb(-2)
            case RefundDue(invoice=invoice):
                self._refunded = invoice
            case PaidOut() | Swept():
                await self._spend(event)
            case PeerWent() | ChannelOpened() | ChannelClosed() | HtlcStuck() | HtlcFreed() | PaidElsewhere():
                self._channels(event)

    # -- orders -----------------------------------------------------------------------------------------------

    async def _make_invoice(self, event: InvoiceMade) -> None:
        store = self._stores[event.store]
        price = Decimal(event.cents).scaleb(-2) if event.cents else None
        metadata: dict[str, str] = {"orderId": event.about} if event.about else {}
        if event.kind == "request":
            metadata["paymentRequestId"] = self._request(event, store)
        made = await self._btcpay.open_invoice(store, order_of(store, price=price, metadata=metadata))
        self.invoices[event.invoice] = made
        if event.kind == "request":
            self._btcpay.core.requests[metadata["paymentRequestId"]].invoices.append(made.id)

    def _request(self, event: InvoiceMade, store: Store) -> str:
        """The bill that this is an instalment of: for twice the amount."""
        core = self._btcpay.core
        if event.about not in self._requests:
            amount, now = Decimal(2 * event.cents).scaleb(-2), int(core.clock.now())
            name = core.ids.uuid("request")
            core.requests[name] = PaymentRequest(
                *(name, store.id, amount, store.currency, f"Bill {event.order}", now), custom_amounts=True
            )
            self._requests[event.about] = name
        return self._requests[event.about]

    async def sell(self, store: Store, *, cents: int, expires_in: int) -> Invoice:
        """Somebody comes of whom the world knows nothing."""
        self._claims += 1
        metadata = {"orderId": f"extra-{self._claims}"}
        order = order_of(store, price=Decimal(cents).scaleb(-2), expires_in=expires_in, metadata=metadata)
        return await self._btcpay.open_invoice(store, order)

    def pay_now(self, invoice: Invoice) -> None:
        """They pay over Lightning, at once. Raises LookupError where nothing can come in."""
        prompt, way = invoice.prompt(LIGHTNING), self._way(invoice)
        index = way.known.get(str(prompt.details["paymentHash"])) if prompt is not None and way is not None else None
        found = self._side.node.invoices.get(index) if index is not None else None
        if way is None or index is None or found is None:
            raise LookupError("there is no invoice at the node")
        parts = self._world.receive(found.value_msat)
        self._side.arrive(index, parts, whole=True)
        way.settled(self._side.settle(index, parts))

    # -- Lightning --------------------------------------------------------------------------------------------

    async def _htlcs(self, event: HtlcsAdded | HtlcsSettled | HtlcsFailed) -> None:
        invoice = self.invoices.get(event.invoice)
        way = self._way(invoice)
        if isinstance(event, HtlcsAdded) and invoice is not None and way is not None:
            index = await self._index(invoice, way, event.method)
            if index is not None:
                self._paying[event.invoice] = index
                self._side.arrive(index, event.parts, whole=event.whole)
        elif isinstance(event, HtlcsSettled) and way is not None:
            index = self._paying.pop(event.invoice, None)
            if index is not None:
                way.settled(self._side.settle(index, event.parts))
        elif isinstance(event, HtlcsFailed):
            self._side.refuse(self._paying.pop(event.invoice, None), event.parts, event.why)
        self._side.balance()

    def _way(self, invoice: Invoice | None) -> LightningWay | None:
        way = self._btcpay.core.stores[invoice.store].lightning if invoice is not None else None
        return way if isinstance(way, LightningWay) else None

    async def _index(self, invoice: Invoice, way: LightningWay, method: str) -> int | None:
        """Of the node's invoice that the checkout shows; None where there is none that is open."""
        prompt = invoice.prompt(method) or invoice.prompt(LIGHTNING)
        if prompt is None:
            return None
        if prompt.method == LNURL and prompt.destination is None:
            store = self._btcpay.core.stores[invoice.store]
            due = int(invoice.account(prompt).due.scaleb(11))
            await scan(self._btcpay.core, store, invoice, prompt, due)
        index = way.known.get(str(prompt.details["paymentHash"]))
        found = self._side.node.invoices.get(index) if index is not None else None
        return index if found is not None and found.state != CANCELED else None

    # -- the chain --------------------------------------------------------------------------------------------

    def _send(self, event: CoinsSent | CoinsTakenBack) -> None:
        if isinstance(event, CoinsTakenBack):
            if (coins := self._coins.pop(event.tx, None)) is not None:
                coins.replace(event.tx)
            return
        invoice = self.invoices.get(event.invoice)
        prompt = invoice.prompt(CHAIN) if invoice is not None else None
        coins = self._wallet(invoice)
        if prompt is None or prompt.destination is None or coins is None:
            return
        if event.replaces in self._coins:
            self._coins.pop(event.replaces).replace(event.replaces, by=event.tx)
        coins.receive(prompt.destination, event.msat // 1_000, replaceable=event.replaceable, txid=event.tx)
        self._coins[event.tx] = coins

    def _wallet(self, invoice: Invoice | None) -> SimulatedCoins | None:
        coins = self._btcpay.core.stores[invoice.store].coins if invoice is not None else None
        return coins if isinstance(coins, SimulatedCoins) else None

    def _chain(self, event: BlockMined | Reorganised | FeesMoved) -> None:
        chain, indexer = self._bitcoind.node.chain, self._btcpay.core.indexer
        wallets = [each.coins for each in self._stores.values() if isinstance(each.coins, SimulatedCoins)]
        if isinstance(event, FeesMoved):
            rates = {to: max(_LEAST, Decimal(str(round(event.next_block * of, 2)))) for to, of in _CHEAPER.items()}
            for wallet in wallets:
                wallet.fees = rates
            self._bitcoind.node.fees = {target: rate.scaleb(-5) for target, rate in rates.items()}
            self._bitcoind.node.others = event.waiting
        elif isinstance(event, Reorganised):
            for block in chain.cut(event.depth):
                for wallet in wallets:
                    wallet.undo(block)
        else:
            waiting = self._world.scene.market.waiting
            taken = [each for each in chain.mempool if each in event.txs or each not in waiting]
            for block in chain.mine(only=taken):
                for wallet in wallets:
                    wallet.index(block)
            indexer.notice()
            self._side.block(chain.tip.height)

    # -- the node's own money ---------------------------------------------------------------------------------

    async def _spend(self, event: PaidOut | Swept) -> None:
        books = self._world.scene.books
        if event.purpose == "refund" and self._refunded is not None:
            invoice, self._refunded = self.invoices.get(self._refunded), None
            if invoice is not None:
                self._refund(invoice, event.msat, LIGHTNING if isinstance(event, PaidOut) else CHAIN)
        elif isinstance(event, PaidOut):
            paid = self._side.node.payments.send(event.msat)
            self._side.node.payments.finish(paid)
            paid.fee_msat, paid.fee_sat = event.fee, event.fee // 1_000
        self._side.balance()
        self._side.wallet(books.wallet, books.limbo)

    def _refund(self, invoice: Invoice, msat: int, method: str) -> None:
        """The customer's own node or wallet asks for it."""
        self._claims += 1
        coins, wallet = Decimal(msat).scaleb(-11), self._wallet(invoice)
        preimage = f"{self._world.scene.spec.seed}/refund/{self._claims}".encode()
        destination = wallet.foreign_address() if method == CHAIN and wallet is not None else ""
        if not destination:
            now = int(self._btcpay.core.clock.now())
            destination = bolt11(msat, hashlib.sha256(preimage).hexdigest(), now, 3_600, "refund")
        self._btcpay.give_back(invoice, coins, destination, method)

    def _channels(
        self, event: PeerWent | ChannelOpened | ChannelClosed | HtlcStuck | HtlcFreed | PaidElsewhere
    ) -> None:
        match event:
            case PeerWent(peer, online):
                self._side.peer_went(peer, online=online)
            case ChannelOpened(channel):
                self._side.opened(self._world.scene.network.channels[channel])
            case ChannelClosed(channel, _, msat, forced):
                self._side.closed(channel, msat, forced=forced)
            case HtlcStuck(channel, msat, expires):
                self._side.stick(channel, msat, expires)
            case HtlcFreed(channel):
                self._side.free(channel)
            case PaidElsewhere():
                self._side.balance()

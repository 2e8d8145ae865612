"""The simulated on-chain wallet: addresses, transactions that reach it late, blocks that confirm them."""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal

from lnwatch.simulator.bitcoind.chain import SimulatedBlock
from lnwatch.simulator.btcpay.encoding import Ids, address
from lnwatch.simulator.btcpay.wallet import Coin
from lnwatch.simulator.nbxplorer import Indexer


class SimulatedCoins:
    """A hot wallet over an indexer's chain. `fees` are sat/vB by target in blocks; the next larger target counts.

    `relay` is how long the indexer takes to hear of what the wallet itself sends, in seconds.
    """

    def __init__(self, indexer: Indexer, seed: str = "wallet") -> None:
        """Empty."""
        self.indexer = indexer
        self.fees: dict[int, Decimal] = {1: Decimal("100.0"), 1008: Decimal("1.007")}
        self.relay = 0.0
        self.listener: Callable[[Coin], None] | None = None
        self.blocks: Callable[[], None] | None = None
        self._ids = Ids(seed)
        self.account = "tpub" + self._ids.make("account", 32) + self._ids.make("account", 32)
        self._coins: dict[str, Coin] = {}
        self._unseen: list[Coin] = []
        self._index = 1
        self._told = indexer.chain.tip.height
        self._tasks: set[asyncio.Task[None]] = set()
        indexer.listeners.append(self._notice)

    @property
    def height(self) -> int:
        """Blocks indexed."""
        return self.indexer.sync_height or 0

    async def new_address(self) -> tuple[str, int]:
        """The next address and its index."""
        await self.indexer.gate.wait()
        self._index += 1
        return address(bytes.fromhex(self._ids.hash("address"))[:20]), self._index

    def foreign_address(self) -> str:
        """An address of somebody else."""
        return address(bytes.fromhex(self._ids.hash("elsewhere"))[:20])

    def seen(self) -> Iterable[Coin]:
        """What was seen, oldest first."""
        return [coin for coin in self._coins.values() if coin.seen_at is not None]

    async def fee_rate(self, target: int) -> Decimal:
        """Satoshis per virtual byte."""
        await self.indexer.gate.wait()
        return self.fees[min((each for each in self.fees if each >= target), default=max(self.fees))]

    async def pay(self, address: str, satoshis: int) -> Coin:
        """Pay somebody."""
        await self.indexer.gate.wait()
        return self.receive(address, -satoshis, relay=self.relay)

    def receive(
        self, address: str, satoshis: int, *, relay: float = 0.0, replaceable: bool = False, txid: str | None = None
    ) -> Coin:
        """Somebody pays an address; the indexer hears of it `relay` seconds later, or with the block that has it."""
        coin = Coin(self.indexer.chain.broadcast(txid), address, satoshis, replaceable=replaceable)
        self._coins[coin.txid] = coin
        self._unseen.append(coin)
        if not relay:
            coin.relayed = True
            self.indexer.notice()
            return coin

        async def later() -> None:
            await self.indexer.clock.sleep(relay)
            coin.relayed = True
            self.indexer.notice()

        task = asyncio.get_running_loop().create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return coin

    def replace(self, txid: str, by: str | None = None) -> str:
        """Its coins are spent otherwise before it confirms, `by` a known transaction or one of somebody else's; nobody
        notices before the next block."""
        self.indexer.chain.evict(txid)
        self._coins[txid].replaced = True
        return self.indexer.chain.broadcast(by)

    def mine(self, count: int = 1) -> int:
        """Mine blocks; the height after."""
        for block in self.indexer.chain.mine(count):
            self.index(block)
        self.indexer.notice()
        return self.indexer.chain.tip.height

    def index(self, block: SimulatedBlock) -> None:
        """A block that somebody mined; the indexer is yet to notice it."""
        for txid in block.txids:
            if coin := self._coins.get(txid):
                coin.height, coin.block = block.height, block.hash

    def undo(self, block: SimulatedBlock) -> None:
        """A block that was left behind."""
        for txid in block.txids:
            if coin := self._coins.get(txid):
                coin.height = coin.block = None
        self._told = min(self._told, block.height - 1)

    async def close(self) -> None:
        """Let go of what is still on its way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _notice(self) -> None:
        news = [coin for coin in self._unseen if coin.relayed or coin.confirmations(self.height)]
        for coin in news:
            self._unseen.remove(coin)
            coin.seen_at = int(self.indexer.clock.now())
            if self.listener is not None and not coin.replaced:
                self.listener(coin)
        if self.height > self._told:
            self._told = self.height
            if self.blocks is not None:
                self.blocks()

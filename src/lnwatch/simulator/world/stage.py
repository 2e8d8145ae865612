"""A world on the doubles: what happens in it is put to BTCPay, NBXplorer, bitcoind and LND as they speak on sockets."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain, User
from lnwatch.simulator.bitcoind import Node as BitcoindNode
from lnwatch.simulator.btcpay import BtcpayDouble, Processor, SimulatedCoins, Store
from lnwatch.simulator.kestrel import Gate
from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.lnd import Node as LndNode
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from lnwatch.simulator.world.events import Event, Listener
from lnwatch.simulator.world.lightning_way import LightningWay
from lnwatch.simulator.world.lnd_side import LndSide
from lnwatch.simulator.world.pace import StageClock
from lnwatch.simulator.world.play import Play
from lnwatch.simulator.world.second import ToMerchant, second_node
from lnwatch.simulator.world.spec import WorldSpec
from lnwatch.simulator.world.world import World

_SPACING: Final = 600  # seconds between the blocks from before the world
_ASKED_BY_LNWATCH: Final = frozenset(
    {"getblockchaininfo", "getnetworkinfo", "getmempoolinfo", "uptime", "estimatesmartfee", "getblockhash"}
    | {"getblockheader", "getblock", "getmempoolentry"}
)
_METHODS: Final = ("BTC-LN", "BTC-LNURL", "BTC-CHAIN")
_MONITOR: Final = ("canviewstoresettings", "canviewwallet", "canviewlightninginvoice", "webhooks.canmodifywebhooks")


class Stage:
    """One site on sockets. `node_gate` is LND as BTCPay meets it, `reach` BTCPay's way there; `key` and `monitor` are
    credentials for a monitor, which can only read; LND keeps its backup in `folder` as long as it `writes_backup`.
    `second` is a node elsewhere that can probe the way to LND."""

    def __init__(self, spec: WorldSpec, folder: Path, *, lacking: Collection[str] = (), listens: bool = True) -> None:
        """Everything stands at the beginning; credentials are written to `folder`, `key` without what is `lacking`.
        Where LND never `listens`, it is asked from within this process alone."""
        self._heard: list[Event] = []
        self.listeners: list[Listener] = []  # of what happens in the world
        self.looks_every = 1.0  # seconds, at what stands in the customers' way
        self.clock = StageClock(spec.begin / 1_000)
        self.chain = self._old_chain(spec)
        self.world = World(spec, self._hear)
        self.monitor = User("lnwatch", secrets.token_hex(16), _ASKED_BY_LNWATCH)
        node = BitcoindNode(self.chain, users=(self.monitor,), whitelist_default=False)
        self.bitcoind = BitcoindDouble(node, cookie=folder / ".cookie")
        self.indexer = Indexer(self.clock, self.chain)
        self.nbxplorer = NbxplorerDouble(self.indexer)
        self.btcpay = BtcpayDouble(self.clock, self.indexer, seed=f"{spec.seed}/btcpay")
        self.node = LndNode(now=self.clock.now, scale=Scale(channels=0), height=spec.height, alias="merchant")
        self.lnd = LndDouble(self.node, folder, listens=listens)
        self.node_gate, self.reach = Gate(), Gate()
        self.stores = {each.name: self._open_store(each.name, each.currency) for each in spec.stores}
        rights = [each for each in _MONITOR if each not in lacking]
        scopes = [f"btcpay.store.{right}:{each.id}" for each in self.stores.values() for right in rights]
        core = self.btcpay.core
        self.key = core.credentials.key(core.ids.hash("key")[:40], self.btcpay.owner, "monitor", *scopes).secret
        self.writes_backup = True
        self._backup, self._backup_file = b"", folder / "channel.backup"
        self.side = LndSide(self.node, self.world.scene.network, spec.seed)
        way = ToMerchant(self.world.scene, self.side, self.node_gate, self._invoiced)
        self.second = second_node(self.clock.now, way, spec.height, folder / "second", listens=listens)
        self.side.others.append(self.second.node)
        self.play = Play(self.world, self.btcpay, self.bitcoind, self.side, self.stores)

    def _old_chain(self, spec: WorldSpec) -> Chain:
        begin = spec.begin // 1_000
        self.clock.begin(begin - spec.height * _SPACING)
        chain = Chain(self.clock, seed=spec.seed)
        for left in range(spec.height, 0, -1):
            self.clock.begin(begin - left * _SPACING)
            chain.mine()
        self.clock.begin(begin)
        return chain

    def _open_store(self, name: str, currency: str) -> Store:
        coins = SimulatedCoins(self.indexer, seed=f"{self.world.scene.spec.seed}/{name}/wallet")
        way = LightningWay(self.node, self.clock.now, self.node_gate, self.reach)
        store = self.btcpay.add_store(name, coins, way)
        store.currency, store.wallet_label = currency, f"{name}'s wallet"
        store.methods = dict.fromkeys(_METHODS, True)
        store.processors = {each: Processor(each, instantly=True) for each in ("BTC-LN", "BTC-CHAIN")}
        return store

    @property
    def ways(self) -> list[LightningWay]:
        """BTCPay's to the node, one of each store."""
        return [each.lightning for each in self.stores.values() if isinstance(each.lightning, LightningWay)]

    def _invoiced(self, payment_hash: str) -> bool:
        return any(payment_hash in way.known for way in self.ways)

    def _hear(self, at: int, event: Event) -> None:
        self._heard.append(event)
        for listener in self.listeners:
            listener(at, event)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.bitcoind, self.nbxplorer, self.btcpay:
            await self.lnd.start()
            await self.second.start()
            try:
                yield
            finally:
                await self.lnd.stop()
                await self.second.stop()

    # -- the past ---------------------------------------------------------------------------------------------

    async def live_through(self, until: float, progress: Callable[[float], None]) -> None:
        """Let it all happen up to a moment, as fast as it goes; `progress` hears of each day."""
        timetable, day = self.world.scene.timetable, -1
        begin = timetable.now / 1_000
        while (due := timetable.next_due) is not None and due <= until * 1_000:
            self.world.run(due)
            await self._perform(due / 1_000)
            if (passed := int((due / 1_000 - begin) // 86_400)) > day:
                day = passed
                progress((due / 1_000 - begin) / (until - begin))
        await self._perform(until)
        await self.clock.reach(until)
        self.btcpay.exchanges.clear()

    async def _perform(self, at: float) -> None:
        """Put to the doubles what was heard of a moment."""
        events, self._heard = self._heard, []
        if not events:
            return
        await self.clock.reach(at)
        for event in events:
            await self.play.perform(event)
        while not self.btcpay.core.resting:  # noqa: ASYNC110 - it is its own loop's work that is waited for
            await asyncio.sleep(0)

    # -- the present ------------------------------------------------------------------------------------------

    async def run(self, at: float | None = None) -> None:
        """By the event loop's time until cancelled, from where the clock stands or from `at`."""
        self.clock.go_live(at)
        async with asyncio.TaskGroup() as group:
            while True:
                self.look()
                self.world.run(int(self.clock.now() * 1_000))
                events, self._heard = self._heard, []
                for event in events:
                    group.create_task(self.play.attempt(event))
                self._write_backup()
                self.btcpay.exchanges.clear()
                self.bitcoind.asked.clear()
                await self.clock.sleep(self._rest())

    def _rest(self) -> float:
        due = self.world.scene.timetable.next_due
        wait = self.looks_every if due is None else due / 1_000 - self.clock.now()
        return min(max(0.0, wait), self.looks_every)

    def _write_backup(self) -> None:
        """LND does it by itself whenever a channel was opened or closed."""
        backup = self.node.backup()
        if self.writes_backup and backup != self._backup:
            self._backup = backup
            self._backup_file.write_bytes(backup)

    def look(self) -> None:
        """What the doubles' state means for customers."""
        causes, indexer = self.world.causes, self.indexer.gate
        causes.checkout = self.btcpay.gate.well and not self.btcpay.postgresql.frozen and not indexer.frozen
        causes.node = self.node_gate.well and self.node.state == sim.SERVER_ACTIVE
        causes.known = causes.node and self.reach.well
        causes.indexer = indexer.well and self.btcpay.core.synchronized

"""A bitcoind as the suite sees it: the simulator's, or a real one, in the same state."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from lnwatch.clock import Clock, SystemClock
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain, Node, User
from lnwatch.simulator.bitcoind.node import PRE_RELEASE
from tests.real.testbed.bitcoin import Bitcoind
from tests.real.testbed.fees import EVERYBODYS, spend

FULL, WEAK, PASSWORD = "full", "weak", "word-of-both"
FEW = ("getblockchaininfo", "getnetworkinfo", "uptime")  # what the weak one may call
BLOCKS = 120
_SALT = "0f1e2d3c"
_COINS = 10  # blocks whose reward everybody may spend, so many transactions can a test make
_REWARD, _FEE = 5_000_000_000, 1_000  # satoshis


class Core(Protocol):
    """One node with two users, and what happens to its chain."""

    @property
    def port(self) -> int:
        """Where it answers."""

    @property
    def cookie(self) -> Path:
        """The file of its cookie."""

    def height(self) -> int:
        """Of its tip."""

    def tip(self) -> str:
        """The hash of it."""

    def mine(self, count: int) -> None:
        """So many blocks, which take everything that waits."""

    def broadcast(self) -> str:
        """A transaction that waits from now on."""

    def reorganise(self, depth: int) -> None:
        """The newest blocks give way to one more, and what was in them waits again."""


class DoubledCore:
    """The simulator's."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._chain = Chain(clock)
        self._chain.mine(BLOCKS)
        users = (User(FULL, PASSWORD), User(WEAK, PASSWORD, frozenset(FEW)))
        node = Node(self._chain, version=319_900, users=users, whitelist_default=False, warnings=(PRE_RELEASE,))
        node.peers_out = 0
        self.cookie = folder / ".cookie"
        self.double = BitcoindDouble(node, cookie=self.cookie)

    @property
    def port(self) -> int:
        return self.double.port

    def height(self) -> int:
        return self._chain.tip.height

    def tip(self) -> str:
        return self._chain.tip.hash

    def mine(self, count: int) -> None:
        self._chain.mine(count)

    def broadcast(self) -> str:
        return self._chain.broadcast()

    def reorganise(self, depth: int) -> None:
        self._chain.reorganise(depth)


class RealCore:
    """A bitcoind of its own."""

    def __init__(self, folder: Path) -> None:
        logins = [_rpcauth(user) for user in (FULL, WEAK)]
        few = [f"-rpcwhitelist={WEAK}:{','.join(FEW)}", "-rpcwhitelistdefault=0"]
        self.node = Bitcoind(folder / "core", flags=(*logins, *few))
        self.node.start()
        self._coins = self.node.mine(_COINS, EVERYBODYS)
        self.node.mine(BLOCKS - _COINS)

    @property
    def port(self) -> int:
        return self.node.rpc_port

    @property
    def cookie(self) -> Path:
        return self.node.cookie

    def height(self) -> int:
        return self.node.height

    def tip(self) -> str:
        return str(self.node.ask("getbestblockhash"))

    def mine(self, count: int) -> None:
        self.node.mine(count)

    def broadcast(self) -> str:
        coin = self.node.ask("getblock", self._coins.pop(0), 2)["tx"][0]["txid"]
        return str(self.node.ask("sendrawtransaction", spend(coin, 0, [_REWARD - _FEE]), 0))

    def reorganise(self, depth: int) -> None:
        self.node.ask("invalidateblock", self.node.ask("getblockhash", self.node.height - depth + 1))
        self.node.mine_empty(depth + 1)


def _rpcauth(user: str) -> str:
    digest = hmac.new(_SALT.encode(), PASSWORD.encode(), hashlib.sha256).hexdigest()
    return f"-rpcauth={user}:{_SALT}${digest}"


@asynccontextmanager
async def doubled(folder: Path) -> AsyncIterator[Core]:
    """The simulator's, as long as it is wanted."""
    core = DoubledCore(folder, SystemClock())
    async with core.double:
        yield core

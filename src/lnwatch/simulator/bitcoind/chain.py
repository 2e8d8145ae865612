"""A block chain with a mempool: mined, reorganised and cut back by hand, the same for the same seed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from lnwatch.clock import Clock

_GENESIS_TIME = 1_296_688_602


@dataclass(frozen=True, slots=True)
class SimulatedBlock:
    """One block; its first transaction is the coinbase."""

    height: int
    hash: str
    previous_hash: str
    time: int
    txids: tuple[str, ...]


@dataclass(slots=True)
class Chain:
    """`active` runs from the first block to the tip; `blocks` also holds those that were left behind."""

    clock: Clock
    seed: str = "lnwatch"
    active: list[SimulatedBlock] = field(default_factory=list)
    blocks: dict[str, SimulatedBlock] = field(default_factory=dict)
    mempool: dict[str, int] = field(default_factory=dict)  # txid -> when it came in, epoch seconds
    _made: int = 0

    def __post_init__(self) -> None:
        """Begin with a first block."""
        self._append(self._identifier("genesis"), _GENESIS_TIME, ())

    @property
    def tip(self) -> SimulatedBlock:
        """The newest active block."""
        return self.active[-1]

    def broadcast(self, txid: str | None = None) -> str:
        """Put a transaction into the mempool; made up where none is given."""
        txid = txid or self._identifier("transaction")
        self.mempool.setdefault(txid, int(self.clock.now()))
        return txid

    def evict(self, txid: str) -> None:
        """Take a transaction out of the mempool unmined, as when it was replaced."""
        del self.mempool[txid]

    def mine(self, count: int = 1, *, only: Iterable[str] | None = None) -> list[SimulatedBlock]:
        """Mine blocks; the first takes the whole mempool, or `only` these transactions of it."""
        mined = []
        for _ in range(count):
            chosen = tuple(self.mempool) if only is None else tuple(only)
            for txid in chosen:
                del self.mempool[txid]
            only = None if only is None else ()
            time = max(int(self.clock.now()), self.tip.time + 1)
            mined.append(self._append(self._identifier("block"), time, chosen))
        return mined

    def cut(self, depth: int) -> list[SimulatedBlock]:
        """Disconnect the newest blocks, as `invalidateblock` does: what they held is in the mempool again."""
        if not 0 < depth < len(self.active):
            raise ValueError("the first block can't be disconnected")
        gone = self.active[-depth:]
        del self.active[-depth:]
        for block in gone:
            for txid in block.txids[1:]:
                self.mempool.setdefault(txid, int(self.clock.now()))
        return gone

    def reorganise(self, depth: int, length: int | None = None, *, empty: bool = True) -> list[SimulatedBlock]:
        """Replace the newest `depth` blocks by a branch of `length` (one more than depth), empty or not."""
        self.cut(depth)
        return self.mine(depth + 1 if length is None else length, only=() if empty else None)

    def median_time(self, block: SimulatedBlock) -> int:
        """The median of the last eleven block times up to this one (Bitcoin's median time past)."""
        times, current = [block.time], block
        while current.previous_hash and len(times) < 11:
            current = self.blocks[current.previous_hash]
            times.append(current.time)
        return sorted(times)[len(times) // 2]

    def _append(self, block_hash: str, time: int, txids: tuple[str, ...]) -> SimulatedBlock:
        previous = self.active[-1].hash if self.active else ""
        block = SimulatedBlock(len(self.active), block_hash, previous, time, (self._identifier("coinbase"), *txids))
        self.active.append(block)
        self.blocks[block.hash] = block
        return block

    def _identifier(self, kind: str) -> str:
        self._made += 1
        return hashlib.sha256(f"{self.seed}/{kind}/{self._made}".encode()).hexdigest()

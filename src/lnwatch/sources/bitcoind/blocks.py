"""Follows the active chain block by block, across reorganisations, and finds watched transactions in it.

The ledger's blocks are its only memory: a Block at a height at or below known ones replaces those from
there up, so a correction is told by emitting everything from its height to the tip again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import TypeAdapter

from lnwatch.clock import Clock
from lnwatch.model.chain import Block, MempoolSighting, Reorganisation, WatchedTransaction
from lnwatch.model.snapshot import Event, Reading
from lnwatch.sources import Memory
from lnwatch.sources.bitcoind.answers import BlockchainInfo, Header
from lnwatch.sources.bitcoind.chain import ChainReader
from lnwatch.sources.bitcoind.fork import Start, Tip, where_to_start
from lnwatch.sources.bitcoind.rpc import NOT_FOUND, Call, Rpc
from lnwatch.sources.bitcoind.status import Remarks

_CHAIN: Final = TypeAdapter(BlockchainInfo)
KNOWN_BLOCKS: Final = 144  # a day: how far back forks, and transactions that we learnt of late, are looked for
PAGE: Final = 100  # blocks of one run while catching up
_SIGHTINGS: Final = 500  # transactions asked for in one batch, the newest first
_TIME_SHARE: Final = 0.5  # of the deadline that a run may spend on reading blocks
# A transaction watched this shortly before a block was read may not have been on that run's list.
_SLACK: Final = 60.0


@dataclass(slots=True)
class _Run:
    """What one run knows when it begins: the past, the watch list, and how long it may read."""

    known: Sequence[Block]
    watched: frozenset[str]
    until: float


@dataclass(slots=True)
class BlocksCollector:
    """New blocks, reorganisations and mempool sightings as events."""

    rpc: Rpc
    clock: Clock
    remarks: Remarks
    interval: float
    deadline: float
    name: str = "blocks"
    _searched: dict[str, int] = field(default_factory=dict)  # txid -> lowest height already looked into

    async def collect(self, memory: Memory) -> Reading:
        """Follow the chain from the last known block on. Raises SourceError."""
        until = self.clock.monotonic() + self.deadline * _TIME_SHARE
        watched = await memory.watched()
        run = _Run(await memory.blocks(KNOWN_BLOCKS), frozenset(entry.txid for entry in watched), until)
        unseen = [entry for entry in watched if entry.first_seen_at is None and entry.block_height is None]
        info, sightings, absent = await self._look(sorted(unseen, key=lambda entry: entry.since)[-_SIGHTINGS:])
        events, more = await self._follow(run, info)
        if not events:
            events, more = await self._search_late(run, absent)
        return Reading(events=(*sightings, *events), more=more)

    async def _look(
        self, unseen: Sequence[WatchedTransaction]
    ) -> tuple[BlockchainInfo, list[MempoolSighting], list[WatchedTransaction]]:
        """The chain; of the `unseen`, those that are in the mempool now, and those that surely are not."""
        calls = [Call("getblockchaininfo"), *(Call("getmempoolentry", (entry.txid,)) for entry in unseen)]
        outcomes, _ = await self.rpc.batch(calls)
        asked = list(zip(unseen, outcomes[1:], strict=True))
        now = self.clock.now()
        sightings = [MempoolSighting(entry.txid, now) for entry, outcome in asked if outcome.failure() is None]
        absent = [entry for entry, outcome in asked if outcome.code == NOT_FOUND]
        return outcomes[0].read(_CHAIN), sightings, absent

    async def _follow(self, run: _Run, info: BlockchainInfo) -> tuple[list[Event], bool]:
        """What changed since the newest known block, and whether there is more to read."""
        tip = Tip(info.blocks, info.bestblockhash, behind=info.headers > info.blocks)
        if info.initialblockdownload or (run.known and run.known[0].hash == tip.hash):
            return [], False  # what a node learns in its initial download is no news
        reader = ChainReader(self.rpc, self.remarks)
        start = where_to_start(run.known, await reader.newest_common(run.known, tip), tip)
        if start is None:
            return [], False
        headers = await reader.headers(start.height, min(start.height + PAGE - 1, tip.height), start.parent)
        if not headers:
            return [], False  # the chain changed while it was read: the next run sees where to
        blocks = await self._read(reader, run, headers)
        return [*self._reorganisation(run.known, start, tip), *blocks], blocks[-1].height < tip.height

    def _reorganisation(self, known: Sequence[Block], start: Start, tip: Tip) -> list[Reorganisation]:
        if not start.depth:
            return []
        fork_height = known[0].height - start.depth
        return [Reorganisation(self.clock.now(), start.depth, fork_height, known[0].hash, tip.hash)]

    async def _read(self, reader: ChainReader, run: _Run, headers: Sequence[Header]) -> list[Block]:
        """At least one block, then as many as the time allows."""
        seen_before = {block.hash: block.seen_at for block in run.known}
        blocks: list[Block] = []
        for header in headers:
            if blocks and self.clock.monotonic() >= run.until:
                break
            txids = await reader.watched_in(header.hash, header.height, run.watched)
            seen_at = seen_before.get(header.hash, self.clock.now())
            previous = header.previousblockhash or ""
            blocks.append(Block(header.height, header.hash, previous, header.time, seen_at, txids))
        return blocks

    async def _search_late(self, run: _Run, absent: Sequence[WatchedTransaction]) -> tuple[list[Event], bool]:
        """Look for transactions that were put on the watch list after their block had been read.

        They are in no mempool and unconfirmed as far as is known; each known block is read for them once.
        """
        self._searched = {entry.txid: self._searched[entry.txid] for entry in absent if entry.txid in self._searched}
        reader = ChainReader(self.rpc, self.remarks)
        found: dict[int, tuple[str, ...]] = {}
        reads = 0
        for block in run.known:
            wanted = {entry.txid for entry in absent if self._wants(entry, block)}
            if wanted and reads and self.clock.monotonic() >= run.until:
                return _again(run.known, found), True
            if wanted:
                txids = await reader.watched_in(block.hash, block.height, wanted | set(block.txids))
                self._searched.update(dict.fromkeys(wanted, block.height))
                reads += 1
                if not wanted.isdisjoint(txids):
                    found[block.height] = txids
        return _again(run.known, found), False

    def _wants(self, entry: WatchedTransaction, block: Block) -> bool:
        late = entry.since > block.seen_at - _SLACK
        return late and self._searched.get(entry.txid, block.height + 1) > block.height


def _again(known: Sequence[Block], found: dict[int, tuple[str, ...]]) -> list[Event]:
    """The known blocks from the lowest one in which something was found, with what they hold."""
    if not found:
        return []
    lowest = min(found)
    return [
        replace(block, txids=found.get(block.height, block.txids))
        for block in reversed(known)
        if block.height >= lowest
    ]

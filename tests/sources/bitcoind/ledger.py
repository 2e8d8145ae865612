"""A ledger in a few lines: what `Memory` promises, and how events are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lnwatch.model.chain import Block, MempoolSighting, Reorganisation, WatchedTransaction
from lnwatch.model.lightning import LightningInvoice, LightningPayment
from lnwatch.model.snapshot import Event, Reading
from lnwatch.sources import Collector


@dataclass(slots=True)
class Ledger:
    """Blocks by height, the watch list by txid, and the reorganisations in order."""

    chain: dict[int, Block] = field(default_factory=dict)
    watch_list: dict[str, WatchedTransaction] = field(default_factory=dict)
    reorganisations: list[Reorganisation] = field(default_factory=list)
    sightings: list[MempoolSighting] = field(default_factory=list)

    async def cursor(self, name: str) -> str | None:
        return None

    async def born_at(self) -> float | None:
        return None

    async def watched(self) -> tuple[WatchedTransaction, ...]:
        return tuple(self.watch_list.values())

    async def blocks(self, limit: int) -> tuple[Block, ...]:
        return tuple(self.chain[height] for height in sorted(self.chain, reverse=True)[:limit])

    async def open_invoices(self, limit: int) -> tuple[LightningInvoice, ...]:
        return ()

    async def open_payments(self, limit: int) -> tuple[LightningPayment, ...]:
        return ()

    def watch(self, txid: str, since: float) -> None:
        self.watch_list.setdefault(txid, WatchedTransaction(txid, since))

    def take(self, events: Iterable[Event]) -> None:
        """Store events in their order."""
        for event in events:
            if isinstance(event, Block):
                self._take_block(event)
            elif isinstance(event, MempoolSighting):
                entry = self.watch_list[event.txid]
                self.sightings.append(event)
                self.watch_list[event.txid] = replace(entry, first_seen_at=entry.first_seen_at or event.at)
            elif isinstance(event, Reorganisation):
                self.reorganisations.append(event)

    def _take_block(self, block: Block) -> None:
        for height in [height for height in self.chain if height >= block.height]:
            del self.chain[height]
        self.chain[block.height] = block
        for entry in [entry for entry in self.watch_list.values() if (entry.block_height or -1) >= block.height]:
            self.watch_list[entry.txid] = replace(entry, block_height=None, block_hash=None)
        for txid in block.txids:
            entry = self.watch_list[txid]
            self.watch_list[txid] = replace(entry, block_height=block.height, block_hash=block.hash)

    async def run(self, collector: Collector, *, runs: int = 50) -> list[Reading]:
        """Run a collector until it asks for no more, storing what it brings."""
        readings = []
        for _ in range(runs):
            reading = await collector.collect(self)
            self.take(reading.events)
            readings.append(reading)
            if not reading.more:
                return readings
        raise AssertionError("it asks for more for ever")

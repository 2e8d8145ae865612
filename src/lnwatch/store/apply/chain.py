"""The active chain as each source knows it, and the transactions that somebody waits for."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select

from lnwatch.model.chain import Block, MempoolSighting, Reorganisation
from lnwatch.model.lightning import PendingChannels
from lnwatch.store import tables
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.apply.watch import WatchList, awaited
from lnwatch.store.upsert import insert_new, put

_Key = tuple[str, str]


def apply_chain(connection: Connection, turns: Sequence[Turn], touches: Touches) -> None:
    """Extend and cut the chains, and follow the watched transactions, in the order in which it was told."""
    if not any(_concerns_chain(turn) for turn in turns):
        return
    watch = WatchList(connection, turns, touches)
    chains: dict[_Key, _Chain] = {}
    for turn in turns:
        facts = turn.entry.reading.facts
        if isinstance(facts, PendingChannels):
            watch.add(turn.entry.site, awaited(facts), turn.entry.at)
        for event in turn.entry.reading.events:
            if isinstance(event, MempoolSighting):
                watch.sighted(turn, event)
            elif isinstance(event, Block):
                if turn.key not in chains:
                    chains[turn.key] = _Chain(connection, turn.key, _lowest(turns, turn.key))
                watch.disconnected(turn, chains[turn.key].extend(event))
                watch.connected(turn, event)
    for chain in chains.values():
        chain.write(connection)
    watch.write(connection)


def apply_reorganisations(connection: Connection, told: Sequence[tuple[Turn, Reorganisation]]) -> None:
    """Keep what was told of reorganisations; the blocks themselves say what it did."""
    rows = [
        {
            "site": turn.entry.site,
            "source": turn.entry.source,
            "at": event.at,
            "new_tip": event.new_tip,
            "old_tip": event.old_tip,
            "depth": event.depth,
            "fork_height": event.fork_height,
        }
        for turn, event in told
    ]
    insert_new(connection, tables.reorganisation, rows)


def _concerns_chain(turn: Turn) -> bool:
    reading = turn.entry.reading
    return isinstance(reading.facts, PendingChannels) or any(
        isinstance(event, Block | MempoolSighting) for event in reading.events
    )


def _lowest(turns: Sequence[Turn], key: _Key) -> int:
    return min(
        event.height
        for turn in turns
        if turn.key == key
        for event in turn.entry.reading.events
        if isinstance(event, Block)
    )


class _Chain:
    """The blocks of one source from one below the lowest that this batch speaks of."""

    def __init__(self, connection: Connection, key: _Key, lowest: int) -> None:
        self._key = key
        block = tables.block.c
        query = select(block.height, block.hash).where(
            block.site == key[0], block.source == key[1], block.height >= lowest - 1
        )
        self._hashes: dict[int, str] = dict(connection.execute(query).all())
        self._new: dict[int, Block] = {}
        self._gone: set[int] = set()

    def extend(self, block: Block) -> set[str]:
        """Take a block in; returns the hashes of those that it shows to be off the active chain."""
        if self._hashes.get(block.height) == block.hash:
            return set()  # told again
        first = block.height
        if self._hashes.get(first - 1, block.previous_hash) != block.previous_hash:
            first -= 1  # its parent is another: the one we had is off the chain too
        cut = {height for height in self._hashes if height >= first}
        disconnected = {self._hashes.pop(height) for height in cut}
        self._gone |= cut
        for height in cut:
            self._new.pop(height, None)
        self._hashes[block.height] = block.hash
        self._new[block.height] = block
        return disconnected

    def write(self, connection: Connection) -> None:
        site, source = self._key
        row = tables.block.c
        gone = self._gone - self._new.keys()
        if gone:
            connection.execute(delete(tables.block).where(row.site == site, row.source == source, row.height.in_(gone)))
        put(connection, tables.block, [_block_row(self._key, block) for block in self._new.values()])


def _block_row(key: _Key, block: Block) -> dict[str, object]:
    return {
        "site": key[0],
        "source": key[1],
        "height": block.height,
        "hash": block.hash,
        "previous_hash": block.previous_hash,
        "time": block.time,
        "seen_at": block.seen_at,
        "txids": json.dumps(block.txids),
    }


def tip_height(connection: Connection, site: str) -> int | None:
    """The highest block that any source of the site told of."""
    return connection.execute(select(func.max(tables.block.c.height)).where(tables.block.c.site == site)).scalar()

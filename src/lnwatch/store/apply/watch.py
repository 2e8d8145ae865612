"""The transactions that a site waits for: first seen, confirmed, and unconfirmed again by a reorganisation."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from lnwatch.model.chain import Block, MempoolSighting, WatchedTransaction
from lnwatch.model.lightning import PendingChannels, PendingState
from lnwatch.store import tables
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.upsert import insert_new, put

_Key = tuple[str, str]  # site, txid


def watch_transactions(connection: Connection, site: str, txids: Iterable[str], at: float) -> None:
    """Put transactions on the watch list of a site; one that is on it stays as it is."""
    rows = [{"site": site, "txid": txid, "since": at} for txid in sorted(set(txids))]
    insert_new(connection, tables.watched_transaction, rows)


def awaited(pending: PendingChannels) -> list[str]:
    """The transactions that decide what becomes of pending channels: closing ones, and funding ones of the new."""
    closing = [channel.closing_txid for channel in pending.channels if channel.closing_txid]
    opening = [channel for channel in pending.channels if channel.state is PendingState.OPENING]
    return closing + [channel.point.partition(":")[0] for channel in opening]


class WatchList:
    """The entries of the watch lists that a batch may touch."""

    def __init__(self, connection: Connection, turns: Sequence[Turn], touches: Touches) -> None:
        self._known: dict[_Key, WatchedTransaction] = {}
        self._times: dict[_Key, int | None] = {}  # when the block was made that confirmed it
        self._changed: set[_Key] = set()
        self._touches = touches
        wanted: dict[str, set[str]] = {}
        for turn in turns:
            wanted.setdefault(turn.entry.site, set()).update(_mentioned(turn))
        row = tables.watched_transaction.c
        columns = (row.txid, row.since, row.first_seen_at, row.block_height, row.block_hash)
        for site, txids in wanted.items():
            lowest = _lowest_of_site(turns, site)
            touched = row.txid.in_(txids) if lowest is None else row.txid.in_(txids) | (row.block_height >= lowest - 1)
            for *values, time in connection.execute(select(*columns, row.block_time).where(row.site == site, touched)):
                entry = WatchedTransaction(*values)
                self._known[site, entry.txid] = entry
                self._times[site, entry.txid] = time

    def add(self, site: str, txids: Iterable[str], at: float) -> None:
        """Put transactions on the list; one that is on it stays as it is."""
        for txid in txids:
            if (site, txid) not in self._known:
                self._set(site, WatchedTransaction(txid, at))

    def sighted(self, turn: Turn, sighting: MempoolSighting) -> None:
        """Note the earliest sighting."""
        entry = self._known.get((turn.entry.site, sighting.txid))
        if entry is not None and (entry.first_seen_at is None or sighting.at < entry.first_seen_at):
            self._move(turn, replace(entry, first_seen_at=sighting.at))

    def disconnected(self, turn: Turn, hashes: set[str]) -> None:
        """What those blocks confirmed is unconfirmed again."""
        if not hashes:
            return
        for (of, _), entry in list(self._known.items()):
            if of == turn.entry.site and entry.block_hash in hashes:
                self._times[of, entry.txid] = None
                self._move(turn, replace(entry, block_height=None, block_hash=None))

    def connected(self, turn: Turn, block: Block) -> None:
        """Note what the block confirms."""
        for txid in block.txids:
            entry = self._known.get((turn.entry.site, txid))
            if entry is not None and entry.block_hash != block.hash:
                self._times[turn.entry.site, txid] = block.time
                self._move(turn, replace(entry, block_height=block.height, block_hash=block.hash))

    def write(self, connection: Connection) -> None:
        """Store what changed."""
        rows = [
            {
                "site": site,
                "txid": txid,
                "since": entry.since,
                "first_seen_at": entry.first_seen_at,
                "block_height": entry.block_height,
                "block_hash": entry.block_hash,
                "block_time": self._times.get((site, txid)),
            }
            for (site, txid) in sorted(self._changed)
            for entry in (self._known[site, txid],)
        ]
        put(connection, tables.watched_transaction, rows)

    def _move(self, turn: Turn, entry: WatchedTransaction) -> None:
        """It stands otherwise than before, and so does the payment that it carries."""
        self._set(turn.entry.site, entry)
        self._touches.term(turn.entry.site, entry.txid, turn.entry.at)

    def _set(self, site: str, entry: WatchedTransaction) -> None:
        self._known[site, entry.txid] = entry
        self._changed.add((site, entry.txid))


def _mentioned(turn: Turn) -> Iterable[str]:
    if isinstance(turn.entry.reading.facts, PendingChannels):
        yield from awaited(turn.entry.reading.facts)
    for event in turn.entry.reading.events:
        if isinstance(event, Block):
            yield from event.txids
        elif isinstance(event, MempoolSighting):
            yield event.txid


def _lowest_of_site(turns: Sequence[Turn], site: str) -> int | None:
    heights = [
        event.height
        for turn in turns
        if turn.entry.site == site
        for event in turn.entry.reading.events
        if isinstance(event, Block)
    ]
    return min(heights, default=None)

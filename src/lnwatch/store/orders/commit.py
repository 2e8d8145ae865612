"""What became of groups, stored: orders, what they add to sums and counters, and no mark any more."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, Table, delete, select

from lnwatch.model.order import Order, Outcome
from lnwatch.model.tally import Share
from lnwatch.store.lookup import rows_of
from lnwatch.store.merchant_tables import shop
from lnwatch.store.order_tables import merchant_order, stale_group
from lnwatch.store.orders.order_rows import load_shares, order_row
from lnwatch.store.orders.values import Group, GroupChange, Kept
from lnwatch.store.rollups import Rollups
from lnwatch.store.tables import counter
from lnwatch.store.upsert import Row, put

SLICE = 250  # orders in one transaction
OF_STORE = "store:"  # with the store's slug in the place of a source: no source's slug has a colon
OF_SITE = "site:"
FINALS = "orders_final"  # the counter from which the places in a site's finality sequence are given


def slices(changes: Iterable[GroupChange]) -> Iterator[Sequence[GroupChange]]:
    """The changes in parts small enough for a transaction each; a group is never parted."""
    part: list[GroupChange] = []
    size = 0
    for change in changes:
        part.append(change)
        size += len(change.kept) + 1
        if size >= SLICE:
            yield part
            part, size = [], 0
    if part:
        yield part


def commit(connection: Connection, changes: Sequence[GroupChange], now: float, keep: float) -> int:
    """Store what became of groups; returns how many orders got a place in the finality sequence.

    A group of which more was told since it was gathered is left as it is: its mark stands, and it comes again.
    """
    rollups = Rollups(keep)
    desk = _Desk(connection, rollups, now)
    by_store: dict[tuple[str, str], list[GroupChange]] = defaultdict(list)
    for change in changes:
        by_store[change.group.site, change.group.store].append(change)
    finals = sum(desk.store(site, store, of_store) for (site, store), of_store in by_store.items())
    rollups.write(connection)
    return finals


class _Desk:
    """One transaction."""

    def __init__(self, connection: Connection, rollups: Rollups, now: float) -> None:
        self._connection = connection
        self._rollups = rollups
        self._now = now
        self._births: dict[tuple[str, str], float] = {}
        self._finals: dict[str, int] = {}  # the last number given, by site

    def store(self, site: str, store: str, changes: Sequence[GroupChange]) -> int:
        """Store the changes of one store."""
        marks = self._marks(site, store, changes)
        fresh = [change for change in changes if _touches(marks.get(change.group.key)) == change.token.touches]
        known = self._known(site, store, fresh)
        before = self._last_final(site)
        kept: dict[str, Row] = {}
        dropped: list[str] = []
        rests: dict[str, Order | None] = {}
        for change in fresh:
            whole, rest = _whole(change)
            for each in whole:
                row = self._order_row(change.group, each, known.get(each.order.id))
                known[each.order.id] = kept[each.order.id] = row
            for name in change.dropped:
                if name not in kept and self._drop(change.group, known.get(name)):
                    del known[name]  # should another group keep an order of that name, it is a new one
                    dropped.append(name)
            in_sync = rest is None or (rest.id in known and change.token.newest < rest.created_at)
            rests[change.group.key] = None if in_sync else rest
        _delete(self._connection, merchant_order, site, store, dropped)
        put(self._connection, merchant_order, list(kept.values()))
        _delete(self._connection, stale_group, site, store, [key for key, rest in rests.items() if rest is None])
        moved = [self._moved(Group(site, store, key), rest, marks.get(key)) for key, rest in rests.items() if rest]
        put(self._connection, stale_group, moved)
        finals = self._finals[site] - before
        self._rollups.add((site, OF_SITE), FINALS, finals)
        return finals

    def _marks(self, site: str, store: str, changes: Sequence[GroupChange]) -> dict[str, Row]:
        keys = [change.group.key for change in changes]
        marks = rows_of(self._connection, stale_group, (site, store), "group_key", keys)
        return {mark["group_key"]: mark for mark in marks}

    def _known(self, site: str, store: str, changes: Sequence[GroupChange]) -> dict[str, Row]:
        names = {each.order.id for change in changes for each in change.kept}
        names.update(name for change in changes for name in change.dropped)
        return {row["id"]: row for row in rows_of(self._connection, merchant_order, (site, store), "id", names)}

    def _last_final(self, site: str) -> int:
        if site not in self._finals:
            row = counter.c
            query = select(row.value).where(row.site == site, row.source == OF_SITE, row.name == FINALS)
            self._finals[site] = self._connection.execute(query).scalar() or 0
        return self._finals[site]

    def _order_row(self, group: Group, kept: Kept, before: Row | None) -> Row:
        """The row, with the place and the counters that the order keeps or gets now."""
        row = order_row(group, kept, self._watched_since(group))
        if before is None or before["shares"] != row["shares"]:
            self._add_difference(group.site, kept.contribution.shares, before)
        sequence = before["sequence"] if before is not None else None
        counted = set(json.loads(before["counted"])) if before is not None else set()
        if sequence is None and _becomes_final(kept.order):
            sequence = self._finals[group.site] = self._last_final(group.site) + 1
            self._count(group, kept.contribution.counters)
        if sequence is not None:
            later = {name: n for name, n in kept.contribution.later.items() if name not in counted}
            self._count(group, later)
            counted |= later.keys()
        return row | {"sequence": sequence, "counted": json.dumps(sorted(counted))}

    def _watched_since(self, group: Group) -> float:
        """When the watch over the store began: what goes wrong with an older order after that is live."""
        key = group.site, group.store
        if key not in self._births:
            row = shop.c
            query = select(row.born_at).where(row.site == group.site, row.store == group.store)
            self._births[key] = self._connection.execute(query).scalar() or 0.0
        return self._births[key]

    def _drop(self, group: Group, before: Row | None) -> bool:
        """Take back what an order added that is no more; one that has a place in the sequence stays."""
        if before is None or before["group_key"] != group.key or before["sequence"] is not None:
            return False
        self._add_difference(group.site, (), before)
        return True

    def _add_difference(self, site: str, shares: Iterable[Share], before: Row | None) -> None:
        for share in load_shares(before["shares"]) if before is not None else ():
            self._rollups.share(site, self._now, share, -1)
        for share in shares:
            self._rollups.share(site, self._now, share)

    def _count(self, group: Group, counters: Mapping[str, int]) -> None:
        for name, n in counters.items():
            self._rollups.add((group.site, f"{OF_STORE}{group.store}"), name, n)

    def _moved(self, group: Group, rest: Order, mark: Row | None) -> Row:
        """The mark of a group whose rest comes next time."""
        newest = rest.created_at if mark is None else max(mark["newest"], rest.created_at)
        first = {"history": rest.history, "since": self._now, "touches": 1} if mark is None else mark
        where = {"site": group.site, "store": group.store, "group_key": group.key}
        return {**where, **first, "oldest": rest.created_at, "oldest_id": rest.id, "newest": newest}


def _touches(mark: Row | None) -> int:
    return 0 if mark is None else int(mark["touches"])


def _becomes_final(order: Order) -> bool:
    return order.final_at is not None and order.outcome is not Outcome.OPEN and not order.history


def _whole(change: GroupChange) -> tuple[Sequence[Kept], Order | None]:
    """The orders that are whole, and the last one where it may go on beyond what was gathered."""
    if not change.token.cut or not change.kept:
        return change.kept, None
    last = max(change.kept, key=lambda kept: (kept.order.created_at, kept.order.id))
    return [kept for kept in change.kept if kept is not last], last.order


def _delete(connection: Connection, table: Table, site: str, store: str, keys: Sequence[str]) -> None:
    if keys:
        site_column, store_column, key_column = table.primary_key
        connection.execute(delete(table).where(site_column == site, store_column == store, key_column.in_(keys)))

"""Which part of a group is gathered: from the order on that the oldest news may belong to."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select, tuple_

from lnwatch.store.lookup import AT_ONCE, rows_of
from lnwatch.store.merchant_tables import merchant_invoice
from lnwatch.store.order_tables import merchant_order, stale_group
from lnwatch.store.orders.values import Group, Taken

WINDOW = 500  # invoices of one group
WHOLE = 2_000  # rows of many groups that are read in one go; where there are more, each group is read by itself
FIRST = (-1, "")  # before every invoice

Row = Mapping[str, Any]
Place = tuple[int, str]  # creation and id: the order of invoices


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of invoices and orders of a group, in the order of their creation."""

    group: Group
    taken: Taken
    invoices: Sequence[Row]
    orders: Sequence[Row]


def place(row: Row) -> Place:
    """Where an invoice, or an order by its first invoice, stands among the others."""
    return row["created_at"], row["id"]


def windows(connection: Connection, site: str, store: str, keys: Sequence[str]) -> list[Window]:
    """The windows of groups of one store, in the order of `keys`."""
    marks = _marks(connection, site, store, keys)
    return windows_at(connection, site, store, {key: marks.get(key) for key in keys})


def windows_at(connection: Connection, site: str, store: str, marks: Mapping[str, Row | None]) -> list[Window]:
    """The windows of groups of one store that are marked so; None: without a mark."""
    keys = tuple(marks)
    invoices = _all(connection, merchant_invoice, site, store, keys)
    orders = _all(connection, merchant_order, site, store, keys)
    found = []
    for key, mark in marks.items():
        group = Group(site, store, key)
        if invoices is None or orders is None:
            found.append(_window(group, mark, *_Part(connection, group).read(mark)))
        else:
            found.append(_window(group, mark, invoices.get(key, ()), orders.get(key, ())))
    return found


def _window(group: Group, mark: Row | None, invoices: Sequence[Row], orders: Sequence[Row]) -> Window:
    start = _start(_oldest(mark, orders), orders)
    chosen = [row for row in invoices if place(row) >= start]
    cut = len(chosen) > WINDOW
    chosen = chosen[:WINDOW]
    last = place(chosen[-1]) if cut else None
    kept = [row for row in orders if place(row) >= start and (last is None or place(row) <= last)]
    taken = Taken(0, 0, cut) if mark is None else Taken(mark["touches"], mark["newest"], cut)
    return Window(group, taken, chosen, kept)


def _oldest(mark: Row | None, orders: Iterable[Row]) -> Place:
    """The oldest invoice of which there is news: by the mark, else the first of the orders that are due."""
    if mark is not None:
        return mark["oldest"], mark["oldest_id"]
    return min((place(row) for row in orders if row["due_at"] is not None), default=FIRST)


def _start(oldest: Place, orders: Sequence[Row]) -> Place:
    """Where the order begins that holds or precedes an invoice."""
    places = [place(row) for row in orders]
    before = bisect_right(places, oldest)
    return places[before - 1] if before else FIRST


def _marks(connection: Connection, site: str, store: str, keys: Sequence[str]) -> dict[str, Row]:
    return {row["group_key"]: row for row in rows_of(connection, stale_group, (site, store), "group_key", keys)}


def _all(
    connection: Connection, table: Table, site: str, store: str, keys: Sequence[str]
) -> Mapping[str, Sequence[Row]] | None:
    """All rows of the groups by group; None where there are too many."""
    found: dict[str, list[Row]] = defaultdict(list)
    for start in range(0, len(keys), AT_ONCE):
        given = {"site": site, "store": store, "keys": keys[start : start + AT_ONCE]}
        result = connection.execute(_of_groups(table), {**given, "whole": WHOLE + 1})
        names, rows = tuple(result.keys()), result.all()
        if len(rows) > WHOLE:
            return None
        for values in rows:
            each = dict(zip(names, values, strict=True))
            found[each["group_key"]].append(each)
    return found


@cache
def _of_groups(table: Table) -> Select[Any]:
    row = table.c
    of_groups = row.group_key.in_(bindparam("keys", expanding=True))
    query = select(table).where(row.site == bindparam("site"), row.store == bindparam("store"), of_groups)
    return query.order_by(row.group_key, row.created_at, row.id).limit(bindparam("whole"))


@dataclass(frozen=True, slots=True)
class _Part:
    """Reads of a large group no more than its window."""

    connection: Connection
    group: Group

    def read(self, mark: Row | None) -> tuple[Sequence[Row], Sequence[Row]]:
        """The invoices and orders that the window is cut from."""
        start = self._start(mark)
        invoices = self._rows(merchant_invoice, start, None)
        last = place(invoices[-1]) if len(invoices) > WINDOW else None
        return invoices, self._rows(merchant_order, start, last)

    def _start(self, mark: Row | None) -> Place:
        row = merchant_order.c
        of_group = select(row.created_at, row.id).where(*self._conditions(merchant_order))
        if mark is None:
            query = of_group.where(row.due_at.is_not(None)).order_by(row.created_at, row.id)
        else:
            oldest = tuple_(mark["oldest"], mark["oldest_id"])
            query = of_group.where(tuple_(row.created_at, row.id) <= oldest).order_by(
                row.created_at.desc(), row.id.desc()
            )
        found = self.connection.execute(query.limit(1)).one_or_none()
        return FIRST if found is None else (found.created_at, found.id)

    def _rows(self, table: Table, start: Place, last: Place | None) -> list[Row]:
        row = table.c
        at = tuple_(row.created_at, row.id)
        query = select(table).where(*self._conditions(table), at >= tuple_(*start))
        query = query.limit(WINDOW + 1) if last is None else query.where(at <= tuple_(*last))
        return [dict(each) for each in self.connection.execute(query.order_by(row.created_at, row.id)).mappings()]

    def _conditions(self, table: Table) -> tuple[Any, ...]:
        row, group = table.c, self.group
        return row.site == group.site, row.store == group.store, row.group_key == group.key

"""Rows of one store by many values of a column: how joins are made."""

from collections.abc import Collection, Iterator
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from lnwatch.store.upsert import Row

AT_ONCE = 500  # values of one question


def rows_of(
    connection: Connection, table: Table, where: tuple[str, str], column: str, wanted: Collection[str]
) -> Iterator[Row]:
    """The rows of the store `where` (site, store) whose column has one of these values, by rising key in each part."""
    values = sorted(wanted)
    for start in range(0, len(values), AT_ONCE):
        given = {"site": where[0], "store": where[1], "wanted": values[start : start + AT_ONCE]}
        found = connection.execute(_of_store(table, column), given)
        names = tuple(found.keys())
        rising = itemgetter(*(names.index(part.name) for part in table.primary_key))
        for values_of_row in sorted(found.all(), key=rising):
            yield dict(zip(names, values_of_row, strict=True))


@cache
def _of_store(table: Table, column: str) -> Select[Any]:
    # Made once: to make it of hundreds of values anew each time takes longer than to ask. Not ordered: to have it so,
    # SQLite walks along the key through all of the store, and leaves the column's own index aside.
    return select(table).where(
        table.c.site == bindparam("site"),
        table.c.store == bindparam("store"),
        table.c[column].in_(bindparam("wanted", expanding=True)),
    )

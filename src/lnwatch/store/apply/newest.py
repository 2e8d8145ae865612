"""Of several tellings of one thing the same one is kept, whatever the order in which they came."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table

from lnwatch.store.lookup import rows_of
from lnwatch.store.upsert import Row, put

Join = Callable[[Row, Row], Row]  # of what is stored and what is told


def later(before: Mapping[str, Any], row: Mapping[str, Any], time: str, apart: frozenset[str] = frozenset()) -> bool:
    """Whether `row` was told later; of two that were told at one instant always the same one counts as later.

    Columns in `apart` tell nothing apart.
    """
    if row[time] != before[time]:
        return bool(row[time] > before[time])
    return _digest(row, row, apart) > _digest(before, row, apart)


def _digest(row: Mapping[str, Any], names: Iterable[str], apart: frozenset[str]) -> str:
    return json.dumps([row[name] for name in sorted(names) if name not in apart], default=str)


def latest(time: str) -> Join:
    """Of two rows the one that was told later."""
    return lambda before, row: row if later(before, row, time) else before


def first(time: str) -> Join:
    """Of two rows the one that was told first."""
    return lambda before, row: before if later(before, row, time) else row


def fold(connection: Connection, table: Table, rows: Sequence[Row], join: Join) -> list[Row]:
    """Store rows, each joined with the one of the same key; returns those that are new or changed."""
    if not rows:
        return []
    names = [column.name for column in table.primary_key]
    known = _known(connection, table, rows, names)
    changed = {}
    for row in rows:
        key = tuple(row[name] for name in names)
        before = known.get(key)
        joined = row if before is None else join(before, row)
        if joined != before:
            known[key] = changed[key] = joined
    put(connection, table, list(changed.values()))
    return list(changed.values())


def _known(
    connection: Connection, table: Table, rows: Sequence[Row], names: Sequence[str]
) -> dict[tuple[Any, ...], Row]:
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        wanted[row["site"], row["store"]].add(row[names[-1]])
    return {
        tuple(stored[name] for name in names): stored
        for where, ids in wanted.items()
        for stored in rows_of(connection, table, where, names[-1], ids)
    }

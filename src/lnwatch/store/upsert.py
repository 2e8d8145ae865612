"""The one seam between the dialects: inserts that meet a row of the same key."""

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Table, Text, bindparam, case, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from lnwatch.store.columns import LARGEST

Row = dict[str, Any]
Insert = postgresql.Insert | sqlite.Insert
MANY = 8  # rows

Fold = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; one whose key is there already changes nothing."""
    _run(connection, _inserting, table, rows)


def put(connection: Connection, table: Table, rows: Sequence[Row], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or overwrite those of the same key except the columns `keep`. Each key at most once."""
    _run(connection, _putting, table, rows, tuple(keep))


def merge(connection: Connection, table: Table, rows: Sequence[Row], merged: Mapping[str, Fold]) -> None:
    """Insert rows, or fold them into those of the same key. Each key at most once.

    `merged` maps a column to a function of (stored, new) that gives the new value as SQL.
    """
    _run(connection, _merging, table, rows, tuple(merged.items()))


def _run(
    connection: Connection, make: Callable[..., Insert], table: Table, rows: Sequence[Row], *options: Hashable
) -> None:
    """All rows have the same columns. PostgreSQL takes many at once, as one document: asked row by row it takes several
    times as long, and so does the driver with an array for each column."""
    if not rows:
        return
    dialect, names = connection.dialect, tuple(rows[0])
    document = _document(dialect, table, rows) if dialect.name == "postgresql" and len(rows) >= MANY else None
    if document is None:
        connection.execute(make(_insert(dialect.name, table), table, *options), rows)
    else:
        connection.execute(make(_inserting_document(table, names), table, *options), {"document": document})


def _document(dialect: Dialect, table: Table, rows: Sequence[Row]) -> str | None:
    """Rows as JSON; None where they hold what that can't say: bytes, or what is no number."""
    processors = _processors(dialect, table, tuple(rows[0]))
    told = [row | {name: process(row[name]) for name, process in processors} for row in rows] if processors else rows
    try:
        return json.dumps(told, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return None


@cache
def _processors(
    dialect: Dialect, table: Table, names: tuple[str, ...]
) -> Sequence[tuple[str, Callable[[object], object]]]:
    """What columns' types do to values, which else SQLAlchemy sees to."""
    found = [(name, table.c[name].type.bind_processor(dialect)) for name in names]
    return tuple((name, process) for name, process in found if process is not None)


# A statement is made once: to build it and to tell it from others takes SQLAlchemy longer than to run it.


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


@cache
def _inserting_document(table: Table, names: tuple[str, ...]) -> Insert:
    columns = [column(name, table.c[name].type) for name in names]
    document = cast(bindparam("document", type_=Text), postgresql.JSON)
    told = func.json_to_recordset(document).table_valued(*columns).render_derived(name="told", with_types=True)
    return postgresql.insert(table).from_select(names, select(*(told.c[name] for name in names)))


@cache
def _inserting(insert: Insert, _table: Table) -> Insert:
    return insert.on_conflict_do_nothing()


@cache
def _putting(insert: Insert, table: Table, keep: tuple[str, ...]) -> Insert:
    values = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)


@cache
def _merging(insert: Insert, table: Table, merged: tuple[tuple[str, Fold], ...]) -> Insert:
    values = {name: fold(table.c[name], insert.excluded[name]) for name, fold in merged}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)


def plus(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of both, or the end of the range: past it PostgreSQL refuses and SQLite makes it a float."""
    return case((stored > LARGEST - case((new > 0, new), else_=0), LARGEST), else_=stored + new)


def least(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller one."""
    return case((new < stored, new), else_=stored)


def greatest(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The larger one."""
    return case((new > stored, new), else_=stored)

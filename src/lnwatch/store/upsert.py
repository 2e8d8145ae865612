"""The one seam between the dialects: inserts that meet a row of the same key."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case
from sqlalchemy.dialects import postgresql, sqlite

from lnwatch.store.columns import LARGEST

Row = dict[str, Any]
Fold = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; one whose key is there already changes nothing."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def put(connection: Connection, table: Table, rows: Sequence[Row], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or overwrite those of the same key except the columns `keep`. Each key at most once."""
    if rows:
        insert = _insert(connection, table)
        values = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
        connection.execute(insert.on_conflict_do_update(index_elements=table.primary_key, set_=values), rows)


def merge(connection: Connection, table: Table, rows: Sequence[Row], merged: Mapping[str, Fold]) -> None:
    """Insert rows, or fold them into those of the same key. Each key at most once.

    `merged` maps a column to a function of (stored, new) that gives the new value as SQL.
    """
    if rows:
        insert = _insert(connection, table)
        values: dict[str, ColumnElement[Any]] = {
            name: fold(table.c[name], insert.excluded[name]) for name, fold in merged.items()
        }
        connection.execute(insert.on_conflict_do_update(index_elements=table.primary_key, set_=values), rows)


def plus(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of both, or the end of the range: past it PostgreSQL refuses and SQLite makes it a float."""
    return case((stored > LARGEST - case((new > 0, new), else_=0), LARGEST), else_=stored + new)


def least(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller one."""
    return case((new < stored, new), else_=stored)


def greatest(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The larger one."""
    return case((new > stored, new), else_=stored)

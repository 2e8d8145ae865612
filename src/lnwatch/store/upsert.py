"""The one seam between the dialects: inserts that meet a row of the same key."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, case
from sqlalchemy.dialects import postgresql, sqlite

from lnwatch.store.columns import LARGEST

Row = dict[str, Any]
Insert = postgresql.Insert | sqlite.Insert
_COUNTED = {"preserve_rowcount": True}
Fold = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; one whose key is there already changes nothing."""
    if rows:
        connection.execute(_inserting(connection.dialect.name, table), rows)


def insert_one(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row; False where one of its key is there already, which stays as it is."""
    statement = _inserting(connection.dialect.name, table)
    return connection.execute(statement, row, execution_options=_COUNTED).rowcount == 1


def put(connection: Connection, table: Table, rows: Sequence[Row], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or overwrite those of the same key except the columns `keep`. Each key at most once."""
    if rows:
        connection.execute(_putting(connection.dialect.name, table, tuple(keep)), rows)


def merge(connection: Connection, table: Table, rows: Sequence[Row], merged: Mapping[str, Fold]) -> None:
    """Insert rows, or fold them into those of the same key. Each key at most once.

    `merged` maps a column to a function of (stored, new) that gives the new value as SQL.
    """
    if rows:
        connection.execute(_merging(connection.dialect.name, table, tuple(merged.items())), rows)


# A statement is made once: to build it and to tell it from others takes SQLAlchemy longer than to run it.


@cache
def _inserting(dialect: str, table: Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _putting(dialect: str, table: Table, keep: tuple[str, ...]) -> Insert:
    insert = _insert(dialect, table)
    values = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key and c.name not in keep}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)


@cache
def _merging(dialect: str, table: Table, merged: tuple[tuple[str, Fold], ...]) -> Insert:
    insert = _insert(dialect, table)
    values = {name: fold(table.c[name], insert.excluded[name]) for name, fold in merged}
    return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)


def _insert(dialect: str, table: Table) -> Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def plus(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of both, or the end of the range: past it PostgreSQL refuses and SQLite makes it a float."""
    return case((stored > LARGEST - case((new > 0, new), else_=0), LARGEST), else_=stored + new)


def least(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller one."""
    return case((new < stored, new), else_=stored)


def greatest(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The larger one."""
    return case((new > stored, new), else_=stored)

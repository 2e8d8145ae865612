"""The one seam between the dialects: inserts that meet a row of the same key."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Table, Text, bindparam, case, cast, column, func, select
from sqlalchemy.dialects import postgresql, sqlite

from lnwatch.store.columns import LARGEST, check_of

Row = dict[str, Any]
Insert = postgresql.Insert | sqlite.Insert
Fold = Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[Any]]
Ending = Callable[[Insert], Insert]
MANY = 8  # rows
_PARAMETERS = 500  # of a statement for many rows, at most
_COUNTED = {"preserve_rowcount": True}


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; one whose key is there already changes nothing."""
    if rows:
        _inserting(connection.dialect, table, tuple(rows[0])).run(connection, rows)


def insert_one(connection: Connection, table: Table, row: Row) -> bool:
    """Insert a row; False where one of its key is there already, which stays as it is."""
    return _inserting(connection.dialect, table, tuple(row)).run_one(connection, row)


def put(connection: Connection, table: Table, rows: Sequence[Row], *, keep: Sequence[str] = ()) -> None:
    """Insert rows, or overwrite those of the same key except the columns `keep`. Each key at most once."""
    if rows:
        _putting(connection.dialect, table, tuple(rows[0]), tuple(keep)).run(connection, rows)


def merge(connection: Connection, table: Table, rows: Sequence[Row], merged: Mapping[str, Fold]) -> None:
    """Insert rows, or fold them into those of the same key. Each key at most once.

    `merged` maps a column to a function of (stored, new) that gives the new value as SQL.
    """
    if rows:
        _merging(connection.dialect, table, tuple(rows[0]), tuple(merged.items())).run(connection, rows)


class _Statement:
    """An insert as the driver takes it, for rows with all the same columns.

    Made once: to build it, to tell it from others and to bring each row into its order takes SQLAlchemy longer than
    the database takes to run it. PostgreSQL takes many rows at once, as one document: row by row they take it several
    times as long, and an array for each column does the same to the driver. SQLite is given several rows at a time:
    after each step of a statement it has to wait for its turn among our threads.
    """

    def __init__(self, insert: Insert, ending: Ending, dialect: Dialect, names: tuple[str, ...]) -> None:
        """`ending` adds what becomes of rows whose key is there already."""
        compiled = ending(insert).compile(dialect=dialect, column_keys=names)
        self._text = str(compiled)
        self._positional = compiled.positional
        given = compiled.positiontup if self._positional else [*names, *compiled.params.keys() - set(names)]
        self._names = tuple(given or ())
        self._columns = self._names[: len(names)]  # first of all; behind them come the numbers that folds speak of
        self._of = itemgetter(*self._columns)
        self._rest = tuple(compiled.params[name] for name in self._names[len(names) :])
        checks = ((place, check_of(insert.table.columns[name].type)) for place, name in enumerate(self._columns))
        self._checks = tuple((place, check) for place, check in checks if check is not None)
        self._at_once = at_once = _PARAMETERS // len(names) if self._positional else 0

        def several() -> str:
            return str(ending(insert.values([dict.fromkeys(names)] * at_once)).compile(dialect=dialect))

        self._several = cache(several)  # it takes 10 ms, and few need it
        self._document = ""
        if isinstance(insert, postgresql.Insert):
            whole = ending(_inserting_document(insert, self._columns)).compile(dialect=dialect)
            self._document, self._around = str(whole), dict(whole.params)

    def run(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert these rows."""
        if self._document and len(rows) >= MANY and (document := self._told(rows)) is not None:
            connection.exec_driver_sql(self._document, self._around | {"document": document})
            return
        values = list(self._values(rows))
        whole = len(values) // self._at_once * self._at_once if self._at_once else 0
        if whole:
            parts = (values[start : start + self._at_once] for start in range(0, whole, self._at_once))
            connection.exec_driver_sql(self._several(), [(*chain.from_iterable(part), *self._rest) for part in parts])
        if whole < len(values):
            connection.exec_driver_sql(self._text, [self._parameters(each) for each in values[whole:]])

    def run_one(self, connection: Connection, row: Row) -> bool:
        """Insert this row; whether it was inserted."""
        (values,) = self._values([row])
        parameters = self._parameters(values)
        return connection.exec_driver_sql(self._text, parameters, execution_options=_COUNTED).rowcount == 1

    def _parameters(self, values: Sequence[Any]) -> Any:  # noqa: ANN401 - as the driver wants them
        given = (*values, *self._rest)
        return given if self._positional else dict(zip(self._names, given, strict=True))

    def _told(self, rows: Sequence[Row]) -> str | None:
        """Rows as JSON; None where they hold what that can't say: bytes, or what is no number."""
        told = [dict(zip(self._columns, values, strict=True)) for values in self._values(rows)]
        try:
            return json.dumps(told, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError):
            return None

    def _values(self, rows: Sequence[Row]) -> Iterator[list[Any]]:
        for row in rows:
            values = [*self._of(row)]
            for place, check in self._checks:
                if (value := values[place]) is not None:
                    values[place] = check(value)
            yield values


@cache
def _inserting(dialect: Dialect, table: Table, names: tuple[str, ...]) -> _Statement:
    return _Statement(_insert(dialect, table), lambda insert: insert.on_conflict_do_nothing(), dialect, names)


@cache
def _putting(dialect: Dialect, table: Table, names: tuple[str, ...], keep: tuple[str, ...]) -> _Statement:
    overwritten = [each.name for each in table.columns if not each.primary_key and each.name not in keep]

    def ending(insert: Insert) -> Insert:
        values = {name: insert.excluded[name] for name in overwritten}
        return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)

    return _Statement(_insert(dialect, table), ending, dialect, names)


@cache
def _merging(
    dialect: Dialect, table: Table, names: tuple[str, ...], merged: tuple[tuple[str, Fold], ...]
) -> _Statement:
    def ending(insert: Insert) -> Insert:
        values = {name: fold(table.c[name], insert.excluded[name]) for name, fold in merged}
        return insert.on_conflict_do_update(index_elements=table.primary_key, set_=values)

    return _Statement(_insert(dialect, table), ending, dialect, names)


def _insert(dialect: Dialect, table: Table) -> Insert:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def _inserting_document(insert: postgresql.Insert, names: tuple[str, ...]) -> postgresql.Insert:
    columns = [column(name, insert.table.columns[name].type) for name in names]
    document = cast(bindparam("document", type_=Text), postgresql.JSON)
    told = func.json_to_recordset(document).table_valued(*columns).render_derived(name="told", with_types=True)
    return insert.from_select(names, select(*(told.c[name] for name in names)))


def plus(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The sum of both, or the end of the range: past it PostgreSQL refuses and SQLite makes it a float."""
    return case((stored > LARGEST - case((new > 0, new), else_=0), LARGEST), else_=stored + new)


def least(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller one."""
    return case((new < stored, new), else_=stored)


def greatest(stored: ColumnElement[Any], new: ColumnElement[Any]) -> ColumnElement[Any]:
    """The larger one."""
    return case((new > stored, new), else_=stored)

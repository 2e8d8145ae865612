"""What lies in the ledger, for people and spreadsheets: rows of a table, and what there is in all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Engine, RowMapping, Select, func, null, select, tuple_

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.backend import Backend
from lnwatch.store.copies import Counts, is_copy, write_copy
from lnwatch.store.facts import readable
from lnwatch.store.migrate import check, head, revision
from lnwatch.store.opening import reading
from lnwatch.store.settings import LedgerSettings
from lnwatch.store.sqlite import SqliteBackend
from lnwatch.store.tables import metadata

PAGE = 2_000  # rows in one read: a long one would keep SQLite's log from being folded back

Value = str | int | float | bool | None
TABLES: Sequence[str] = tuple(metadata.tables)


@dataclass(frozen=True, slots=True)
class TableStatus:
    """One table. Times in seconds since the epoch, None where it is empty or has none; `size` in bytes,
    indexes included, None where the backend can't tell."""

    name: str
    rows: int
    oldest: float | None
    newest: float | None
    size: int | None


@dataclass(frozen=True, slots=True)
class LedgerStatus:
    """What there is. `place` is a file, or a URL without its password; `size` in bytes on disk."""

    backend: str
    place: str
    schema: str
    own_schema: str
    size: int
    tables: tuple[TableStatus, ...]


def columns(table: str) -> tuple[str, ...]:
    """The names of a table's columns, in order. Raises LedgerError where there is no such table."""
    if table not in metadata.tables:
        raise LedgerError(LedgerTrouble.FAILED, f"there is no table {table}; there are {', '.join(sorted(TABLES))}")
    return tuple(metadata.tables[table].columns.keys())


def export(
    settings: LedgerSettings, data_dir: Path, table: str, since: float | None = None, site: str | None = None
) -> Iterator[Mapping[str, Value]]:
    """The rows of a table by rising key, of one site or of all, from `since` on by its time column; facts as JSON text.

    What is private comes as None. Rows that have no time (open invoices) are in it always. Raises LedgerError.
    """
    columns(table)
    wanted = metadata.tables[table]
    with reading(settings, data_dir) as (_, reader):
        with reader.begin() as connection:
            check(connection)
        query = select(wanted).order_by(*wanted.primary_key).limit(PAGE)
        if site is not None:
            query = query.where(wanted.c.site == site)
        if since is not None and wanted.info["time"]:
            time = wanted.c[wanted.info["time"]]
            query = query.where((time >= since) | time.is_(None))
        private = {column.name for column in wanted.columns if column.info.get("private")}
        for row in _pages(reader, tuple(wanted.primary_key), query):
            yield {name: None if name in private else _value(value) for name, value in row.items()}


def status(settings: LedgerSettings, data_dir: Path) -> LedgerStatus:
    """Rows, times and sizes by table; works on a ledger of another schema too, without its tables then."""
    with reading(settings, data_dir) as (backend, reader), reader.begin() as connection:
        found, own = revision(connection) or "", head()
        size, sizes = backend.sizes(connection)
        described = []
        for table in metadata.sorted_tables if found == own else ():
            time = table.c[table.info["time"]] if table.info["time"] else None
            bounds = (func.min(time), func.max(time)) if time is not None else (null(), null())
            rows, oldest, newest = connection.execute(select(func.count(), *bounds).select_from(table)).one()
            described.append(TableStatus(table.name, rows, oldest, newest, sizes.get(table.name)))
        return LedgerStatus(backend.name, backend.place, found, own, size, tuple(described))


def backup(settings: LedgerSettings, data_dir: Path, file: Path) -> Counts:
    """Copy the ledger into one SQLite file while the daemon runs; returns rows by table. Raises LedgerError."""
    with reading(settings, data_dir) as (backend, reader):
        _require_replaceable(backend, file)
        return write_copy(backend, reader, file)


def _value(value: Value | bytes) -> Value:
    return readable(value) if isinstance(value, bytes) else value


def _pages(reader: Engine, keys: Sequence[Column[Any]], query: Select[Any]) -> Iterator[RowMapping]:
    last: tuple[Value, ...] | None = None
    while True:
        page = query if last is None else query.where(tuple_(*keys) > tuple_(*last))
        with reader.begin() as connection:
            rows = connection.execute(page).mappings().all()
        yield from rows
        if len(rows) < PAGE:
            return
        last = tuple(rows[-1][column] for column in keys)


def _require_replaceable(backend: Backend, file: Path) -> None:
    if not file.exists():
        return
    if isinstance(backend, SqliteBackend) and file.samefile(backend.path):
        raise LedgerError(LedgerTrouble.FAILED, f"{file} is the ledger itself: name another file")
    if not is_copy(file):
        raise LedgerError(LedgerTrouble.FAILED, f"{file} is there and no backup of a ledger: name another file")

"""Copies of a ledger as one SQLite file, whichever backend it lies in, taken while it is written to."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, MetaData, Table, func, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.backend import Backend
from lnwatch.store.migrate import SCRIPTS, VERSION_TABLE, build, revision
from lnwatch.store.sqlite import APPLICATION_ID, SqliteBackend, create_private
from lnwatch.store.tables import metadata

ROWS = 1_000  # in memory at a time

Counts = Mapping[str, int]  # rows by table


def write_copy(backend: Backend, reader: Engine, file: Path, scripts: Path = SCRIPTS) -> Counts:
    """Copy what is committed at one instant into `file` (mode 0600), which appears there only when it is whole.

    SQLite is copied by its backup API, PostgreSQL row by row into the same schema. Returns rows by table,
    counted in the copy. Raises LedgerError.
    """
    target = SqliteBackend(file.with_name(file.name + ".part"), lock_timeout=5.0, called="the copy")
    try:
        target.require_folder()
        remove(target)
        if isinstance(backend, SqliteBackend):
            copy_file(backend, reader, target)
        else:
            _copy_rows(backend, reader, target, scripts)
        counts = _counts(target)
        with target.path.open("rb") as handle:
            os.fsync(handle.fileno())
        target.path.replace(file)
    except (OSError, sqlite3.Error, SQLAlchemyError) as error:
        raise target.trouble(error) from error
    finally:
        with suppress(OSError):
            remove(target)
    return counts


def copy_file(backend: SqliteBackend, reader: Engine, target: SqliteBackend) -> None:
    """Copy an SQLite ledger page by page into a file that is not there yet. Raises LedgerError, OSError."""
    create_private(target.path)
    with closing(sqlite3.connect(target.path)) as copy, closing(_raw(backend, reader)) as source:
        try:
            # In one step: between steps every commit of the daemon would make it begin anew.
            cast(sqlite3.Connection, source.driver_connection).backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        except sqlite3.Error as error:
            trouble = target.trouble(error)
            at_source = trouble.trouble in {LedgerTrouble.CORRUPT, LedgerTrouble.LOCKED}
            raise (backend.trouble(error) if at_source else trouble) from error


def _raw(backend: SqliteBackend, reader: Engine) -> PoolProxiedConnection:
    try:
        return reader.raw_connection()
    except SQLAlchemyError as error:
        raise backend.trouble(error) from error


def _copy_rows(backend: Backend, reader: Engine, target: SqliteBackend, scripts: Path) -> None:
    target.create()
    writer = target.writer(exclusive=False)
    try:
        with one_instant(backend, reader) as source:
            build(writer, revision(source) or "base", scripts)
            with writer.begin() as connection:
                copy_tables(backend, source, connection)
    finally:
        writer.dispose()
    with closing(sqlite3.connect(target.path)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def one_instant(backend: Backend, reader: Engine) -> Iterator[Connection]:
    """A transaction that sees one instant, however long it lasts. Raises LedgerError where it can't begin."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(reader.connect())
            if backend.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            stack.enter_context(connection.begin())
        except SQLAlchemyError as error:
            raise backend.trouble(error) from error
        yield connection


def copy_tables(backend: Backend, source: Connection, target: Connection) -> Counts:
    """Copy every row of `source`, which is of `backend`, into the tables of `target`, which are empty.

    Returns rows by table. Raises LedgerError where the counts differ afterwards, or the source fails;
    what the target's driver raises goes through.
    """
    schema = MetaData()
    ours = set(inspect(source).get_table_names())  # either side may have tables of other tenants
    schema.reflect(target, only=lambda name, _: name in ours)
    counts = {}
    for table in schema.sorted_tables:
        if table.name == VERSION_TABLE:
            continue
        expected = 0
        for part in _parts(backend, source, table):
            target.execute(insert(table), part)
            expected += len(part)
        counts[table.name] = target.execute(select(func.count()).select_from(table)).scalar_one()
        if counts[table.name] != expected:
            message = f"{counts[table.name]} rows of table {table.name} arrived instead of {expected}; nothing was kept"
            raise LedgerError(LedgerTrouble.FAILED, message)
    return counts


def _parts(backend: Backend, source: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    read = 0
    try:
        # Options of the statement, not of the connection: those would stay.
        rows = source.execute(select(table).execution_options(yield_per=ROWS))
        for part in rows.mappings().partitions():
            read += len(part)
            yield [dict(row) for row in part]
        there = source.execute(select(func.count()).select_from(table)).scalar_one()
    except SQLAlchemyError as error:
        raise backend.trouble(error) from error
    if there != read:
        message = f"{read} of {there} rows of table {table.name} could be read; nothing was kept"
        raise LedgerError(LedgerTrouble.FAILED, message)


def count_rows(connection: Connection) -> Counts:
    """Rows by table of a ledger of the present schema."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def is_copy(file: Path) -> bool:
    """Whether the file, which no connection of this process has open, is a copy of a ledger, and no living one."""
    with file.open("rb") as handle:
        header = handle.read(100)
    # https://sqlite.org/fileformat.html#the_database_header: 18 is 2 in WAL mode, 68 the application id
    ours = header[:16] == b"SQLite format 3\0" and int.from_bytes(header[68:72], "big") == APPLICATION_ID
    return ours and header[18] == 1


def remove(target: SqliteBackend) -> None:
    """Remove the file and what SQLite puts beside it."""
    for path in (target.path, *(target.beside(ending) for ending in ("-wal", "-shm", "-journal", ".new"))):
        path.unlink(missing_ok=True)


def _counts(target: SqliteBackend) -> Counts:
    with closing(sqlite3.connect(target.path)) as copy:
        names = [name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - its own tables
            for name in names
            if name != VERSION_TABLE
        }

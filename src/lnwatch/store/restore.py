"""A copy put in the place of the ledger, and a whole ledger moved from one backend to the other."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection, delete
from sqlalchemy.exc import SQLAlchemyError

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.backend import Backend, backend_at, backend_of
from lnwatch.store.copies import Counts, copy_file, copy_tables, count_rows, one_instant, remove, write_copy
from lnwatch.store.migrate import check, migrate, revision
from lnwatch.store.opening import require_ledger
from lnwatch.store.settings import LedgerSettings
from lnwatch.store.sqlite import SqliteBackend
from lnwatch.store.tables import metadata


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows by table, and where the ledger that was there before is kept; None where there was none."""

    rows: Counts
    kept: Path | None


def restore(settings: LedgerSettings, data_dir: Path, file: Path) -> Restored:
    """Put the backup `file` in the place of the ledger, brought to this lnwatch's schema.

    What was there is kept beside it. Raises LedgerError (LOCKED while a daemon holds the ledger), and
    then the ledger is as it was.
    """
    backend = backend_of(settings, data_dir)
    folder = backend.path.parent if isinstance(backend, SqliteBackend) else data_dir
    fresh = SqliteBackend(folder / "ledger.restoring.sqlite3", settings.lock_timeout, "the copy")
    if not file.is_file():
        raise LedgerError(LedgerTrouble.UNREACHABLE, f"there is no file {file}")
    backend.hold()
    try:
        rows = _bring_up_to_date(SqliteBackend(file, settings.lock_timeout, "the backup"), fresh)
        if isinstance(backend, SqliteBackend):
            return Restored(rows, _put_in_place(backend, fresh))
        return Restored(rows, _replace_rows(backend, fresh, _free_name(folder / "ledger.before-restore.sqlite3")))
    except (OSError, sqlite3.Error) as error:
        raise fresh.trouble(error) from error
    finally:
        with suppress(OSError):
            remove(fresh)
        backend.release()


def copy_ledger(settings: LedgerSettings, data_dir: Path, to: SecretStr) -> Counts:
    """Copy the ledger to the URL `to` (`postgresql://…` or `sqlite:////FILE`), where none may be yet.

    Returns rows by table, counted on both sides. A daemon may run meanwhile: the copy is of one
    instant. Raises LedgerError, and then nothing was copied.
    """
    source, target = backend_of(settings, data_dir), backend_at(to, settings)
    require_ledger(source)
    reader, writer = source.reader(), target.writer(exclusive=True)
    try:
        target.hold()
        target.create()
        migrate(writer, lambda _: None)
        with one_instant(source, reader) as rows, writer.begin() as connection:
            check(rows)
            _require_empty(target, connection)
            return copy_tables(source, rows, connection)
    except SQLAlchemyError as error:
        raise target.trouble(error) from error
    finally:
        reader.dispose()
        writer.dispose()
        target.release()


def _bring_up_to_date(source: SqliteBackend, fresh: SqliteBackend) -> Counts:
    """Make `fresh` of the backup, whole and of the present schema; returns rows by table."""
    remove(fresh)
    reader = source.reader()
    try:
        copy_file(source, reader, fresh)
    finally:
        reader.dispose()
    with closing(sqlite3.connect(fresh.path)) as copy:
        try:
            found = [line for (line,) in copy.execute("PRAGMA quick_check(1)")]
        except sqlite3.DatabaseError as error:
            raise source.trouble(error) from error
        if found != ["ok"]:
            raise LedgerError(LedgerTrouble.CORRUPT, f"the backup {source.path} is damaged: {found[0]}")
    writer = fresh.writer(exclusive=False)
    try:
        migrate(writer, lambda _: None)
        with writer.begin() as connection:
            return count_rows(connection)
    except SQLAlchemyError as error:
        raise fresh.trouble(error) from error
    finally:
        writer.dispose()


def _put_in_place(backend: SqliteBackend, fresh: SqliteBackend) -> Path | None:
    kept = _free_name(backend.path.with_name(f"{backend.path.stem}.before-restore{backend.path.suffix}"))
    there = backend.path.exists()
    if there:
        with suppress(sqlite3.Error), closing(sqlite3.connect(backend.path)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The log goes first: beside another file SQLite would play it into that one.
        for ending in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                backend.beside(ending).replace(kept.with_name(kept.name + ending))
        try:
            os.link(backend.path, kept)  # a second name: at every instant a ledger stands in its place
        except OSError:  # not every file system has links
            shutil.copy2(backend.path, kept)
    fresh.path.replace(backend.path)
    return kept if there else None


def _free_name(path: Path) -> Path:
    """The path, or the first one with a number that is not taken: what was kept once is never overwritten."""
    numbered = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not candidate.exists())


def _replace_rows(backend: Backend, fresh: SqliteBackend, kept: Path) -> Path | None:
    reader, writer, copy = backend.reader(), backend.writer(exclusive=True), fresh.reader()
    try:
        with writer.connect() as connection:
            found = revision(connection)
        if found is not None:
            write_copy(backend, reader, kept)
        migrate(writer, lambda _: None)
        with one_instant(fresh, copy) as rows, writer.begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(delete(table))
            copy_tables(fresh, rows, connection)
    except SQLAlchemyError as error:
        raise backend.trouble(error) from error
    finally:
        for engine in (reader, writer, copy):
            engine.dispose()
    return kept if found is not None else None


def _require_empty(target: Backend, connection: Connection) -> None:
    full = [name for name, rows in count_rows(connection).items() if rows]
    if full:
        message = f"{target.place} holds a ledger already (table {full[0]}): copy into an empty database"
        raise LedgerError(LedgerTrouble.FAILED, message)

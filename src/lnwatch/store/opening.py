"""Opening: for the daemon, which holds the ledger and migrates it, and for whoever only looks in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from lnwatch.clock import Clock
from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.backend import Backend, backend_of
from lnwatch.store.cases.parcels import orphan
from lnwatch.store.copies import write_copy
from lnwatch.store.database import Database
from lnwatch.store.ledger import Ledger
from lnwatch.store.migrate import SCRIPTS, check, migrate
from lnwatch.store.settings import LedgerSettings
from lnwatch.store.sqlite import SqliteBackend
from lnwatch.store.starts import count_start, starts

log = structlog.get_logger()

ORPHANED = 10.0  # seconds, those of one request: by then what an earlier life was sending arrived, or never will


async def open_ledger(settings: LedgerSettings, data_dir: Path, clock: Clock) -> Ledger:
    """Open the ledger for the daemon: hold it alone, create or migrate it, count this start.

    Before a migration a copy is kept, as one SQLite file: beside an SQLite ledger, in `data_dir` of a
    ledger in PostgreSQL, which is copied row by row at one instant (no pg_dump, whose version would have
    to fit the server's; `lnwatch db restore` takes the file on either backend). It needs room and, for a
    large ledger, minutes; with `migrate_without_copy` none is made. Raises LedgerError.
    """
    backend = backend_of(settings, data_dir)
    database, number = await asyncio.to_thread(_open, backend, settings, data_dir, clock.now())
    return Ledger(database, settings, clock, number)


async def visit_ledger(settings: LedgerSettings, data_dir: Path, clock: Clock) -> Ledger:
    """Open the ledger beside the daemon that holds it, for the inbox and for reading; nothing is migrated.

    Raises LedgerError, with VERSION where its schema is not this lnwatch's.
    """
    backend = backend_of(settings, data_dir)
    database = Database(backend, exclusive=False, verify=check)
    try:
        number = await asyncio.to_thread(_look_in, backend, database)
    except LedgerError:
        database.close()
        raise
    return Ledger(database, settings, clock, number)


@contextmanager
def reading(settings: LedgerSettings, data_dir: Path) -> Iterator[tuple[Backend, Engine]]:
    """The ledger's place and a reader of it, for the functions behind `lnwatch db`. Raises LedgerError."""
    backend = backend_of(settings, data_dir)
    require_ledger(backend)
    reader = backend.reader()
    try:
        yield backend, reader
    except SQLAlchemyError as error:
        raise backend.trouble(error) from error
    finally:
        reader.dispose()


def _open(backend: Backend, settings: LedgerSettings, data_dir: Path, now: float) -> tuple[Database, int]:
    backend.hold()
    database = Database(backend, exclusive=True, verify=check)
    try:
        backend.create()
        _migrate(backend, database, settings, data_dir)
        return database, database.write(partial(_begin, now=now))
    except BaseException:
        database.close()
        backend.release()
        raise


def _begin(connection: Connection, now: float) -> int:
    orphan(connection, now + ORPHANED)
    return count_start(connection, now)


def _migrate(
    backend: Backend, database: Database, settings: LedgerSettings, data_dir: Path, scripts: Path = SCRIPTS
) -> None:
    folder = backend.path.parent if isinstance(backend, SqliteBackend) else data_dir

    def keep(found: str) -> Path | None:
        if settings.migrate_without_copy:
            log.warning("ledger is migrated without a copy", schema=found)
            return None
        file = folder / f"ledger.schema-{found}.sqlite3"
        log.info("ledger is copied before it is migrated", schema=found, copy=str(file))
        write_copy(backend, database.reader, file, scripts)
        return file

    try:
        migrate(database.writer, keep, scripts)
    except SQLAlchemyError as error:
        raise backend.trouble(error) from error


def _look_in(backend: Backend, database: Database) -> int:
    require_ledger(backend)
    database.read(check)
    return database.read(starts)


def require_ledger(backend: Backend) -> None:
    """Raise LedgerError where no ledger can be; a server says so itself."""
    if isinstance(backend, SqliteBackend) and not backend.path.exists():
        message = f"there is no ledger {backend.path} yet: start `lnwatch run` once, or set data_dir or ledger.path"
        raise LedgerError(LedgerTrouble.UNREACHABLE, message)

"""The embedded backend: one SQLite file in WAL mode, and beside it the lock of the daemon that holds it."""

import errno
import fcntl
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.trouble import READERS, first_line

ROOM = 1024 * 1024  # bytes; the last ones of a disk are left alone, so that it is full or not, and nothing in between
APPLICATION_ID = 0x6C6E7761  # "lnwa": another program's database is never taken for a ledger

# FULL: a commit is on the disk before it is acknowledged. NORMAL would lose the newest ones with the power:
# HTLC events that no node tells again, and finals that were published. One fsync per batch is what it costs.
_WRITER_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -32000",  # KiB: payment hashes fall all over their tree
    "PRAGMA wal_autocheckpoint = 4000",  # pages: folding the log back less often merges more writes of one page
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA trusted_schema = OFF",
)
# No mmap anywhere: a file that is truncated under a mapping kills the process with SIGBUS.
_READER_PRAGMAS = ("PRAGMA query_only = ON", "PRAGMA trusted_schema = OFF")

_ACCESS = "give lnwatch's user the file and its folder, on a file system that is mounted for writing"
_OTHERS = "end the transaction of the other program that has it open"
_RESTORE = "stop lnwatch and run `lnwatch db restore` with a backup"
_TROUBLES = {
    sqlite3.SQLITE_FULL: (LedgerTrouble.FULL, "the disk is full: make room, lnwatch goes on by itself"),
    sqlite3.SQLITE_BUSY: (LedgerTrouble.LOCKED, f"it is locked: {_OTHERS}"),
    sqlite3.SQLITE_LOCKED: (LedgerTrouble.LOCKED, f"it is locked: {_OTHERS}"),
    sqlite3.SQLITE_READONLY: (LedgerTrouble.READ_ONLY, f"it can't be written: {_ACCESS}"),
    sqlite3.SQLITE_PERM: (LedgerTrouble.READ_ONLY, f"it can't be written: {_ACCESS}"),
    sqlite3.SQLITE_CANTOPEN: (LedgerTrouble.UNREACHABLE, f"it can't be opened: {_ACCESS}"),
    sqlite3.SQLITE_CORRUPT: (LedgerTrouble.CORRUPT, f"it is damaged: {_RESTORE}"),
    sqlite3.SQLITE_NOTADB: (LedgerTrouble.CORRUPT, f"it is no SQLite database: move it away, or {_RESTORE}"),
    sqlite3.SQLITE_IOERR_SHORT_READ: (LedgerTrouble.CORRUPT, f"it is truncated: {_RESTORE}"),
}

_Identity = tuple[int, int]  # device and inode
_NOTHING: _Identity = (0, 0)


class SqliteBackend:
    """One file; `inspect` notices when it is replaced, removed or truncated under the running daemon."""

    name = "sqlite"

    def __init__(self, path: Path, lock_timeout: float, called: str = "the ledger") -> None:
        """Nothing is touched yet. `lock_timeout` in seconds; `called` is what messages call the file."""
        self.path = path
        self.place = str(path)
        self._name = f"{called} {path}"
        self._log = self.beside("-wal")
        self._timeout = lock_timeout
        self._lock: int | None = None
        self._size: int | None = None  # when it was last looked at
        self._opened: tuple[_Identity, _Identity] | None = None  # the file that was written to, and its log

    def create(self) -> None:
        """Put an empty ledger (mode 0600) where no file is; all at once, so that a half-made one never stands there."""
        if self.path.exists():
            return
        self.require_folder()
        if self.beside("-wal").exists():
            message = f"{self.beside('-wal')} is there, but {self.path} is not: put both back, or {_RESTORE}"
            raise LedgerError(LedgerTrouble.CORRUPT, message)
        fresh = self.beside(".new")
        try:
            fresh.unlink(missing_ok=True)
            create_private(fresh)
            with closing(sqlite3.connect(fresh)) as connection:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            fresh.replace(self.path)
        except (OSError, sqlite3.Error) as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise self.trouble(error) from error

    def require_folder(self) -> None:
        """Raise LedgerError where the folder of the file is missing."""
        if not self.path.parent.is_dir():
            message = f"{self._name}: there is no folder {self.path.parent}; create it, or name another"
            raise LedgerError(LedgerTrouble.UNREACHABLE, message)

    def writer(self, *, exclusive: bool) -> Engine:  # noqa: ARG002 - `hold` keeps others away from the whole file
        """One connection, opened only where the file exists and is a ledger."""
        engine = self._engine("rw", 1)
        event.listen(engine, "connect", self._opened_for_writing)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        return engine

    def reader(self) -> Engine:
        """Connections that SQLite itself opens read-only."""
        engine = self._engine("ro", READERS)
        event.listen(engine, "connect", lambda connection, _: [connection.execute(each) for each in _READER_PRAGMAS])
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine

    def _engine(self, mode: str, connections: int) -> Engine:
        def connect() -> sqlite3.Connection:
            self._drop_orphaned_log()
            return sqlite3.connect(
                f"file:{quote(str(self.path.absolute()))}?mode={mode}",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,  # we say BEGIN ourselves: the driver's own timing splits DDL from its transaction
                check_same_thread=False,
            )

        return create_engine(
            "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, pool_size=connections, max_overflow=0
        )

    def _opened_for_writing(self, connection: sqlite3.Connection, _record: object) -> None:
        try:
            self._verify(connection)
            for pragma in _WRITER_PRAGMAS:
                connection.execute(pragma)
            self._opened = (_identity(self.path), _identity(self.beside("-wal")))
        except BaseException:
            connection.close()  # the pool knows nothing of a connection that it did not get
            raise

    def _verify(self, connection: sqlite3.Connection) -> None:
        # Asked of SQLite, never of the file: to close any other handle on it would drop SQLite's own locks.
        (identity,) = connection.execute("PRAGMA application_id").fetchone()
        if self.path.stat().st_size == 0:
            raise LedgerError(LedgerTrouble.CORRUPT, f"{self.path} is truncated: it is empty; {_RESTORE}")
        if identity != APPLICATION_ID:
            message = f"{self.path} is an SQLite database, but not a ledger of lnwatch: set data_dir or ledger.path"
            raise LedgerError(LedgerTrouble.FAILED, message)

    def hold(self) -> None:
        """Lock the file `*.lock` beside the ledger; the kernel lets go of it when the process dies."""
        path = self.path.with_suffix(".lock")
        self.require_folder()
        try:
            lock = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self.trouble(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(lock)
            message = f"another lnwatch holds the ledger {self.path}: stop that one first"
            raise LedgerError(LedgerTrouble.LOCKED, message) from error
        self._lock = lock

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def inspect(self) -> None:
        """Compare the file with the one that was opened: SQLite goes on writing into one that has no name any more."""
        try:
            status = self.path.stat()
            room = os.statvfs(self.path.parent)
        except OSError as error:
            message = f"{self._name} is gone ({error.strerror}): put it back, or {_RESTORE}"
            raise LedgerError(LedgerTrouble.UNREACHABLE, message) from error
        before, self._size = self._size, status.st_size
        ours = self._opened is None or self._opened[0] == (status.st_dev, status.st_ino)
        if before is not None and not ours:
            message = f"{self._name} was replaced while lnwatch ran; lnwatch goes on with the new file"
            raise LedgerError(LedgerTrouble.FAILED, message)
        if before is not None and status.st_size < before:
            message = f"{self._name} shrank from {before} to {status.st_size} bytes while lnwatch ran; {_RESTORE}"
            raise LedgerError(LedgerTrouble.CORRUPT, message)
        if room.f_bavail * room.f_frsize < ROOM:
            raise LedgerError(LedgerTrouble.FULL, f"{self._name}: {_TROUBLES[sqlite3.SQLITE_FULL][1]}")
        if self._opened is not None and ours:
            self._opened = (self._opened[0], _identity(self.beside("-wal")))

    def forget(self) -> None:
        """Take the file as it is now; `writer` proves it when it opens it."""
        self._size = None

    def _drop_orphaned_log(self) -> None:
        """Where another file took the place of ours, our log must go: SQLite would play it into that one."""
        if self._opened is None:
            return
        ours, log = self._opened
        if ours != _identity(self.path) != _NOTHING and log == _identity(self.beside("-wal")) != _NOTHING:
            for ending in ("-wal", "-shm"):
                self.beside(ending).unlink(missing_ok=True)

    def written_at(self) -> float | None:
        """The time of the log, into which each commit is written before it can be seen."""
        try:
            return self._log.stat().st_mtime
        except OSError:
            return None

    def cut(self) -> None:
        """A file has no server that could be silent."""

    def trouble(self, error: Exception) -> LedgerError:
        """From SQLite's result code, the extended one first."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", None)
        if isinstance(code, int):
            kind, remedy = (
                _TROUBLES.get(code) or _TROUBLES.get(code & 0xFF) or (LedgerTrouble.FAILED, first_line(cause))
            )
            return LedgerError(kind, f"{self._name}: {remedy}")
        if isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT}:
            return LedgerError(LedgerTrouble.FULL, f"{self._name}: {_TROUBLES[sqlite3.SQLITE_FULL][1]}")
        if isinstance(cause, OSError):
            refused = cause.errno in {errno.EROFS, errno.EACCES, errno.EPERM}
            kind = LedgerTrouble.READ_ONLY if refused else LedgerTrouble.UNREACHABLE
            return LedgerError(kind, f"{self._name}: {cause.strerror}; {_ACCESS}")
        return LedgerError(LedgerTrouble.FAILED, f"{self._name}: {first_line(cause)}")

    def sizes(self, connection: Connection) -> tuple[int, dict[str, int]]:
        """The file with its log; by table where SQLite was built with dbstat, indexes counted with their table."""
        files = (self.path, self.beside("-wal"))
        whole = sum(path.stat().st_size for path in files if path.exists())
        query = (
            "SELECT coalesce(m.tbl_name, s.name), sum(s.pgsize) FROM dbstat s LEFT JOIN sqlite_master m"
            " ON m.name = s.name WHERE s.aggregate = TRUE GROUP BY 1"
        )
        try:
            return whole, dict(connection.execute(text(query)).all())
        except DBAPIError:
            return whole, {}

    def beside(self, ending: str) -> Path:
        """The path with something after its name, as SQLite puts its own."""
        return self.path.with_name(self.path.name + ending)


def _identity(path: Path) -> _Identity:
    """What tells a file from another one of the same name."""
    try:
        status = path.stat()
    except OSError:
        return _NOTHING
    return status.st_dev, status.st_ino


def create_private(path: Path) -> None:
    """An empty file that only its owner may read. Raises OSError where there is one already."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))

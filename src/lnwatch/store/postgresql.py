"""The PostgreSQL backend, through psycopg 3; the daemon's hold is an advisory lock of the writer's session."""

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store.trouble import READERS, first_line

if TYPE_CHECKING:
    import psycopg

_LOCK = 0x6C6E7761  # key of the advisory lock; locks are kept per database
_CONNECT_TIMEOUT = 5  # seconds

_GRANT = "let ledger.url name the owner of the database, or grant its user the right"
_LOGIN = "set ledger.url or ledger.url_file to a user, password and database that it knows"
_RESTORE = "repair the database, or stop lnwatch and run `lnwatch db restore` with a backup"
# By SQLSTATE, or by its class where the first two characters tell enough.
_TROUBLES = {
    "53100": (LedgerTrouble.FULL, "the server's disk is full: make room, lnwatch goes on by itself"),
    "55P03": (LedgerTrouble.LOCKED, "another session has a table locked: end its transaction"),
    "40": (LedgerTrouble.LOCKED, "another session stood in the way; lnwatch tries again"),
    "25006": (LedgerTrouble.READ_ONLY, "the server takes no writes: it is a standby, or set to read-only"),
    "42501": (LedgerTrouble.READ_ONLY, _GRANT),
    "28": (LedgerTrouble.UNREACHABLE, _LOGIN),
    "3D": (LedgerTrouble.UNREACHABLE, f"create the database, or {_LOGIN}"),
    "XX001": (LedgerTrouble.CORRUPT, _RESTORE),
    "XX002": (LedgerTrouble.CORRUPT, _RESTORE),
    "08": (LedgerTrouble.UNREACHABLE, "start the server; lnwatch goes on by itself"),
    "57P": (LedgerTrouble.UNREACHABLE, "start the server; lnwatch goes on by itself"),
    "53": (LedgerTrouble.UNREACHABLE, "the server has no room for one more session"),
}


class PostgresqlBackend:
    """One database on a server; the tables lie in the first schema of the user's search path."""

    name = "postgresql"

    def __init__(self, url: URL, lock_timeout: float) -> None:
        """Nothing is touched yet. Seconds."""
        self._url = url.set(drivername="postgresql+psycopg")
        self._milliseconds = max(1, round(lock_timeout * 1000))
        self._lines: dict[int, socket.socket] = {}  # by id() of the driver's connection
        # A password may also stand among the options, so those are not shown.
        self.place = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)

    def create(self) -> None:
        """The database is the operator's to create."""

    def writer(self, *, exclusive: bool) -> Engine:
        """One connection; with `exclusive` its session holds the lock, or there is no connection."""
        engine = self._engine("", 1)
        if exclusive:
            event.listen(engine, "connect", self._take_lock)
        return engine

    def reader(self) -> Engine:
        """Connections whose transactions the server itself keeps from writing."""
        return self._engine("-c default_transaction_read_only=on", READERS)

    def _engine(self, options: str, connections: int) -> Engine:
        given = self._url.query.get("options", "")
        # A plan that was made while a table was empty reads the whole of it for ever: plan each time anew.
        own = f"-c lock_timeout={self._milliseconds} -c plan_cache_mode=force_custom_plan {options}"
        arguments = {
            "connect_timeout": _CONNECT_TIMEOUT,
            "application_name": "lnwatch",
            "client_encoding": "utf8",
            "tcp_user_timeout": 15_000,
            "keepalives_idle": 30,
            **self._url.query,
            "options": f"{given if isinstance(given, str) else ' '.join(given)} {own}",
        }
        try:
            engine = create_engine(
                self._url.set(query={}),
                connect_args=arguments,
                poolclass=QueuePool,
                pool_size=connections,
                max_overflow=0,
            )
        except ModuleNotFoundError as error:
            message = "PostgreSQL needs psycopg: install lnwatch[postgres]"
            raise LedgerError(LedgerTrouble.UNREACHABLE, message) from error
        event.listen(engine, "connect", self._opened)
        event.listen(engine, "close", self._closed)
        # Many rows in one statement instead of a message each: measured, psycopg's pipeline takes twice as long.
        engine.dialect.use_insertmanyvalues_wo_returning = True
        return engine

    def _opened(self, connection: "psycopg.Connection[Any]", _record: object) -> None:
        # A duplicate: whoever shuts it down can't hit a descriptor that was closed and given to somebody else.
        self._lines[id(connection)] = socket.socket(fileno=os.dup(connection.fileno()))

    def _closed(self, connection: "psycopg.Connection[Any]", _record: object) -> None:
        if (line := self._lines.pop(id(connection), None)) is not None:
            line.close()

    def _take_lock(self, connection: "psycopg.Connection[Any]", _record: object) -> None:
        import psycopg  # noqa: PLC0415 - an extra that not everybody installs

        try:
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
            connection.commit()
        except psycopg.Error as error:
            self._closed(connection, None)  # the pool knows nothing of a connection that it did not get
            connection.close()
            if not isinstance(error, psycopg.errors.LockNotAvailable):
                raise
            message = f"another lnwatch holds the ledger {self.place}: stop that one first"
            raise LedgerError(LedgerTrouble.LOCKED, message) from error

    def hold(self) -> None:
        """The writer's session holds; nothing beside it."""

    def release(self) -> None:
        """Gone with the writer's session."""

    def inspect(self) -> None:
        """The server answers for its files, and a connection for its server."""

    def forget(self) -> None:
        """Nothing is remembered."""

    def written_at(self) -> float | None:
        """Only a query tells."""
        return None

    def cut(self) -> None:
        """Shut every socket down: libpq itself would wait for ever for a server that is frozen."""
        for line in tuple(self._lines.values()):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def trouble(self, error: Exception) -> LedgerError:
        """From the SQLSTATE; an operational error without one never reached the server."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None) or ""
        lost = (
            not state
            and isinstance(error, DBAPIError)
            and any(kind.__name__ == "OperationalError" for kind in type(cause).__mro__)
        )
        if lost:
            state = "28" if "password" in str(cause) or "no pg_hba.conf entry" in str(cause) else "08"
            state = "3D" if "does not exist" in str(cause) else state
        for key in (state, state[:3], state[:2]):
            if key in _TROUBLES:
                kind, remedy = _TROUBLES[key]
                return LedgerError(kind, f"the ledger {self.place}: {first_line(cause)}; {remedy}")
        return LedgerError(LedgerTrouble.FAILED, f"the ledger {self.place}: {first_line(cause)}")

    def sizes(self, connection: Connection) -> tuple[int, dict[str, int]]:
        """As the server counts them, indexes with their table."""
        query = text(
            "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c"
            " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        )
        tables: dict[str, int] = dict(connection.execute(query).all())
        return connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one(), tables

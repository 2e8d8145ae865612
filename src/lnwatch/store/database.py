"""One open ledger as worker threads see it: transactions of the writer, reads apart, errors turned into ours."""

import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from lnwatch.errors import LedgerError
from lnwatch.store.backend import Backend

T = TypeVar("T")
Job = Callable[[Connection], T]


class Database:
    """The two engines of a backend.

    After any trouble both are opened anew: what was wrong may be mended by then, and what was open may
    be a file that is no longer there. `verify` then runs first in the next transaction of the writer.
    """

    def __init__(self, backend: Backend, *, exclusive: bool, verify: Callable[[Connection], None]) -> None:
        """Nothing is opened yet."""
        self.backend = backend
        self.generation = 0  # counts the times that everything was opened anew
        self._verify = verify
        self._verified = False
        self._writer = backend.writer(exclusive=exclusive)
        self._reader = backend.reader()
        self._lock = threading.Lock()
        event.listen(self._reader, "connect", self._mark)
        event.listen(self._reader, "checkout", self._refuse_old)

    def write(self, job: Job[T]) -> T:
        """Run `job` in one transaction. Raises LedgerError, and then nothing of it is stored."""
        try:
            self.backend.inspect()
            with self._writer.begin() as connection:
                if not self._verified:
                    self._verify(connection)
                result = job(connection)
            self._verified = True
        except (SQLAlchemyError, OSError, OverflowError) as error:
            self._start_anew()
            raise self.backend.trouble(error) from error
        except LedgerError:
            self._start_anew()
            raise
        return result

    def read(self, job: Job[T]) -> T:
        """Run `job` on what is committed. Raises LedgerError."""
        try:
            with self._reader.begin() as connection:
                return job(connection)
        except (SQLAlchemyError, OSError) as error:
            self._renew_readers()
            raise self.backend.trouble(error) from error

    @property
    def writer(self) -> Engine:
        """For migrations, which bring their own transaction."""
        return self._writer

    @property
    def reader(self) -> Engine:
        """For reads that last: exports and copies."""
        return self._reader

    def close(self) -> None:
        """Close what is open; no thread may be inside."""
        self._writer.dispose()
        self._reader.dispose()

    def _start_anew(self) -> None:
        self._writer.dispose()
        self.backend.forget()
        self._verified = False
        self._renew_readers()

    def _renew_readers(self) -> None:
        with self._lock:
            self.generation += 1

    def _mark(self, _connection: object, record: ConnectionPoolEntry) -> None:
        record.info["generation"] = self.generation

    def _refuse_old(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        if record.info["generation"] != self.generation:
            raise DisconnectionError("opened before the last trouble")

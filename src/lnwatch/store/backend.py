"""What the two backends have in common: where a ledger lies, and how to reach it."""

from pathlib import Path
from typing import Protocol

from pydantic import SecretStr
from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from lnwatch.credentials import Credential
from lnwatch.errors import LedgerError, LedgerTrouble, SourceError
from lnwatch.store.postgresql import PostgresqlBackend
from lnwatch.store.settings import LedgerSettings
from lnwatch.store.sqlite import SqliteBackend


class Backend(Protocol):
    """A place where a ledger may lie; everything here is called from worker threads."""

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    @property
    def place(self) -> str:
        """For people: the file, or the URL without its password."""
        ...

    def create(self) -> None:
        """Make the place ready for `writer` where there is nothing yet. Raises LedgerError."""
        ...

    def writer(self, *, exclusive: bool) -> Engine:
        """One connection at most; with `exclusive` it exists only while this process alone holds the ledger."""
        ...

    def reader(self) -> Engine:
        """A small pool of connections that can't write."""
        ...

    def hold(self) -> None:
        """Keep every other daemon away until `release`. Raises LedgerError(LOCKED)."""
        ...

    def release(self) -> None:
        """Let go of what `hold` took."""
        ...

    def inspect(self) -> None:
        """Raise LedgerError where the place is no longer the one that was opened; cheap."""
        ...

    def forget(self) -> None:
        """After trouble: take the place as it is now, so that `inspect` speaks of that one."""
        ...

    def written_at(self) -> float | None:
        """When anybody wrote last, epoch seconds; None where only a query tells. Cheap enough for the event loop."""
        ...

    def cut(self) -> None:
        """From any thread: end every call that waits for a silent server."""
        ...

    def trouble(self, error: Exception) -> LedgerError:
        """What an error of the driver means, and what to do."""
        ...

    def sizes(self, connection: Connection) -> tuple[int, dict[str, int]]:
        """Bytes on disk in all and by table; tables are missing where the backend can't tell."""
        ...


def backend_of(settings: LedgerSettings, data_dir: Path) -> Backend:
    """The configured place. Raises LedgerError where the URL can't be used."""
    url = settings.url
    if settings.url_file is not None:
        try:
            url = SecretStr(Credential(path=settings.url_file).text())
        except SourceError as error:
            raise LedgerError(LedgerTrouble.UNREACHABLE, f"ledger.url_file: {error.message}") from error
    if url is not None:
        return backend_at(url, settings)
    return SqliteBackend(settings.file(data_dir), settings.lock_timeout)


def backend_at(address: SecretStr, settings: LedgerSettings) -> Backend:
    """The place of a URL: `postgresql://…` or `sqlite:////absolute/path`. Raises LedgerError."""
    try:
        url = make_url(address.get_secret_value().strip())
    except (ArgumentError, ValueError) as error:
        message = "the ledger's URL can't be read; write postgresql://USER:PASSWORD@HOST/DATABASE"
        raise LedgerError(LedgerTrouble.UNREACHABLE, message) from error
    kind = url.get_backend_name()
    if kind in {"postgresql", "postgres"}:
        return PostgresqlBackend(url, settings.lock_timeout)
    if kind == "sqlite" and url.database:
        return SqliteBackend(Path(url.database), settings.lock_timeout)
    message = f"a ledger can't lie in {kind}; write postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////FILE"
    raise LedgerError(LedgerTrouble.UNREACHABLE, message)

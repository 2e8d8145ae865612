"""Ledgers of both backends: the same tests run over each."""

import atexit
import shutil
import tempfile
from collections.abc import AsyncIterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.store.backend import backend_of
from lnwatch.store.migrate import build, head
from tests.manual_clock import ManualClock
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger without a row; with `@pytest.mark.bare` a place where none is yet."""
    bare = request.node.get_closest_marker("bare") is not None
    if request.param == "sqlite":
        file = tmp_path / "ledger.sqlite3"
        if not bare:
            shutil.copyfile(template_file(), file)
            file.chmod(0o600)
        return f"sqlite:///{file}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.database() if bare else server.database(server.template(lay))


def lay(url: str) -> None:
    """Make the tables, as the first start does: once, for every test takes a copy."""
    backend = backend_of(LedgerSettings(url=SecretStr(url)), Path())
    backend.create()
    writer = backend.writer(exclusive=False)
    build(writer, head())
    writer.dispose()


@cache
def template_file() -> Path:
    """What SQLite's ledgers are copies of."""
    folder = Path(tempfile.mkdtemp(prefix="lnwatch-template-"))
    atexit.register(shutil.rmtree, folder)
    lay(f"sqlite:///{folder / 'ledger.sqlite3'}")
    return folder / "ledger.sqlite3"


@pytest.fixture
def settings(ledger_url: str) -> LedgerSettings:
    return LedgerSettings(url=SecretStr(ledger_url), lock_timeout="300ms")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def ledger(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    """An open, empty ledger."""
    opened = await open_ledger(settings, tmp_path, clock)
    yield opened
    await opened.close()

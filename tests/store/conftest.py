"""Ledgers of both backends: the same tests run over each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty ledger may lie: a file, or a database with nothing in it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


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

"""Ledgers of both backends, and a node that can be called."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.executor.office import Office, make_office
from tests.manual_clock import ManualClock


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty ledger may lie."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def ledger(ledger_url: str, tmp_path: Path) -> AsyncIterator[Ledger]:
    """An open, empty ledger."""
    opened = await open_ledger(LedgerSettings(url=SecretStr(ledger_url)), tmp_path, ManualClock())
    yield opened
    await opened.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """An executor over SQLite, with hands that only write down what they are told."""
    opened = await open_ledger(LedgerSettings(path=tmp_path / "ledger.sqlite3"), tmp_path, ManualClock())
    yield make_office(opened)
    await opened.close()

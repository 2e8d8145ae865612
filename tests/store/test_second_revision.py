"""A ledger that was made before there were cases."""

from dataclasses import asdict
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, insert

from lnwatch.model.lightning import InvoiceState
from lnwatch.store import Ledger, LedgerSettings, open_ledger, status
from lnwatch.store.backend import backend_of
from lnwatch.store.copies import is_copy
from lnwatch.store.migrate import VERSION_TABLE, build
from lnwatch.store.tables import metadata
from tests.manual_clock import ManualClock
from tests.store.case_stories import opened
from tests.store.stories import NODE, NOW, SITE, entry, invoice, rows
from tests.store.test_channels import CLOSED

WHERE = {"site": SITE, "source": NODE}
BEFORE: dict[str, dict[str, object]] = {
    "closed_channel": {**asdict(CLOSED), "seen_at": NOW},
    "lightning_invoice": {**asdict(invoice("aa", InvoiceState.ACCEPTED)), "htlcs": "[]"},
    "stream_gap": {"stream": "htlcs", "start_at": NOW - 60, "end_at": NOW - 5, "reason": "not connected"},
}


def _make_first(settings: LedgerSettings, folder: Path) -> None:
    backend = backend_of(settings, folder)
    backend.create()
    writer = backend.writer(exclusive=False)
    build(writer, "0001")
    with writer.begin() as connection:
        for name, row in BEFORE.items():
            table = Table(name, MetaData(), autoload_with=connection)
            connection.execute(insert(table).values(**WHERE, **row))
    writer.dispose()


@pytest.mark.bare
async def test_rows_of_the_first_revision(settings: LedgerSettings, tmp_path: Path) -> None:
    """It is copied, brought up to date with all its rows, and holds cases from then on; old closes are no news."""
    _make_first(settings, tmp_path)
    ledger = await open_ledger(settings, tmp_path, ManualClock())
    assert is_copy(tmp_path / "ledger.schema-0001.sqlite3")
    past = await ledger.past(SITE, NOW)
    assert past.held == {NODE: (invoice("aa", InvoiceState.ACCEPTED),)}
    assert [happening.at for happening in past.events] == [NOW - 5]
    (closed,) = rows(settings, "closed_channel")
    assert (closed["point"], closed["settled_msat"], closed["seen_at"], closed["history"]) == ("f0:1", 5, NOW, True)
    await ledger.append([entry(CLOSED, at=NOW + 9)])
    assert len((await ledger.past(SITE, NOW + 9)).events) == 1
    await ledger.commit([opened()])
    assert await ledger.cases(NOW) == (opened().case,)
    await ledger.close()


async def test_steps_lead_to_the_tables(ledger: Ledger) -> None:
    """What the steps build is what the tables say, column by column and index by index."""

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    options = {"version_table": VERSION_TABLE, "compare_type": True}
    assert await ledger._workers.read(differences) == []


async def test_tables_are_looked_after(ledger: Ledger, settings: LedgerSettings, tmp_path: Path) -> None:
    """The tables of cases are counted and exported like every other."""
    await ledger.commit([opened()])
    filled = {table.name: table.rows for table in status(settings, tmp_path).tables if table.rows}
    assert filled == {"daemon": 1, "case_state": 1, "case_history": 1, "outbox": 1}
    (row,) = rows(settings, "outbox")
    assert (row["channel"], row["status"], row["at"]) == ("slack", "pending", NOW)

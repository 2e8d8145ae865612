import json
from pathlib import Path

import pytest

from lnwatch.errors import LedgerError
from lnwatch.model.lightning import Wallet
from lnwatch.model.money import Msat
from lnwatch.store import Ledger, LedgerSettings, columns, export, status, tables
from lnwatch.store.export import PAGE
from lnwatch.store.migrate import head
from tests.store.stories import NOW, birth, entry, htlc_event, invoice, rows, settled

NOWHERE = Path("/nonexistent")


async def test_rows_since(ledger: Ledger, settings: LedgerSettings) -> None:
    """From a time on, by the table's own time; what has none yet (open invoices) is always in it."""
    told = [settled("aa", final_at=NOW - 100), settled("bb", final_at=NOW - 10), invoice("cc")]
    await ledger.append([birth(), entry(*told)])
    found = [row["payment_hash"] for row in export(settings, NOWHERE, "lightning_invoice", NOW - 10)]
    assert found == ["bb", "cc"]
    assert len(list(export(settings, NOWHERE, "lightning_invoice"))) == 3


async def test_rows_of_one_site(ledger: Ledger, settings: LedgerSettings) -> None:
    """One site's rows alone, where that is asked for."""
    await ledger.append([birth(), birth(site="other")])
    assert {row["site"] for row in export(settings, NOWHERE, "counter", site="other")} == {"other"}


async def test_pages(ledger: Ledger, settings: LedgerSettings) -> None:
    """However many rows there are, each comes once, by rising key."""
    lines = [htlc_event(NOW - number / 8, htlc_in=number) for number in range(PAGE + 700)]
    for start in range(0, len(lines), 500):
        await ledger.append([entry(*lines[start : start + 500])])
    found = [row["at"] for row in export(settings, NOWHERE, "htlc_event")]
    assert found == sorted(line.at for line in lines)


async def test_columns_and_plain_values(ledger: Ledger, settings: LedgerSettings) -> None:
    """Every row has the table's columns in order, and nothing in it that CSV or JSON could not hold."""
    await ledger.append([birth(), entry(settled("aa"), facts=Wallet(Msat(1), Msat(2), Msat(3), Msat(4)))])
    for table in tables.metadata.tables:
        for row in export(settings, NOWHERE, table):
            assert tuple(row) == columns(table)
            json.dumps(dict(row))
    (row,) = rows(settings, "snapshot")
    assert json.loads(row["facts"]) == {
        "confirmed_msat": 1,
        "unconfirmed_msat": 2,
        "locked_msat": 3,
        "anchor_reserve_msat": 4,
    }


async def test_no_such_table(settings: LedgerSettings) -> None:
    """A table that is not there is named, with those that are."""
    with pytest.raises(LedgerError, match="no table invoices; there are balance_change, block, "):
        list(export(settings, NOWHERE, "invoices"))


def test_no_ledger(tmp_path: Path) -> None:
    """Where no ledger is, nothing is made."""
    with pytest.raises(LedgerError, match="there is no ledger"):
        status(LedgerSettings(), tmp_path)
    assert list(tmp_path.glob("*")) == []


async def test_status(ledger: Ledger, settings: LedgerSettings, ledger_url: str) -> None:
    """Rows, oldest and newest of each table, and what it all takes on disk."""
    await ledger.append([birth(), entry(settled("aa", final_at=NOW - 9), settled("bb", final_at=NOW - 5))])
    found = status(settings, NOWHERE)
    assert found.backend == ledger_url.partition(":")[0]
    assert (found.schema, found.own_schema) == (head(), head())
    by_name = {table.name: table for table in found.tables}
    assert set(by_name) == set(tables.metadata.tables)
    invoices = by_name["lightning_invoice"]
    assert (invoices.rows, invoices.oldest, invoices.newest) == (2, NOW - 9, NOW - 5)
    assert (by_name["htlc_event"].rows, by_name["htlc_event"].oldest) == (0, None)
    assert by_name["counter"].newest is None
    sizes = [table.size for table in found.tables if table.size is not None]
    assert len(sizes) == len(found.tables)
    assert 0 < max(sizes) <= sum(sizes) <= found.size

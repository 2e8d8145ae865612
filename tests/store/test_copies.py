import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.snapshot import Event, TargetState
from lnwatch.store import Ledger, LedgerSettings, StateChange, backup, copy_ledger, open_ledger, restore, status, tables
from lnwatch.store.migrate import head
from tests.manual_clock import ManualClock
from tests.store.stories import (
    NODE,
    NOW,
    SITE,
    birth,
    block,
    channel,
    entry,
    forward,
    htlc_event,
    invoice,
    payment,
    rows,
    settled,
)
from tests.store.test_channels import CLOSED, change
from tests.store.test_snapshots import CORE, HOST


async def fill(ledger: Ledger) -> None:
    """Something in every table that sources fill."""
    told: list[Event] = [settled("aa"), invoice("bb"), payment(), forward(), htlc_event(), CLOSED]
    await ledger.watch(SITE, ["t1"], NOW)
    await ledger.append([birth(), entry(*told, block(100, txids=("t1",)), cursors={"live": "1"})])
    await ledger.append([entry(facts=CORE), entry(facts=HOST, source="box"), change(NOW, [channel()])])
    await ledger.append([StateChange(SITE, NODE, NOW, TargetState.UP, "\N{BITCOIN SIGN}", "")])
    await ledger.inbox_put("prune", {"by": "ops"}, NOW)


def content(settings: LedgerSettings, folder: Path = Path("/nonexistent")) -> dict[str, list[dict[str, Any]]]:
    return {table: rows(settings, table, folder=folder) for table in tables.metadata.tables}


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def at(place: str) -> LedgerSettings:
    return LedgerSettings(url=SecretStr(place), lock_timeout="200ms")


@pytest.fixture
def other_url(request: pytest.FixtureRequest, ledger_url: str, tmp_path: Path) -> str:
    """An empty place of the other backend."""
    if ledger_url.startswith("postgresql"):
        return f"sqlite:///{tmp_path / 'other.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def test_backup_is_a_ledger(ledger: Ledger, settings: LedgerSettings, tmp_path: Path) -> None:
    """A backup holds everything in one private file, which is a ledger in SQLite; what comes later is not in it."""
    await fill(ledger)
    file = tmp_path / "backup.sqlite3"
    before = content(settings)
    counts = backup(settings, tmp_path, file)
    await ledger.append([entry(settled("later"))])
    assert counts == {table: len(held) for table, held in before.items()}
    assert content(LedgerSettings(path=file)) == before
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert names(tmp_path, "backup.sqlite3*") == ["backup.sqlite3"]


async def test_backup_while_it_is_written(ledger: Ledger, settings: LedgerSettings, tmp_path: Path) -> None:
    """A backup is of one instant: what belongs together is in it together."""
    await ledger.append([birth()])

    async def write() -> None:
        for number in range(60):
            await ledger.append([entry(settled(f"{number:064x}", paid=1), cursors={"live": str(number)})])

    writing = asyncio.create_task(write())
    for number in range(3):
        file = tmp_path / f"backup{number}"
        await asyncio.to_thread(backup, settings, tmp_path, file)
        held = content(LedgerSettings(path=file))
        invoices = len(held["lightning_invoice"])
        received = {row["value"] for row in held["counter"] if row["name"] == "received_msat"}
        assert received == {invoices}
        assert [int(row["value"]) + 1 for row in held["cursor"]] == ([invoices] if invoices else [])
    await writing


async def test_backup_replaces_backups_alone(ledger: Ledger, settings: LedgerSettings, tmp_path: Path) -> None:
    """A backup may take the place of an older one; any other file, and the ledger itself, is safe from it."""
    letter = tmp_path / "letter"
    letter.write_text("dear customer")
    for _ in range(2):
        backup(settings, tmp_path, tmp_path / "backup")
    with pytest.raises(LedgerError, match="no backup of a ledger"):
        backup(settings, tmp_path, letter)
    assert letter.read_text() == "dear customer"
    with pytest.raises(LedgerError, match="there is no folder") as error:
        backup(settings, tmp_path, tmp_path / "nowhere" / "backup")
    assert error.value.trouble is LedgerTrouble.UNREACHABLE
    living = LedgerSettings(path=tmp_path / "living.sqlite3")
    await (await open_ledger(living, tmp_path, ManualClock())).close()
    with pytest.raises(LedgerError, match="no backup of a ledger"):
        backup(settings, tmp_path, tmp_path / "living.sqlite3")
    if ledger.backend == "sqlite":
        with pytest.raises(LedgerError, match="is the ledger itself"):
            backup(settings, tmp_path, tmp_path / "ledger.sqlite3")


async def test_restore(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> None:
    """A backup takes the place of the ledger, which is kept; the daemon goes on from there."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await fill(ledger)
    file = tmp_path / "backup.sqlite3"
    backup(settings, tmp_path, file)
    saved = content(settings)
    await ledger.append([entry(settled("later"))])
    with pytest.raises(LedgerError, match="another lnwatch holds the ledger") as held:
        restore(settings, tmp_path, file)
    assert held.value.trouble is LedgerTrouble.LOCKED
    await ledger.close()
    lost = content(settings)
    restored = restore(settings, tmp_path, file)
    assert restored.rows == {table: len(held) for table, held in saved.items()}
    assert content(settings) == saved
    assert restored.kept is not None
    assert content(LedgerSettings(path=restored.kept)) == lost
    ledger = await open_ledger(settings, tmp_path, clock)
    assert ledger.starts == 2
    await ledger.append([entry(settled("bb"))])
    await ledger.close()
    again = restore(settings, tmp_path, file)
    assert again.kept != restored.kept
    assert content(LedgerSettings(path=restored.kept)) == lost
    assert names(tmp_path, "ledger.restoring*") == []


@pytest.mark.bare
async def test_restore_where_nothing_is(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> None:
    """A backup may begin a new ledger."""
    source = LedgerSettings(path=tmp_path / "source.sqlite3")
    ledger = await open_ledger(source, tmp_path, clock)
    await fill(ledger)
    await ledger.close()
    backup(source, tmp_path, tmp_path / "backup")
    assert restore(settings, tmp_path, tmp_path / "backup").kept is None
    assert content(settings) == content(source)


async def test_restore_over_a_wreck(tmp_path: Path, clock: ManualClock) -> None:
    """A backup takes the place of a damaged ledger; the log that a crash left beside that is not played into it."""
    here = LedgerSettings()
    path, log = here.file(tmp_path), tmp_path / "ledger.sqlite3-wal"
    ledger = await open_ledger(here, tmp_path, clock)
    await fill(ledger)
    backup(here, tmp_path, tmp_path / "backup")
    saved = content(here, tmp_path)
    await ledger.append([entry(settled("later"))])
    crashed = log.read_bytes()
    await ledger.close()
    path.write_bytes(b"\xff" * 50_000)
    log.write_bytes(crashed)
    restored = restore(here, tmp_path, tmp_path / "backup")
    assert content(here, tmp_path) == saved
    assert restored.kept is not None


@pytest.mark.parametrize("content_of", [b"dear customer", b"", None], ids=["text", "empty", "missing"])
async def test_restore_of_no_backup(
    settings: LedgerSettings, tmp_path: Path, clock: ManualClock, content_of: bytes | None
) -> None:
    """What is no backup changes nothing."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await fill(ledger)
    await ledger.close()
    before = content(settings)
    file = tmp_path / "backup"
    if content_of is not None:
        file.write_bytes(content_of)
    with pytest.raises(LedgerError, match="backup"):
        restore(settings, tmp_path, file)
    assert content(settings) == before


async def test_restore_of_a_damaged_backup(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> None:
    """A backup with damaged pages is refused, and changes nothing."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await fill(ledger)
    await ledger.close()
    before = content(settings)
    file = tmp_path / "backup"
    backup(settings, tmp_path, file)
    with file.open("r+b") as handle:
        handle.seek(file.stat().st_size // 2)
        handle.write(b"\xff" * 20_000)
    with pytest.raises(LedgerError, match="damaged") as error:
        restore(settings, tmp_path, file)
    assert error.value.trouble is LedgerTrouble.CORRUPT
    assert content(settings) == before


async def test_copy_there_and_back(
    settings: LedgerSettings, tmp_path: Path, clock: ManualClock, other_url: str
) -> None:
    """A ledger moves to the other backend and back with every row, and the daemon goes on with the copy."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await fill(ledger)
    counts = copy_ledger(settings, tmp_path, SecretStr(other_url))  # while the daemon runs
    before = content(settings)
    await ledger.close()
    assert counts == {table: len(held) for table, held in before.items()}
    assert content(at(other_url)) == before
    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    copy_ledger(at(other_url), tmp_path, SecretStr(back))
    assert content(at(back)) == before
    moved = await open_ledger(at(other_url), tmp_path, clock)
    assert moved.starts == 2
    await moved.append([entry(settled("bb"))])
    assert (await moved.totals())[SITE, NODE].received_msat == 500_000
    await moved.close()


async def test_copy_beside_other_tables(tmp_path: Path, clock: ManualClock, postgres_url: str) -> None:
    """A database may have other tenants: their tables are neither copied nor touched."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE shopping (x int)")
        connection.execute("INSERT INTO shopping VALUES (1)")
    source = LedgerSettings(path=tmp_path / "source.sqlite3")
    ledger = await open_ledger(source, tmp_path, clock)
    await fill(ledger)
    await ledger.close()
    copy_ledger(source, tmp_path, SecretStr(postgres_url))
    backup(at(postgres_url), tmp_path, tmp_path / "backup")
    restore(at(postgres_url), tmp_path, tmp_path / "backup")
    assert content(at(postgres_url)) == content(source)
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("SELECT x FROM shopping").fetchall() == [(1,)]


def test_copy_of_nothing(tmp_path: Path) -> None:
    """Where no ledger is there is nothing to copy, and nothing is made."""
    target = tmp_path / "other.sqlite3"
    with pytest.raises(LedgerError, match="there is no ledger"):
        copy_ledger(LedgerSettings(), tmp_path, SecretStr(f"sqlite:///{target}"))
    assert not target.exists()


async def test_copy_into_a_ledger(settings: LedgerSettings, tmp_path: Path, clock: ManualClock, other_url: str) -> None:
    """A copy never mixes with rows that are there, and never goes where a daemon is."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await fill(ledger)
    other = await open_ledger(at(other_url), tmp_path, clock)
    with pytest.raises(LedgerError, match="another lnwatch holds"):
        copy_ledger(settings, tmp_path, SecretStr(other_url))
    await other.close()
    with pytest.raises(LedgerError, match="holds a ledger already"):
        copy_ledger(settings, tmp_path, SecretStr(other_url))
    assert status(at(other_url), tmp_path).schema == head()
    await ledger.close()
    with pytest.raises(LedgerError, match="mysql"):
        copy_ledger(settings, tmp_path, SecretStr("mysql://x/y"))

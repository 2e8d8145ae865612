import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import text

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store import Ledger, LedgerSettings, open_ledger, status, visit_ledger
from lnwatch.store.migrate import head
from tests.manual_clock import ManualClock
from tests.store.stories import birth, rows, run
from tests.store.volumes import Volume, volume  # noqa: F401 - a fixture is found by its name

pytestmark = pytest.mark.bare

HERE = LedgerSettings(lock_timeout="50ms")


async def refused(settings: LedgerSettings, folder: Path, trouble: LedgerTrouble) -> str:
    """Twice, with what was there untouched; returns what an operator would read."""
    before = _sizes(folder)
    for _ in range(2):
        with pytest.raises(LedgerError) as error:
            await open_ledger(settings, folder, ManualClock())
        assert error.value.trouble is trouble, error.value.message
    assert _sizes(folder) == before
    return error.value.message


def _sizes(folder: Path) -> dict[str, int]:
    there = folder.iterdir() if folder.is_dir() else ()
    return {path.name: path.stat().st_size for path in there if path.name != "ledger.lock"}


async def test_starts_are_counted(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> None:
    """Each start of the daemon counts, with its time and version; visits don't."""
    for number in (1, 2, 3):
        ledger = await open_ledger(settings, tmp_path, clock)
        visitor = await visit_ledger(settings, tmp_path, clock)
        assert ledger.starts == visitor.starts == number
        await visitor.close()
        await ledger.close()
        await clock.advance(60)
    assert [(row["number"], row["at"]) for row in rows(settings, "daemon")] == [
        (number, 1_800_000_000.0 + 60 * (number - 1)) for number in (1, 2, 3)
    ]


async def test_probe_notes_that_it_lives(ledger: Ledger, settings: LedgerSettings, clock: ManualClock) -> None:
    """A probe is a write that tells how long the daemon could write."""
    await clock.advance(30)
    await ledger.probe()
    (row,) = rows(settings, "daemon")
    assert (row["at"], row["alive_at"]) == (1_800_000_000.0, 1_800_000_030.0)


async def test_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is named, and not made."""
    message = await refused(HERE, tmp_path / "nowhere", LedgerTrouble.UNREACHABLE)
    assert f"there is no folder {tmp_path / 'nowhere'}" in message
    assert not (tmp_path / "nowhere").exists()


async def test_read_only_folder(volume: Volume) -> None:  # noqa: F811 - the fixture
    """A folder that can't be written is named."""
    volume.remount("ro")
    assert "Read-only file system" in await refused(HERE, volume.folder, LedgerTrouble.READ_ONLY)


async def test_no_room(volume: Volume) -> None:  # noqa: F811 - the fixture
    """A disk that is full from the start is named."""
    room = os.statvfs(volume.folder)
    (volume.folder / "ballast").write_bytes(b"\0" * room.f_bavail * room.f_frsize)
    assert "the disk is full" in await refused(HERE, volume.folder, LedgerTrouble.FULL)


@pytest.mark.parametrize(
    ("content", "trouble", "says"),
    [
        (b"lnwatch writes here\n" * 500, LedgerTrouble.CORRUPT, "no SQLite database"),
        (b"", LedgerTrouble.CORRUPT, "truncated"),
        (b"SQLite format 3\0", LedgerTrouble.CORRUPT, ""),
    ],
    ids=["text", "empty", "beginning"],
)
async def test_no_ledger(tmp_path: Path, content: bytes, trouble: LedgerTrouble, says: str) -> None:
    """What is no ledger is refused and left as it is."""
    (tmp_path / "ledger.sqlite3").write_bytes(content)
    assert says in await refused(HERE, tmp_path, trouble)
    assert (tmp_path / "ledger.sqlite3").read_bytes() == content


async def test_half_a_ledger(tmp_path: Path, clock: ManualClock) -> None:
    """A ledger of which only the beginning is there is refused."""
    ledger = await open_ledger(HERE, tmp_path, clock)
    await ledger.append([birth()])
    await ledger.close()
    path = tmp_path / "ledger.sqlite3"
    os.truncate(path, path.stat().st_size // 2)
    assert "lnwatch db restore" in await refused(HERE, tmp_path, LedgerTrouble.CORRUPT)


async def test_strangers_database(tmp_path: Path) -> None:
    """Another program's database is refused."""
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection:
        connection.execute("CREATE TABLE shopping (x)")
    assert "not a ledger of lnwatch" in await refused(HERE, tmp_path, LedgerTrouble.FAILED)


async def test_log_without_its_file(tmp_path: Path) -> None:
    """A log whose ledger is missing holds the newest rows: no new ledger is begun beside it."""
    (tmp_path / "ledger.sqlite3-wal").write_bytes(b"\x37\x7f\x06\x82")
    assert "put both back" in await refused(HERE, tmp_path, LedgerTrouble.CORRUPT)


async def test_begun_and_left(tmp_path: Path, clock: ManualClock) -> None:
    """A first start that was killed while it made the file is no obstacle to the next."""
    (tmp_path / "ledger.sqlite3.new").write_bytes(b"half")
    ledger = await open_ledger(HERE, tmp_path, clock)
    await ledger.close()
    assert not (tmp_path / "ledger.sqlite3.new").exists()


async def test_newer_schema(settings: LedgerSettings, tmp_path: Path, clock: ManualClock) -> None:
    """A ledger of a newer lnwatch is refused, to the daemon and to visitors, and stays as it is."""
    ledger = await open_ledger(settings, tmp_path, clock)
    await run(ledger, text("UPDATE lnwatch_schema SET version_num = '9999'"))
    await ledger.close()
    with pytest.raises(LedgerError, match=rf"newer lnwatch \(schema 9999, this one knows up to {head()}\)") as newer:
        await open_ledger(settings, tmp_path, clock)
    assert newer.value.trouble is LedgerTrouble.VERSION
    with pytest.raises(LedgerError, match="newer lnwatch"):
        await visit_ledger(settings, tmp_path, clock)
    assert status(settings, tmp_path).schema == "9999"
    assert status(settings, tmp_path).tables == ()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://root:hunter2@db/lnwatch", "can't lie in mysql"),
        ("hunter2", "can't be read"),
        ("sqlite://", "can't lie in sqlite"),
        ("postgresql://u:hunter2@host:port/d", "can't be read"),
    ],
)
async def test_useless_url(tmp_path: Path, url: str, says: str) -> None:
    """A URL that leads nowhere is told without what stands in it."""
    message = await refused(LedgerSettings(url=SecretStr(url)), tmp_path, LedgerTrouble.UNREACHABLE)
    assert says in message
    assert "hunter2" not in message


async def test_url_from_a_file(ledger_url: str, tmp_path: Path, clock: ManualClock) -> None:
    """The URL may lie in a file; one that can't be read is named."""
    settings = LedgerSettings(url_file=tmp_path / "url")
    with pytest.raises(LedgerError, match=r"ledger\.url_file: can't read"):
        await open_ledger(settings, tmp_path, clock)
    (tmp_path / "url").write_text(ledger_url + "\n")
    ledger = await open_ledger(settings, tmp_path, clock)
    assert ledger.backend == ledger_url.partition(":")[0]
    await ledger.close()


def test_one_place() -> None:
    """A ledger lies in one place."""
    with pytest.raises(ValidationError, match="one of url, url_file and path, not url and path"):
        LedgerSettings(url=SecretStr("sqlite:////x"), path=Path("/y"))


def test_durations_are_written_out() -> None:
    """Retention is written as people write it, with defaults that keep more than a year."""
    settings = LedgerSettings.model_validate({"retention": {"forwards": "30d"}, "lock_timeout": "1s"})
    assert settings.retention.forwards == 30 * 86_400
    assert settings.retention.lightning_invoices == 400 * 86_400
    assert settings.retention.five_minute_buckets == 8 * 86_400

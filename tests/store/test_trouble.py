"""What becomes of a ledger in SQLite when its file, its disk or its neighbours fail, and when they are mended."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store import Ledger, LedgerSettings, backup, open_ledger
from tests.manual_clock import ManualClock
from tests.store.stories import NODE, SITE, birth, entry, rows, settled
from tests.store.volumes import Volume, volume  # noqa: F401 - a fixture is found by its name

HERE = LedgerSettings(lock_timeout="50ms")


@pytest.fixture
async def running(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Ledger]:
    """A ledger in its file, with one counted invoice in it."""
    ledger = await open_ledger(HERE, tmp_path, clock)
    await ledger.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    await ledger.totals()  # readers have the file open too
    yield ledger
    await ledger.close()


async def refused(ledger: Ledger, trouble: LedgerTrouble, *payment_hashes: str) -> str:
    """Neither a batch nor the probe goes through; returns what an operator would read."""
    with pytest.raises(LedgerError) as append:
        await ledger.append([entry(*map(settled, payment_hashes or ("bb",)), cursors={"live": "2"})])
    with pytest.raises(LedgerError) as probe:
        await ledger.probe()
    assert append.value.trouble is probe.value.trouble is trouble
    return append.value.message


async def goes_on(ledger: Ledger, settings: LedgerSettings, folder: Path) -> None:
    """It can be written again, nothing was lost and nothing is stored twice."""
    await ledger.probe()
    assert await ledger.memory(SITE, NODE).cursor("live") == "1"
    for _ in range(2):
        await ledger.append([entry(settled("bb"), cursors={"live": "2"})])
    assert (await ledger.totals())[SITE, NODE].received_msat == 500_000
    with closing(sqlite3.connect(settings.file(folder))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        hashes = connection.execute("SELECT payment_hash FROM lightning_invoice ORDER BY 1").fetchall()
    assert hashes == [("aa",), ("bb",)]


@contextmanager
def another_program(path: Path, *statements: str) -> Iterator[None]:
    """A process of its own that has the file open, and has said these things to it."""
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    code += "for s in sys.argv[2:]: c.execute(s)\n"
    code += "print('ready', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path), *statements]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield
        process.kill()


async def test_locked(running: Ledger, tmp_path: Path) -> None:
    """While another program writes, ours waits a while and says so; after that it goes on."""
    with another_program(HERE.file(tmp_path), "BEGIN EXCLUSIVE"):
        assert "it is locked" in await refused(running, LedgerTrouble.LOCKED)
        assert (await running.totals())[SITE, NODE].received_msat == 250_000, "readers don't wait"
    await goes_on(running, HERE, tmp_path)


async def test_full(tmp_path: Path, clock: ManualClock, volume: Volume) -> None:  # noqa: F811 - the fixture
    """On a full disk nothing of a batch is stored; with room again it goes on."""
    ledger = await open_ledger(HERE, volume.folder, clock)
    await ledger.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    many = [f"{number:064x}" for number in range(5_000)]
    ballast = volume.folder / "ballast"
    with ballast.open("wb") as handle:
        status = os.statvfs(volume.folder)
        handle.write(b"\0" * status.f_bavail * status.f_frsize)
    assert "the disk is full" in await refused(ledger, LedgerTrouble.FULL, *many)
    assert [row["payment_hash"] for row in rows(HERE, "lightning_invoice", folder=volume.folder)] == ["aa"]
    ballast.unlink()
    await goes_on(ledger, HERE, volume.folder)
    await ledger.close()


async def test_full_by_limit(running: Ledger, tmp_path: Path) -> None:
    """The same where SQLite itself is told to grow no more, which needs no disk to fill up."""
    with running._workers.database.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # it takes what it has
    with pytest.raises(LedgerError, match="the disk is full") as full:
        await running.append([entry(*(settled(f"{number:064x}") for number in range(5_000)))])
    assert full.value.trouble is LedgerTrouble.FULL
    await goes_on(running, HERE, tmp_path)


async def test_read_only(clock: ManualClock, volume: Volume, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """A file system that turned read-only is named; mounted for writing again it goes on."""
    ledger = await open_ledger(HERE, volume.folder, clock)
    await ledger.append([birth(), entry(settled("aa"), cursors={"live": "1"})])
    path = HERE.file(volume.folder)
    with another_program(path, "BEGIN IMMEDIATE"):
        await refused(ledger, LedgerTrouble.LOCKED)  # and so has nothing open that would keep it writable
    ledger._workers.database._reader.dispose()
    volume.remount("ro")
    assert "it can't be written" in await refused(ledger, LedgerTrouble.READ_ONLY)
    volume.remount("rw")
    await goes_on(ledger, HERE, volume.folder)
    await ledger.close()


def fold_back(path: Path) -> None:
    """Bring what waits in the log into the file, as happens by itself every thousand pages."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


async def test_truncated(running: Ledger, tmp_path: Path) -> None:
    """A file that shrank under the daemon is noticed at the next batch; a whole one in its place goes on."""
    path, good = HERE.file(tmp_path), tmp_path / "good.sqlite3"
    backup(HERE, tmp_path, good)
    fold_back(path)
    await running.probe()
    os.truncate(path, path.stat().st_size // 2)
    message = await refused(running, LedgerTrouble.CORRUPT)
    assert "shrank from" in message
    assert "lnwatch db restore" in message
    good.replace(path)
    await goes_on(running, HERE, tmp_path)


async def test_replaced(running: Ledger, tmp_path: Path) -> None:
    """SQLite would go on writing into a file that has lost its name: it is noticed, and the new one is taken."""
    path, good = HERE.file(tmp_path), tmp_path / "good.sqlite3"
    backup(HERE, tmp_path, good)
    await running.append([entry(settled("lost"))])
    good.replace(path)
    with pytest.raises(LedgerError, match="was replaced while lnwatch ran") as replaced:
        await running.append([entry(settled("bb"))])
    assert replaced.value.trouble is LedgerTrouble.FAILED
    await goes_on(running, HERE, tmp_path)


async def test_removed(running: Ledger, tmp_path: Path) -> None:
    """A ledger that is gone is not silently begun anew; put back it goes on."""
    path = HERE.file(tmp_path)
    away = tmp_path / "away"
    fold_back(path)
    path.rename(away)
    assert "is gone" in await refused(running, LedgerTrouble.UNREACHABLE)
    assert not path.exists()
    away.rename(path)
    await goes_on(running, HERE, tmp_path)


async def test_replaced_by_a_stranger(running: Ledger, tmp_path: Path) -> None:
    """Another program's database in the ledger's place is left alone."""
    path = HERE.file(tmp_path)
    good, stranger = tmp_path / "good.sqlite3", tmp_path / "stranger"
    backup(HERE, tmp_path, good)
    with closing(sqlite3.connect(stranger)) as connection:
        connection.execute("CREATE TABLE lightning_invoice (x)")
    before = stranger.read_bytes()
    stranger.replace(path)
    assert "replaced" in await refused(running, LedgerTrouble.FAILED)
    with pytest.raises(LedgerError, match="not a ledger of lnwatch"):
        await running.probe()
    assert path.read_bytes() == before
    good.replace(path)
    await goes_on(running, HERE, tmp_path)


async def test_replaced_by_another_schema(running: Ledger, tmp_path: Path) -> None:
    """A ledger of another version in the place of ours is not written to."""
    good, newer = tmp_path / "good.sqlite3", tmp_path / "newer.sqlite3"
    for file in (good, newer):
        backup(HERE, tmp_path, file)
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("UPDATE lnwatch_schema SET version_num = '9999'")
    newer.replace(HERE.file(tmp_path))
    with pytest.raises(LedgerError, match="was replaced"):
        await running.probe()
    assert "newer lnwatch" in await refused(running, LedgerTrouble.VERSION)
    good.replace(HERE.file(tmp_path))
    await goes_on(running, HERE, tmp_path)


async def test_damaged_page(running: Ledger, tmp_path: Path) -> None:
    """Pages that were overwritten are named as damage, and a backup put in their place goes on."""
    path, good = HERE.file(tmp_path), tmp_path / "good.sqlite3"
    backup(HERE, tmp_path, good)
    fold_back(path)
    with path.open("r+b") as handle:
        handle.seek(4_096)
        handle.write(b"\xff" * (path.stat().st_size - 4_096))
    running._workers.database._writer.dispose()  # what its cache remembers is true no longer
    assert "it is damaged" in await refused(running, LedgerTrouble.CORRUPT)
    good.replace(path)
    await goes_on(running, HERE, tmp_path)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def test_modes(running: Ledger, tmp_path: Path) -> None:
    """Nobody but the owner may read the ledger, nor what SQLite and the lock put beside it."""
    names = ("ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3-shm", "ledger.lock")
    assert modes(tmp_path) == dict.fromkeys(names, 0o600)
    assert running.backend == "sqlite"

import asyncio
import csv
import io
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from lnwatch.cli.pruning import prune_ledger
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.errors import InboxError
from lnwatch.store import Item, Ledger, LedgerSettings, open_ledger
from lnwatch.store.backend import backend_of
from tests.cli.commands import invoke
from tests.secrets import RPC_PASSWORD, leaked
from tests.store.stories import NOW, birth, entry, settled

pytestmark = pytest.mark.usefixtures("standin_room")


@pytest.fixture(autouse=True)
def _configured(folder: Path) -> None:
    Path("lnwatch.toml").write_text('data_dir = "data"\n[site.main.standin.core]\n')
    Path("data").mkdir()


def store(*items: Item) -> None:
    """What a daemon left behind."""

    async def write() -> None:
        ledger = await open_ledger(LedgerSettings(), Path("data"), SystemClock())
        await ledger.append(items)
        await ledger.close()

    asyncio.run(write())


@contextmanager
def holding(settings: LedgerSettings) -> Iterator[None]:
    """A daemon that holds the ledger and does nothing else."""
    backend = backend_of(settings, Path("data"))
    backend.hold()
    yield
    backend.release()


@contextmanager
def daemon(answer: Mapping[str, object]) -> Iterator[list[str]]:
    """One that holds the ledger and answers what is asked of it; yields the kinds of the requests."""
    asked: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    async def answer_requests(ledger: Ledger) -> None:
        for request in await ledger.inbox_pending(10):
            asked.append(request.kind)
            await ledger.inbox_answer(request.id, answer, NOW)

    async def run() -> None:
        ledger = await open_ledger(LedgerSettings(), Path("data"), SystemClock())
        ready.set()
        while not stop.is_set():
            await answer_requests(ledger)
            await asyncio.sleep(0.05)
        await ledger.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    ready.wait(30)
    try:
        yield asked
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("prune",),
        ("export", "--table", "forward"),
        ("backup", "copy.sqlite3"),
        ("copy", "--to", "sqlite:///other.sqlite3"),
    ],
)
def test_no_ledger_yet(folder: Path, arguments: tuple[str, ...]) -> None:
    """Where there is no ledger, one line says so, and none is made."""
    result = invoke("db", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"lnwatch: there is no ledger {folder}/data/ledger.sqlite3 yet: "
        "start `lnwatch run` once, or set data_dir or ledger.path\n"
    )
    assert not list((folder / "data").iterdir())
    assert not Path("other.sqlite3").exists()


def test_status(folder: Path) -> None:
    """Rows and times by table, for people and for programs."""
    store(birth(), entry(settled()))
    result = invoke("db", "status")
    assert result.exit_code == 0
    head, titles, *rows = result.stdout.splitlines()
    assert head.startswith(f"sqlite {folder}/data/ledger.sqlite3, ")
    assert titles.split() == ["table", "rows", "oldest", "newest", "size"]
    assert [row.split()[:2] for row in rows if row.startswith("lightning_invoice ")] == [["lightning_invoice", "1"]]
    document = json.loads(invoke("db", "status", "--json").stdout)
    assert {table["table"]: table["rows"] for table in document["tables"]}["lightning_invoice"] == 1
    assert document["schema"] == document["own_schema"]


def test_export(folder: Path) -> None:
    """CSV with a head, JSON lines, since a date or for so long, to stdout or into a private file."""
    store(birth(), entry(settled("aa", NOW - 86_400), settled("bb", NOW)))
    rows = list(csv.DictReader(io.StringIO(invoke("db", "export", "--table", "lightning_invoice").stdout)))
    assert [(row["payment_hash"], row["state"], row["keysend"]) for row in rows] == [
        ("aa", "settled", "false"),
        ("bb", "settled", "false"),
    ]
    result = invoke(
        *("db", "export", "--table", "lightning_invoice", "--format", "jsonl"),
        *("--since", "2027-01-15T07:00", "--output", "rows.jsonl"),
    )
    assert result.stdout == f"wrote 1 rows to {folder}/rows.jsonl\n"
    assert [json.loads(line)["payment_hash"] for line in Path("rows.jsonl").read_text().splitlines()] == ["bb"]
    assert Path("rows.jsonl").stat().st_mode & 0o777 == 0o600
    assert invoke("db", "export", "--table", "lightning_invoice", "--since", "1d").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--table", "nothing"), 1, "lnwatch: there is no table nothing; there are "),
        (
            ("--table", "forward", "--since", "soon"),
            2,
            "lnwatch: Invalid value for --since: write how long ago (`7d`, ",
        ),
        (("--table", "forward", "--format", "xml"), 2, "lnwatch: Invalid value for '--format': there are csv, jsonl"),
        ((), 2, "lnwatch: Missing option '--table'"),
    ],
)
def test_what_cannot_be_exported(arguments: tuple[str, ...], status: int, message: str) -> None:
    """A wrong name or date is told in one line."""
    store(birth())
    result = invoke("db", "export", *arguments)
    assert result.exit_code == status
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_backup_and_restore(folder: Path) -> None:
    """What was backed up comes back; what stood there meanwhile is kept beside it."""
    store(birth(), entry(settled("aa")))
    assert invoke("db", "backup", "copy.sqlite3").stdout.endswith(f" rows copied to {folder}/copy.sqlite3\n")
    store(entry(settled("bb")))
    result = invoke("db", "restore", "copy.sqlite3")
    assert result.exit_code == 0, result.output
    kept = folder / "data/ledger.before-restore.sqlite3"
    assert result.stdout.endswith(f"what was there before is kept as {kept}\n")
    query = "SELECT count(*) FROM lightning_invoice"
    assert sqlite3.connect("data/ledger.sqlite3").execute(query).fetchone() == (1,)
    assert sqlite3.connect(kept).execute(query).fetchone() == (2,)


def test_restore_waits_for_no_daemon() -> None:
    """While a daemon holds the ledger, nothing takes its place."""
    store(birth())
    invoke("db", "backup", "copy.sqlite3")
    with daemon({}):
        result = invoke("db", "restore", "copy.sqlite3")
    assert result.exit_code == 1
    assert result.stderr.startswith("lnwatch: another lnwatch holds the ledger ")


def test_backup_while_the_daemon_runs() -> None:
    """A backup asks nobody to stop."""
    with daemon({}):
        result = invoke("db", "backup", "copy.sqlite3", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["total"] >= 0


def test_copy(folder: Path) -> None:
    """The whole ledger goes into an empty database, whose URL may stand in a file; a full one is refused."""
    store(birth(), entry(settled()))
    Path("url").write_text(f"sqlite:///{folder}/other.sqlite3\n")
    assert invoke("db", "copy", "--to-file", "url").exit_code == 0
    count = sqlite3.connect("other.sqlite3").execute("SELECT count(*) FROM lightning_invoice").fetchone()
    assert count == (1,)
    again = invoke("db", "copy", "--to", f"sqlite:///{folder}/other.sqlite3")
    assert again.exit_code == 1
    assert "holds a ledger already" in again.stderr
    for flags in ((), ("--to", "x", "--to-file", "url")):
        assert (
            invoke("db", "copy", *flags).stderr == "lnwatch: Invalid value for --to, --to-file: give one of the two\n"
        )


def test_copy_hides_the_password() -> None:
    """A URL that can't be used is told without its password."""
    store(birth())
    for url in (f"postgresql://u:{RPC_PASSWORD}@127.0.0.1:1/d", f"nonsense://u:{RPC_PASSWORD}@h", RPC_PASSWORD):
        result = invoke("db", "copy", "--to", url)
        assert result.exit_code in (1, 2)
        assert result.stderr.count("\n") == 1
        assert not leaked(result.output)


def test_prune_without_a_daemon() -> None:
    """Nobody runs, so the command removes what is too old itself."""
    now = int(SystemClock().now())
    store(birth(now - 100), entry(settled("aa", now - 50, created_at=now - 90), at=now - 50))
    Path("lnwatch.toml").write_text(
        Path("lnwatch.toml").read_text() + '[ledger]\nretention.lightning_invoices = "0s"\n'
    )
    result = invoke("db", "prune", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["rows"]["lightning_invoice"] == 1
    assert invoke("db", "prune").stdout == "0 rows removed\n"


def test_prune_by_the_daemon() -> None:
    """The daemon is the only writer while it runs: it is asked, and its answer is shown."""
    store(birth())
    with daemon({"removed": {"forward": 3, "inbox": 0}}) as asked:
        result = invoke("db", "prune")
    assert asked == ["prune"]
    assert result.stdout == "table    rows\nforward  3\n3 rows removed\n"


def test_prune_that_failed() -> None:
    """The daemon's reason is shown, with status 1."""
    store(birth())
    with daemon({"error": "the disk is full"}):
        result = invoke("db", "prune")
    assert result.exit_code == 1
    assert result.stderr == "lnwatch: the disk is full\n"


class Impatient(SystemClock):
    """A clock on which waiting takes no time."""

    waited = 0.0

    def monotonic(self) -> float:
        return self.waited

    async def sleep(self, seconds: float) -> None:
        self.waited += seconds


def test_prune_that_is_not_answered() -> None:
    """A daemon that has no time now is told of, and does not prune hours later, when nobody expects it."""
    store(birth())
    with holding(LedgerSettings()), pytest.raises(InboxError, match="within 1m: see its log; nothing was changed"):
        asyncio.run(prune_ledger(load(None, {}), Impatient()))
    ledger = sqlite3.connect("data/ledger.sqlite3")
    asked = ledger.execute("SELECT kind, answered_at IS NULL FROM inbox").fetchall()
    assert asked == [("prune", 0)]

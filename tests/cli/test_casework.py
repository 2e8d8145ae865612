import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.cli.visit import PATIENCE, Visit, visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.errors import InboxError
from lnwatch.model.case import short_id
from lnwatch.store import LedgerSettings
from tests.cli import daemon
from tests.cli.commands import invoke, spawn
from tests.cli.stories import DONE, DOWN, FULL, story
from tests.real.testbed.waiting import until
from tests.store.stories import rows

ID = short_id(DOWN)
ACK = {"site": "main", "rule": "lightning_down", "subject": "node:ln1", "actor": "anna", "note": ""}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, folder: Path) -> LedgerSettings:
    """The configured ledger, over both backends."""
    Path("data").mkdir()
    text = f'data_dir = "data"\n[site.main.bitcoind.core]\ncookie_file = "{folder}/c"\n'
    if request.param == "sqlite":
        Path("lnwatch.toml").write_text(text)
        return LedgerSettings(url=SecretStr(f"sqlite:///{folder}/data/ledger.sqlite3"))
    url: str = request.getfixturevalue("postgres_url")
    Path("lnwatch.toml").write_text(f'{text}[ledger]\nurl = "{url}"\n')
    return LedgerSettings(url=SecretStr(url))


def test_from_a_second_shell(settings: LedgerSettings) -> None:
    """A word that is said in one shell is answered there, and read in every other one."""
    with daemon.running(settings, story(SystemClock().now())):
        said = spawn("ack", ID, "-m", "on it", "--by", "anna")
        assert (said.returncode, said.stderr) == (0, "")
        assert said.stdout == f"{ID} lightning_down node:ln1 at main: acknowledged\n"
        read = spawn("case", ID, "--json")
        assert (read.returncode, read.stderr) == (0, "")
    told = json.loads(read.stdout)
    assert (told["state"], told["actor"], told["note"], told["daemon_runs"]) == ("acknowledged", "anna", "on it", True)
    (*_, step) = told["history"]
    assert (step["transition"], step["actor"], step["note"]) == ("acknowledged", "anna", "on it")


def test_each_word(settings: LedgerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the daemon answers is shown, for people and for programs; who said it is the user behind `sudo`."""
    monkeypatch.setenv("SUDO_USER", "bert")
    with daemon.running(settings, story(SystemClock().now())):
        asleep = invoke("snooze", ID, "--until", "2030-01-31T18:00", "-m", "spare part is ordered")
        assert asleep.stdout == f"{ID} lightning_down node:ln1 at main: snoozed until 2030-01-31 18:00:00 UTC\n"
        (shown,) = (each for each in json.loads(invoke("cases", "--json").stdout)["cases"] if each["id"] == ID)
        assert (shown["state"], shown["snoozed_until"], shown["actor"]) == ("snoozed", 1_896_112_800.0, "bert")
        told = json.loads(invoke("snooze", "host_disk_low", "path:/data", "--for", "2h", "--json").stdout)
        assert told.pop("snoozed_until") > SystemClock().now() + 7_100
        key = {"id": short_id(FULL), "site": "main", "rule": "host_disk_low", "subject": "path:/data"}
        assert told == {**key, "number": 1, "state": "snoozed"}
        closed = invoke("close", "main/host_disk_low/path:/data", "--reason", "a larger disk", "--json")
        assert json.loads(closed.stdout) == {**key, "number": 1, "state": "closed"}
        assert "1 open case, 1 critical" in invoke("cases", "--site", "main").stdout


def test_what_the_daemon_refuses(settings: LedgerSettings) -> None:
    """Its sentence is the one line, with status 1."""
    with daemon.running(settings, story(SystemClock().now())):
        result = invoke("ack", short_id(DONE))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "lnwatch: a case that is resolved can't be acknowledged\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("snooze", ID), "--for, --until: give one of the two"),
        (("snooze", ID, "--for", "2h", "--until", "2030-01-01"), "--for, --until: give one of the two"),
        (("snooze", ID, "--until", "soon"), "--until: write a date or a time, such as `2026-01-31` or "),
        (("snooze", ID, "--until", "2020-01-31"), "--for, --until: the end, 2020-01-31 00:00:00 UTC, is past"),
        (("snooze", ID, "--for", "999999999w"), "--for, --until: is too far away"),
        (("snooze", ID, "--for", "0s"), "--for, --until: the end, "),
        (("close", ID, "--reason", " "), "--reason: say why"),
    ],
)
def test_what_is_wrong_at_once(arguments: tuple[str, ...], line: str) -> None:
    """Bad input is one line and status 2, before anything is asked of anybody."""
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"lnwatch: Invalid value for {line}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("ack", ID),
        ("snooze", ID, "--for", "2h"),
        ("close", ID, "--reason", "mended"),
        ("silence", "add", "--rule", "host_*", "--for", "2h", "--reason", "known"),
        ("maintenance", "add", "--site", "main", "--for", "2h", "--reason", "upgrade"),
        ("coverage",),
    ],
)
def test_no_daemon(settings: LedgerSettings, arguments: tuple[str, ...]) -> None:
    """Where none runs, one line says so, and nothing is left for the next one."""
    daemon.leave(settings, story(SystemClock().now()))
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "lnwatch: the daemon does not run: start `lnwatch run`; nothing was changed\n"
    assert rows(settings, "inbox") == []


class Impatient(SystemClock):
    """A clock on which waiting takes no time; `meanwhile` happens when it has waited for `at` seconds."""

    def __init__(self, meanwhile: Callable[[Visit], Awaitable[None]] | None = None, at: float = PATIENCE - 1) -> None:
        self._waited = 0.0
        self._meanwhile = meanwhile
        self._at = at
        self.visit: Visit | None = None

    def monotonic(self) -> float:
        return self._waited

    async def sleep(self, seconds: float) -> None:
        self._waited += seconds
        if self._meanwhile is not None and self.visit is not None and self._waited >= self._at:
            happens, self._meanwhile = self._meanwhile, None
            await happens(self.visit)


async def ask(clock: Impatient) -> object:
    async with visiting(load(None, {}), clock) as visit:
        clock.visit = visit
        return await visit.ask("ack", ACK)


def test_a_daemon_that_does_not_answer(settings: LedgerSettings) -> None:
    """What was not begun in time is told of, and never done, also when the daemon comes to itself."""
    with (
        daemon.running(settings, story(SystemClock().now()), deaf=True),
        pytest.raises(InboxError, match="has not answered within 15s: "),
    ):
        asyncio.run(ask(Impatient()))
    with daemon.running(settings):
        assert invoke("ack", short_id(FULL)).exit_code == 0
        states = {each["id"]: each["state"] for each in json.loads(invoke("cases", "--json").stdout)["cases"]}
    assert (states[ID], states[short_id(FULL)]) == ("open", "acknowledged")


def test_a_daemon_that_begins_late(settings: LedgerSettings) -> None:
    """What was begun in the last moment is waited for: its answer is the truth."""

    async def begin(visit: Visit) -> None:
        (request,) = await visit.ledger.inbox_pending(10)
        assert await visit.ledger.inbox_begin(request.id)

    async def finish(visit: Visit) -> None:
        await begin(visit)
        (request,) = await visit.ledger.inbox_pending(10)
        await visit.ledger.inbox_answer(request.id, {"state": "acknowledged"}, request.at)

    with daemon.running(settings, story(SystemClock().now()), deaf=True):
        assert asyncio.run(ask(Impatient(finish))) == {"state": "acknowledged"}
        with pytest.raises(InboxError, match="has begun with it, but does not come to an end"):
            asyncio.run(ask(Impatient(begin)))


def test_who_asks_and_leaves(settings: LedgerSettings) -> None:
    """Ctrl-C takes back what was not begun."""
    with daemon.running(settings, story(SystemClock().now()), deaf=True):
        command = [sys.executable, "-m", "lnwatch", "ack", ID]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            until("it has asked", lambda: rows(settings, "inbox"))
            process.send_signal(signal.SIGINT)
            out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (128 + signal.SIGINT, "", "")
    (row,) = rows(settings, "inbox")
    assert row["answer"] == '{"error": "it was withdrawn"}'


def test_who_speaks_without_sudo(settings: LedgerSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the user whose process it is, whatever the environment calls them."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("USER", "somebody-else")
    with daemon.running(settings, story(SystemClock().now())):
        assert invoke("ack", ID).exit_code == 0
        told = json.loads(invoke("case", ID, "--json").stdout)
    assert told["actor"] == pwd.getpwuid(os.getuid()).pw_name

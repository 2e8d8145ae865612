"""What people say from a second shell while the daemon runs, as processes, over both ledgers."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lnwatch.model.case import Fingerprint, short_id
from lnwatch.simulator.lnd.node import Scale
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.real.testbed.daemon import SITE, Daemon, running
from tests.real.testbed.waiting import until
from tests.store.conftest import ledger_url  # noqa: F401 - each test runs over both backends
from tests.system.world import World

DOWN = Fingerprint(SITE, "lightning_down", "node:ln1")
ID = short_id(DOWN)
SOON = {"after": "3s", "keep_firing": "0s"}  # not for one answer that a loaded machine gives too late


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, Scale(channels=3, invoices=0))
    made.chain.mine(30)
    with made.running():
        yield made


@pytest.fixture
def daemon(world: World, tmp_path: Path, ledger_url: str) -> Iterator[Daemon]:  # noqa: F811 - the fixture
    more = {"ledger": {"url": ledger_url}, "rules": {"lightning_down": SOON}}
    with running(tmp_path / "lnwatch", world.settings(), more) as started:
        yield started


def said(daemon: Daemon, *words: str) -> Any:  # noqa: ANN401 - JSON
    """What a command answers to programs."""
    result = daemon.command(*words, "--json")
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
    return json.loads(result.stdout)


def standing(daemon: Daemon) -> dict[str, Any]:
    """The cases of the site by their IDs."""
    return {each["id"]: each for each in said(daemon, "cases", "--all", "--site", SITE)["cases"]}


def test_the_life_of_a_case_in_the_hands_of_people(world: World, daemon: Daemon) -> None:
    """A fault opens a case; each word is answered, kept through a kill, and the end comes by itself."""
    until("all is up", lambda: daemon.state_of("ln1") == "up")
    world.do(lambda: world.lnd.faults.hanging.add("GetInfo"))
    until("a case", lambda: standing(daemon).get(ID, {}).get("state") == "open", timeout=60)
    assert said(daemon, "ack", ID, "-m", "on it", "--by", "anna")["state"] == "acknowledged"
    daemon.restart()
    told = said(daemon, "case", "lightning_down", "node:ln1")
    assert (told["state"], told["actor"], told["note"], told["daemon_runs"]) == ("acknowledged", "anna", "on it", True)
    assert said(daemon, "snooze", ID, "--for", "1h")["state"] == "snoozed"
    world.do(world.lnd.faults.hanging.clear)
    until("its end", lambda: standing(daemon)[ID]["state"] == "resolved", timeout=60)
    refused = daemon.command("ack", ID)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "lnwatch: a case that is resolved can't be acknowledged\n"
    changes = [step["transition"] for step in said(daemon, "case", ID)["history"] if step["transition"]]
    assert changes == ["opened", "acknowledged", "snoozed", "resolved"]


def test_windows_and_coverage(daemon: Daemon) -> None:
    """A window keeps its ID through a kill and ends on demand; every rule says whether it can fire."""
    window = said(daemon, "maintenance", "add", "--site", SITE, "--for", "2h", "--reason", "new disks")
    overlapping = said(daemon, "maintenance", "add", "--rule", "host_*", "--for", "1h", "--reason", "new disks")
    assert overlapping["overlaps"] == [window["id"]]
    daemon.restart()
    assert said(daemon, "maintenance", "end", window["id"]) == {"id": window["id"], "ended": True}
    (left,) = said(daemon, "maintenance", "list")["silences"]
    assert left["id"] == overlapping["id"]
    rows = until("it has judged", lambda: said(daemon, "coverage")["coverage"])
    (row,) = (each for each in rows if (each["site"], each["rule"]) == (SITE, "bitcoind_down"))
    assert (row["scope"], row["covered"]) == ("core", True)


def test_while_the_daemon_is_away(daemon: Daemon) -> None:
    """Words are refused in one line and left for nobody; what is read says that it is old."""
    daemon.process.stop()
    for words in (("ack", ID), ("coverage",)):
        refused = daemon.command(*words)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.count("\n") == 1
    assert "the daemon does not run" in refused.stderr
    read = daemon.command("cases")
    assert read.returncode == 0
    assert read.stderr == "lnwatch: the daemon does not run: this is how it left things\n"
    daemon.start()
    assert daemon.command("cases").stderr == ""

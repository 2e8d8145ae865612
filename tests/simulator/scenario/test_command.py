"""`lnwatch simulate` and `lnwatch demo` as they are typed."""

import json
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from lnwatch.cli.simulate import verdict_of
from lnwatch.simulator.scenario.verdict import Verdict

LNWATCH = "import sys; sys.modules.update({}); from lnwatch.cli import main; main()"


def run(*words: str | Path, without: str = "") -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own, with a package that is not installed."""
    missing = f"{{'{without}': None}}" if without else "{}"
    code = LNWATCH.replace("{}", missing, 1)
    arguments = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False)


def test_events_are_lines_of_json() -> None:
    """Of a scenario by its name; each line is an event with its moment."""
    done = run("simulate", "--scenario", "10-btcpay-down", "--list-events")
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"Cause", "Truth", "RateMoved"} <= {each["what"] for each in told}
    assert all(isinstance(each["at"], int) for each in told)


def test_a_bad_file_is_a_line_and_a_status(tmp_path: Path) -> None:
    """It names the key; so does a name that nobody knows."""
    bad = tmp_path / "bad.toml"
    bad.write_text('about = "x"\nseed = "x"\nbegin = 2026-03-03T14:00:00Z\nlasts = "soon"\nstores = { books = 60 }\n')
    done = run("simulate", "--scenario", bad, "--list-events")
    assert done.returncode == 2
    assert done.stderr.startswith("bad.toml: lasts: found 'soon'; a duration is text with a unit")
    assert done.stderr.count("\n") == 1
    unknown = run("simulate", "--scenario", "99-nothing", "--list-events")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)


def test_a_report_that_can_not_be_written_is_told_at_once(tmp_path: Path) -> None:
    """Not after the many minutes that the scenarios take."""
    for place in (tmp_path / "absent" / "report.json", tmp_path):
        done = run("simulate", "--scenario", "10-btcpay-down", "--report", place)
        line = f"lnwatch: Invalid value for '--report': {place} can't be written: give a file in a folder that is there"
        assert (done.returncode, done.stderr) == (2, f"{line}\n")


def test_a_process_that_is_killed_is_a_verdict() -> None:
    """What the other scenarios came to is still told, and written."""
    ended: Future[Verdict] = Future()
    ended.set_exception(BrokenProcessPool("a process was terminated abruptly"))
    found = verdict_of(ended)
    assert (found.well, found.broken) == (False, "not run to its end: a process was terminated abruptly")


def test_a_missing_package_is_named() -> None:
    """The simulator needs more than the daemon does; who lacks it is told so in one line."""
    for words in (("demo",), ("simulate", "--scenario", "all", "--list-events")):
        done = run(*words, without="cryptography")
        line = "lnwatch: the simulator needs the package cryptography: pip install cryptography\n"
        assert (done.returncode, done.stderr) == (1, line)

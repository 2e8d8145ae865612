import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lnwatch import __version__
from tests.cli.commands import invoke, spawn


@pytest.mark.parametrize("arguments", [("version",), ("--version",)])
def test_version(arguments: tuple[str, ...]) -> None:
    """Both ways of asking get the same answer."""
    result = spawn(*arguments)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"lnwatch {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("chek",), "lnwatch: No such command 'chek'. Did you mean 'check'?"),
        (("check", "--josn"), "lnwatch: No such option: --josn (Possible options: --json)"),
        (("check", "--timeout", "5"), "lnwatch: Invalid value for '--timeout': a duration is text with a unit: "),
        (("db", "backup"), "lnwatch: Missing argument 'FILE'"),
    ],
)
def test_a_wrong_command_is_one_line(arguments: tuple[str, ...], line: str) -> None:
    """What was mistyped ends with status 2 and one line on stderr."""
    result = spawn(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_an_interrupt_while_it_is_read_has_no_traceback() -> None:
    """Ctrl-C in its first second ends it with the status of an interrupt, and not a word."""
    interrupted = """
import sys

class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == "lnwatch.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
from lnwatch.__main__ import main
main()
"""
    result = subprocess.run([sys.executable, "-c", interrupted], check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "")


@pytest.mark.parametrize(("arguments", "verb"), [((), "check"), (("db",), "restore")])
def test_without_a_verb_there_is_help(arguments: tuple[str, ...], verb: str) -> None:
    """Called bare, a command names its verbs."""
    result = invoke(*arguments)
    assert result.exit_code == 0
    assert f"\n  {verb} " in result.stdout


def test_every_flag_has_words() -> None:
    """No option goes without an explanation."""
    alone_standing = ("run", "init", "config", "check", "cases", "case", "ack", "snooze", "close", "coverage")
    below = ("db status", "db export", "db copy", "silence add", "silence list", "silence end", "maintenance add")
    for verb in map(str.split, (*alone_standing, *below)):
        options = invoke(*verb, "--help").stdout.partition("Options:\n")[2].splitlines()
        alone = [line for line in options if line.lstrip().startswith("-") and len(line.split("  ")) < 3]
        following = [options[options.index(line) + 1].startswith("     ") for line in alone]
        assert all(following), alone


def test_a_failure_of_ours_has_no_traceback(folder: Path) -> None:
    """A ledger that can't be opened is one line and status 1."""
    (folder / "lnwatch.toml").write_text('[site.main.bitcoind.core]\ncookie_file = "c"\n')
    result = spawn("db", "status")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("lnwatch: there is no ledger /var/lib/lnwatch/ledger.sqlite3 yet")
    assert result.stderr.count("\n") == 1


def test_a_reader_that_leaves_early(folder: Path) -> None:
    """`lnwatch config | head` ends quietly."""
    (folder / "lnwatch.toml").write_text('[site.main.bitcoind.core]\ncookie_file = "c"\n')
    command = [sys.executable, "-m", "lnwatch", "config"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.parametrize("verb", ["version", "--help", "config"])
def test_a_full_disk_is_one_line(folder: Path, verb: str) -> None:
    """Where what is printed can't be kept, one line says so, whoever prints."""
    (folder / "lnwatch.toml").write_text('[site.main.bitcoind.core]\ncookie_file = "c"\n')
    command = [sys.executable, "-m", "lnwatch", verb]
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "lnwatch: can't print: No space left on device\n")


def test_stdout_is_for_the_answer_alone(folder: Path) -> None:
    """A program that reads JSON gets JSON, whatever the libraries have to tell."""
    (folder / "lnwatch.toml").write_text('[site.main.bitcoind.core]\nurl = "http://127.0.0.1:1"\ncookie_file = "c"\n')
    result = spawn("check", "--json")
    assert result.returncode == 1
    (source,) = json.loads(result.stdout)["sources"]
    assert (source["reachable"], source["state"]) == (False, "down")

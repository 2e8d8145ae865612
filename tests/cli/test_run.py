import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import spawn
from tests.secrets import RPC_PASSWORD, leaked


@pytest.fixture
def configured(folder: Path) -> Path:
    """A node that is not there, and a secret that everybody can read."""
    (folder / "password").write_text(RPC_PASSWORD)
    (folder / "password").chmod(0o644)
    (folder / "lnwatch.toml").write_text(
        'data_dir = "data"\n[web]\nlisten = "127.0.0.1:0"\n'
        '[site.main.bitcoind.core]\nurl = "http://127.0.0.1:1"\nuser = "u"\npassword_file = "password"\n'
    )
    (folder / "data").mkdir()
    return folder


@pytest.fixture
def daemon(configured: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "lnwatch", "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str], event: str) -> tuple[dict[str, Any], list[str]]:
    """The log up to a line with this event."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if json.loads(line)["event"] == event:
            return json.loads(line), seen
    raise AssertionError(f"no line {event!r} in {''.join(seen)}")


def test_it_runs_until_it_is_told_to_stop(daemon: subprocess.Popen[str]) -> None:
    """It says what it starts with and where it listens, serves, and ends with 0 on SIGTERM; a secret is in no line."""
    listens, seen = told(daemon, "web listens")
    first, *rest = (json.loads(line) for line in seen)
    assert (first["event"], first["sites"], first["configuration"]) == ("starting", ["main"], "lnwatch.toml")
    assert "can be read by everybody" in next(line["text"] for line in rest if line["event"] == "configuration")
    with urllib.request.urlopen(f"http://{listens['address']}/healthz", timeout=30) as answer:
        assert answer.status == 200
    daemon.send_signal(signal.SIGTERM)
    assert daemon.stderr is not None
    assert not leaked("".join([*seen, daemon.stderr.read()]))
    assert daemon.wait(60) == 0


def test_an_address_that_is_taken(configured: Path) -> None:
    """A port that another program has is the configuration's fault: one line, status 2, nothing started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = spawn("run", env={"LNWATCH_WEB__LISTEN": f"127.0.0.1:{other.getsockname()[1]}"})
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1].startswith("web.listen: found 127.0.0.1:")
    assert not list((configured / "data").iterdir())


def test_a_ledger_that_another_daemon_holds(daemon: subprocess.Popen[str]) -> None:
    """A second daemon on the same ledger ends in one line with status 1, and the first goes on."""
    told(daemon, "web listens")
    result = spawn("run")
    assert result.returncode == 1
    assert "another lnwatch holds the ledger" in result.stderr.splitlines()[-1]
    assert daemon.poll() is None

"""What the demo starts ends with it, also when the demo is killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lnwatch.simulator.demo.leash import leashed
from tests.real.testbed.waiting import until

# Says what it is, then goes on; the second one does not end for being asked.
POLITE = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {POLITE}"
# Starts a command on a leash as the demo does, and waits.
HOLDER = """
import asyncio, pathlib, sys
from lnwatch.simulator.demo.programs import Programs

async def hold():
    await (await Programs(pathlib.Path(sys.argv[1])).start("it", [sys.executable, "-c", sys.argv[2]])).wait()

asyncio.run(hold())
"""


def gone(pid: int) -> Callable[[], bool]:
    """Whether there is no such process any more."""

    def ended() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return ended


def on_a_leash(command: str) -> tuple["subprocess.Popen[bytes]", int]:
    """A command that runs, and its own process."""
    ready = leashed([sys.executable, "-c", command])
    process = subprocess.Popen(ready, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("command", [POLITE, DEAF])
def test_it_ends_when_nobody_holds_it(command: str) -> None:
    """Asked first, and made to where it does not listen."""
    process, child = on_a_leash(command)
    with process:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
    until("it is gone", gone(child), timeout=10)


def test_sigterm_is_handed_on() -> None:
    """Who ends the leash ends what is on it; the status says by what."""
    process, child = on_a_leash(POLITE)
    with process:
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    until("it is gone", gone(child), timeout=10)


def test_its_own_end_is_ours() -> None:
    """A command that ends by itself ends the leash, with its status."""
    process = subprocess.Popen(leashed([sys.executable, "-c", "raise SystemExit(3)"]), stdin=subprocess.PIPE)
    with process:
        assert process.wait(60) == 3


def test_a_demo_that_is_killed_leaves_nothing_that_runs(tmp_path: Path) -> None:
    """`kill -9` of the demo's own process ends what it started."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), POLITE])
    said = tmp_path / "it.log"
    with holder:
        until("it runs", lambda: said.exists() and said.read_text().endswith("\n"), timeout=60)
        os.kill(holder.pid, signal.SIGKILL)
    until("it is gone", gone(int(said.read_text())), timeout=30)

"""What the demo starts ends with it, also when the demo is killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from lnwatch.simulator.demo.leash import leashed
from lnwatch.simulator.demo.programs import Programs
from tests.real.testbed.waiting import until

# Says what it is, then goes on; the second one does not end for being asked.
POLITE = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {POLITE}"
# A leash that is asked to end as soon as its command runs, before anything else is done.
HASTY = """
import os, signal, subprocess, sys
from lnwatch.simulator.demo import leash

class Popen(subprocess.Popen):
    def __init__(self, command, **how):
        super().__init__(command, **how)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen = Popen
sys.exit(leash.main([sys.executable, "-c", sys.argv[1]]))
"""
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


def test_sigterm_in_the_very_moment_of_the_start() -> None:
    """What was just started ends too, though nobody knows it yet."""
    process = subprocess.Popen([sys.executable, "-c", HASTY, POLITE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        assert process.wait(60) == 128 + signal.SIGTERM
    until("it is gone", gone(child), timeout=10)


async def test_who_is_stopped_while_it_starts_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that was under way when everything was to end does not stay."""
    made: asyncio.Future[asyncio.subprocess.Process] = asyncio.get_running_loop().create_future()
    start = asyncio.create_subprocess_exec

    async def slowly(*command: Any, **how: Any) -> asyncio.subprocess.Process:  # noqa: ANN401 - as asyncio has it
        made.set_result(await start(*command, **how))
        await asyncio.sleep(0.3)
        return made.result()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", slowly)
    programs = Programs(tmp_path)
    starting = asyncio.create_task(programs.start("it", [sys.executable, "-c", POLITE]))
    process = await made
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await programs.close()
    assert process.returncode is not None


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

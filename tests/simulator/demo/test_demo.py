"""The demo as somebody runs it: a process, with another shell beside it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.real.testbed.ports import free_port
from tests.real.testbed.waiting import until

pytestmark = pytest.mark.timeout(300)
LNWATCH = (sys.executable, "-m", "lnwatch")


@dataclass
class Demo:
    """One that runs."""

    folder: Path
    page: str
    desk: str
    process: "subprocess.Popen[str]"

    def metrics(self) -> str:
        return httpx.get(f"{self.page}/metrics", timeout=20).text

    def told(self) -> list[dict[str, Any]]:
        return list(httpx.get(f"{self.desk}/told", timeout=20).json()["told"])

    def incident(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [*LNWATCH, "demo", "incident", *words, "--folder", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """With a day behind it."""
    folder, port, desk = tmp_path / "demo", free_port(), free_port()
    command = [*LNWATCH, "demo", "--folder", str(folder), "--port", str(port), "--desk-port", str(desk), "--days", "1"]
    with (tmp_path / "out").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, text=True)
    made = Demo(folder, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{desk}", process)

    def up() -> bool:
        if process.poll() is not None:
            raise RuntimeError((tmp_path / "out").read_text())
        return "Ctrl-C ends all of it" in (tmp_path / "out").read_text()

    try:
        until("the demo is up", up, timeout=120)
        yield made
    finally:
        process.terminate()  # it ends what it started
        process.wait(60)


def open_case(demo: Demo, rule: str) -> bool:
    return any(
        f'rule="{rule}"' in line for line in demo.metrics().splitlines() if line.startswith("lnwatch_case_open{")
    )


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def names(process: psutil.Process, folder: Path) -> bool:
    """Whether a process was started for something in a folder."""
    try:
        return any(str(folder) in word for word in process.cmdline())
    except psutil.Error:
        return False


def test_a_demo_that_is_killed_takes_everything_along(demo: Demo) -> None:
    """After `kill -9` no daemon lives on, and the folder can be had by the next demo."""
    children = psutil.Process(demo.process.pid).children(recursive=True)
    assert any("run" in each.cmdline() for each in children)
    demo.process.kill()
    until("all of it is gone", lambda: not any(runs(each) for each in children), timeout=30)
    assert demo.incident("lnd-locked").stderr.startswith("lnwatch: no demo runs in")


def test_a_demo_whose_reader_left_ends(tmp_path: Path) -> None:
    """As under `head -1`: as soon as it has more to say, without a traceback or a process that is left."""
    ports = ("--port", str(free_port()), "--desk-port", str(free_port()))
    command = [*LNWATCH, "demo", "--folder", str(tmp_path / "demo"), *ports, "--days", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("1 days of three shops")
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(120) == 0
    assert not [each for each in psutil.process_iter() if names(each, tmp_path)]


def test_an_incident_is_seen_everywhere_and_ctrl_c_ends_it_all(demo: Demo) -> None:
    """It opens a case on the page, in /metrics and in what is told, is resolved, and nothing but the folder is left."""
    page = httpx.get(demo.page, timeout=20).text
    assert "Store: games" in page
    assert "Customers can pay" in page
    assert 'lnwatch_kpi_ratio{site="demo",kpi="payment_success",store="games"' in demo.metrics()
    assert demo.incident("lnd-locked", "--for", "25s").returncode == 0
    refused = demo.incident("bitcoind-down")
    assert refused.returncode == 1
    assert refused.stderr == "lnwatch: lnd-locked is not over yet\n"
    until("the case is open", lambda: open_case(demo, "lightning_locked"), timeout=60)
    assert "lightning_locked" in httpx.get(demo.page, timeout=20).text
    until("people are told", lambda: len({each["where"] for each in demo.told()}) == 2, timeout=60)
    until("it is over", lambda: not open_case(demo, "lightning_locked"), timeout=90)
    until("that is told", lambda: any("Resolved" in each["text"] for each in demo.told()), timeout=60)
    children = psutil.Process(demo.process.pid).children(recursive=True)
    assert len(children) >= 2
    state = json.loads((demo.folder / "demo.json").read_text())
    assert state["pid"] == demo.process.pid
    os.kill(demo.process.pid, signal.SIGINT)
    assert demo.process.wait(30) == 0
    assert not any(runs(each) for each in children)
    assert [each.name for each in demo.folder.parent.iterdir() if each.is_dir()] == ["demo"]

import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from pydantic import ValidationError

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.host import HostStatus
from lnwatch.model.snapshot import Reading, TargetState
from lnwatch.net import Door
from lnwatch.sources import Place, Scope, SourceKind
from lnwatch.sources.host import SOURCE, Host, disks
from lnwatch.sources.host.probe import Probe
from tests.manual_clock import ManualClock
from tests.sources.bitcoind.ledger import Ledger

OWN = Path(sys.executable).name


@dataclass(slots=True)
class Cursors(Ledger):
    """A ledger that keeps cursors."""

    stored: dict[str, str] = field(default_factory=dict)

    async def cursor(self, name: str) -> str | None:
        return self.stored.get(name)


def host(clock: ManualClock, **settings: object) -> Host:
    source = SOURCE.open(Place("main", "here", clock, Door(clock=clock)), SOURCE.settings.model_validate(settings))
    assert isinstance(source, Host)
    return source


async def look(source: Host, ledger: Cursors) -> tuple[Reading, HostStatus]:
    reading = await source.collectors[0].collect(ledger)
    ledger.stored.update(reading.cursors)
    assert isinstance(reading.facts, HostStatus)
    return reading, reading.facts


async def test_facts(tmp_path: Path) -> None:
    """Disks, memory, load, processors, boot time and processes are the machine's own; the target is up."""
    source = host(ManualClock(), paths=["/", str(tmp_path)], processes=[OWN, "no-such-program"])
    reading, facts = await look(source, Cursors())
    assert [disk.path for disk in facts.disks] == ["/", str(tmp_path)]
    assert all(0 < disk.free < disk.total and disk.fill_rate is None for disk in facts.disks)
    assert facts.memory_total == psutil.virtual_memory().total
    assert 0 < facts.memory_available < facts.memory_total
    assert facts.cpus == os.cpu_count()
    assert facts.boot_time == psutil.boot_time()
    assert [(process.name, process.started_at is None) for process in facts.processes] == [
        (OWN, False),
        ("no-such-program", True),
    ]
    assert reading.target is not None
    assert (reading.target.state, reading.target.detail) == (TargetState.UP, "")
    assert set(reading.cursors) == {"status.disks", "status.processes"}
    assert source.cost.calls == 1


async def test_rate_and_restarts_survive_our_own_restart(tmp_path: Path) -> None:
    """What an hour needs is stored every five minutes, and found again by the next process."""
    clock, ledger = ManualClock(), Cursors()
    settings = {"paths": [str(tmp_path)], "processes": ["no-such-program"]}
    first = host(clock, **settings)
    writes = 0
    for _ in range(60):
        reading, _ = await look(first, ledger)
        writes += "status.disks" in reading.cursors
        await clock.advance(30)
    assert writes == 6
    second = host(clock, **settings)
    for _ in range(61):
        _, facts = await look(second, ledger)
        await clock.advance(30)
    assert facts.disks[0].fill_rate is not None
    assert facts.processes[0].restarts == 0


async def test_path_that_does_not_exist(tmp_path: Path) -> None:
    """A path that is not there is named, and the others are reported all the same."""
    source = host(ManualClock(), paths=[str(tmp_path / "gone"), str(tmp_path)])
    reading, facts = await look(source, Cursors())
    assert [disk.path for disk in facts.disks] == [str(tmp_path)]
    assert reading.target is not None
    assert reading.target.state is TargetState.UP
    assert reading.target.detail == f"{tmp_path / 'gone'} can't be looked at: no such file or directory"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Makes one path hang: no file system that does so by itself can be had in a test."""
    free, real = threading.Event(), disks.look

    def look_at(path: str) -> disks.FileSystem:
        if path.endswith("nfs"):
            free.wait(60)
        return real("/")

    monkeypatch.setattr(disks, "look", look_at)
    yield free
    free.set()


async def test_path_that_hangs(hanging: threading.Event, tmp_path: Path) -> None:
    """A path that never answers is named and holds up nothing; it keeps one thread, and comes back by itself."""
    source = host(ManualClock(), paths=["/mnt/nfs", str(tmp_path)], interval="2s", deadline="1500ms")
    ledger = Cursors()
    for _ in range(2):
        reading, facts = await look(source, ledger)
        assert [disk.path for disk in facts.disks] == [str(tmp_path)]
        assert reading.target is not None
        assert reading.target.detail.startswith("/mnt/nfs does not answer")
        stuck = [thread for thread in threading.enumerate() if thread.name == "disk /mnt/nfs"]
        assert [thread.daemon for thread in stuck] == [True]
    hanging.set()
    _, facts = await look(source, ledger)
    assert [disk.path for disk in facts.disks] == ["/mnt/nfs", str(tmp_path)]


async def test_machine_that_does_not_tell() -> None:
    """Where the kernel itself can't be asked there are no facts, and the reason is ours."""
    source = host(ManualClock())

    def fail() -> object:
        raise PermissionError(13, "Permission denied")

    source._status._machine = Probe("machine", fail)  # type: ignore[arg-type]  # it never returns
    with pytest.raises(SourceError, match="Permission denied") as caught:
        await look(source, Cursors())
    assert caught.value.reason is FailureReason.FAILED


async def test_probe_passes_on_what_is_no_os_error() -> None:
    """A fault of our own comes out where the call was asked for."""
    with pytest.raises(ZeroDivisionError):
        await Probe("x", lambda: 1 // 0).ask(5)


async def test_probe_waits_for_the_same_call() -> None:
    """While a call hangs, asking again starts no second one, and its late result is taken."""
    free, calls = threading.Event(), []

    def call() -> int:
        calls.append(1)
        free.wait(60)
        return len(calls)

    probe = Probe("x", call)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await probe.ask(0.02)
    free.set()
    assert await probe.ask(5) == 1
    assert await probe.ask(5) == 2


async def test_check(tmp_path: Path) -> None:
    """A look at everything names the paths that fail and the processes that are not seen."""
    gone = tmp_path / "gone"
    checkup = await host(ManualClock(), paths=[str(gone), "/"], processes=[OWN, "no-such-program"]).check()
    assert (checkup.reachable, checkup.state, checkup.scope) == (True, TargetState.UP, Scope.ENOUGH)
    assert checkup.problems == (f"{gone} can't be looked at: no such file or directory",)
    assert checkup.warnings == ("no process no-such-program is seen: it does not run, or in a container of its own",)


@pytest.mark.parametrize(
    "values",
    [
        {"paths": ["/", "/"]},
        {"processes": ["a", "a"]},
        {"processes": ["/usr/bin/lnd"]},
        {"processes": [" "]},
        {"interval": "5s"},
        {"interval": "500ms", "deadline": "100ms"},
        {"path": "/"},
    ],
)
def test_bad_settings(values: dict[str, object]) -> None:
    """Settings that can't work are refused."""
    with pytest.raises(ValidationError):
        SOURCE.settings.model_validate(values)


def test_well_known_name() -> None:
    """The room finds the source by its name; without settings it watches the root file system."""
    assert isinstance(SOURCE, SourceKind)
    assert (SOURCE.kind, SOURCE.lightning) == ("host", False)
    assert [str(path) for path in SOURCE.settings.model_validate({}).paths] == ["/"]

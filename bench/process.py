"""A measured program, seen from outside: what it burns, what it holds, how it answers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """What a program used: CPU seconds so far, resident megabytes now and at their highest."""

    cpu: float
    resident: float
    peak: float


class Program:
    """A Python module run as a process of its own; leaving the block ends it and what it started."""

    def __init__(self, arguments: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start `python ARGUMENTS`, its output to `log`."""
        self._log = log
        self._name = " ".join(arguments)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        self._seen = psutil.Process(self._process.pid)
        self.started = time.monotonic()

    def __enter__(self) -> Self:
        """Hand out the running program."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it kindly, then for sure."""
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.wait()

    def alive(self) -> None:
        """Raises RuntimeError with the end of its log where it has ended."""
        if self._process.poll() is not None:
            tail = self._log.read_text(errors="replace")[-2_000:]
            raise RuntimeError(f"{self._name} ended with {self._process.returncode}:\n{tail}")

    def use(self) -> Use:
        """What it and its children used until now."""
        self.alive()
        family = [self._seen, *self._seen.children(recursive=True)]
        times = [one.cpu_times() for one in family]
        return Use(
            cpu=sum(spent.user + spent.system for spent in times),
            resident=sum(one.memory_info().rss for one in family) / MEGABYTE,
            peak=sum(_peak(one.pid) for one in family),
        )


def _peak(pid: int) -> float:
    """The highest resident size of a process in megabytes, as the kernel kept it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    return 0.0

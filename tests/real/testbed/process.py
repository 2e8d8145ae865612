"""A program under test: started, frozen, killed, and never left behind."""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

_SETPRIV = shutil.which("setpriv")
_alive: set["Process"] = set()
_ended: deque["Process"] = deque(maxlen=4)


class EndedError(Exception):
    """A program ended that should run: there is nothing to wait for."""


class Process:
    """One program in a process group of its own, its output appended to `log`.

    Start it from the main thread: where the system can, it is killed with the thread that started it,
    so that not even `kill -9` of the tests leaves it behind.
    """

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.argv = [str(part) for part in argv]
        self.log = log
        self.env = {**os.environ, **(env or {})}
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it must not run."""
        assert not self.running, f"{self.name} runs already"
        argv = [_SETPRIV, "--pdeathsig", "KILL", "--", *self.argv] if _SETPRIV else self.argv
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                cwd=self.log.parent,
                start_new_session=True,
            )
        _alive.add(self)

    @property
    def running(self) -> bool:
        """Whether it lives (a frozen one does)."""
        return self._child is not None and self._child.poll() is None

    def check(self) -> None:
        """Raise EndedError with its last words where it does not run."""
        if not self.running:
            raise EndedError(f"{self.name} ended:\n{self.tail(5)}")

    @property
    def pid(self) -> int:
        """Of the program, for psutil."""
        assert self._child is not None
        return self._child.pid

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """End it at once, as `kill -9` does; nothing if it is gone already."""
        if self._child is not None:
            self._signal(signal.SIGKILL)
            self._child.wait(10)
            self._forget()

    def stop(self, timeout: float = 20) -> int:
        """Ask it to end and wait; kill it where it does not. Its exit status, negative for a signal."""
        if self._child is None:
            return 0
        self.thaw()
        self._signal(signal.SIGTERM)
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget()
        return self._child.wait(10)

    def _forget(self) -> None:
        if self in _alive:
            _alive.discard(self)
            _ended.append(self)

    def wait(self, timeout: float) -> int:
        """Wait until it ends by itself. Its exit status."""
        assert self._child is not None
        return self._child.wait(timeout)

    def freeze(self) -> None:
        """Stop it where it stands; its sockets stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        if self.running:
            self._signal(signal.SIGCONT)

    def output(self) -> str:
        """Everything that it wrote so far, over all its starts."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def tail(self, lines: int = 12) -> str:
        """The last lines that it wrote."""
        return "\n".join(self.output().splitlines()[-lines:])


def witnesses() -> tuple[Process, ...]:
    """Every program that runs, by name, and the last few that were ended: whose words explain a failure."""
    return (*sorted(_alive, key=lambda process: process.name), *dict.fromkeys(p for p in _ended if p not in _alive))


@atexit.register
def kill_all() -> None:
    """Leave nothing behind, however the tests end."""
    for process in tuple(_alive):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.kill()

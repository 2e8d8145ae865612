"""An event loop whose time stands still while anything is under way, and then is the next for which somebody waits."""

import asyncio
import os
import resource
import selectors
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar, TypeVarTuple

from lnwatch.errors import LnwatchError

T = TypeVar("T")
_Given = TypeVarTuple("_Given")
_Found = list[tuple[selectors.SelectorKey, int]]

PATIENCE: Final = 10_000  # looks at threads that never rest, before they are given up: ten seconds at least
_LOOKS_EVERY: Final = 0.001  # seconds of the machine's
_TASKS: Final = "/proc/self/task"  # where Linux tells of the threads of a process


class RestlessError(LnwatchError):
    """Another thread never rests, so that nobody can tell when time may pass."""


class _Patient(selectors.DefaultSelector):
    """Does `jobs` when the loop has nothing to do, and asks `rest` when there are none: for how long by its timers, and
    how to wait for real.

    What comes by the `late` files waits until then too.
    """

    def __init__(self, rest: Callable[[float | None, Callable[[float | None], _Found]], _Found]) -> None:
        super().__init__()
        self.late: set[int] = set()
        self.jobs: deque[Callable[[], None]] = deque()
        self._rest = rest

    def select(self, timeout: float | None = None) -> _Found:
        """What can be read or written; at once, but where `rest` waits."""
        found: _Found = super().select(0)
        first = [each for each in found if each[0].fd not in self.late]
        if first or (timeout is not None and timeout <= 0):
            return first
        if self.jobs:
            for _ in range(len(self.jobs)):
                self.jobs.popleft()()
            return []
        return found or self._rest(timeout, super().select)


class LockstepLoop(asyncio.SelectorEventLoop):
    """All of its timers, deadlines included, are by its own time, which passes in jumps: from the moment at which
    nothing more happens by itself to the one for which the first timer waits.

    Under way is what this thread still has to run or can read from a socket, and whatever another thread is at: those
    of grpc, which carry its calls and streams, have to sleep before time passes. Jobs for threads are done in this one,
    so that all happens in one order, once it has nothing else to do: whoever can go on meanwhile does, as beside
    threads. It needs Linux, which alone tells whether a thread sleeps. Running it raises RestlessError.
    """

    def __init__(self) -> None:
        """Its time begins at zero."""
        self._hands = 0.0
        self._selects = _Patient(self._rest)
        super().__init__(self._selects)

    def time(self) -> float:
        """Seconds since it was made."""
        return self._hands

    def run_in_executor(
        self,
        executor: object,  # noqa: ARG002 - as asyncio has it
        func: Callable[[*_Given], T],
        *args: *_Given,
    ) -> asyncio.Future[T]:
        """Do it in this thread, after those that were asked for before."""
        job: asyncio.Future[T] = self.create_future()
        self._selects.jobs.append(partial(_do, job, func, args))
        return job

    def add_reader(self, fd: Any, callback: Callable[[*_Given], Any], *args: *_Given) -> None:  # noqa: ANN401 - as asyncio has it
        """Listen, after all else, to what grpc's threads bring, which alone comes this way."""
        super().add_reader(fd, callback, *args)
        self._selects.late.add(fd if isinstance(fd, int) else fd.fileno())

    def _rest(self, timeout: float | None, wait: Callable[[float | None], _Found]) -> _Found:
        """Nothing is left to do but to wait: for other threads, or else for the next timer."""
        if timeout is None:
            return wait(None)
        for _ in range(PATIENCE):
            before = _rest_of_others()
            found = wait(0)  # and the interpreter is let go: one that waits for nothing else sleeps as well
            still = before is not None and before == _rest_of_others()
            if found := found or wait(0 if still else _LOOKS_EVERY):
                return found
            if still:
                self._hands += timeout
                return []
        raise RestlessError(f"a thread of this process did not rest while we looked {PATIENCE:,} times")


def _rest_of_others() -> int | None:
    """How often the other threads of this process went to sleep until now; nothing while one of them is awake.

    What one of them is at can't escape two looks that agree: whoever hands it on goes to sleep later, and is counted.
    """
    own = str(threading.get_native_id())
    if not all(each == own or _sleeps(each) for each in os.listdir(_TASKS)):  # noqa: PTH208 - as fast as can be
        return None
    whole, this = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_THREAD)
    return whole.ru_nvcsw + whole.ru_nivcsw - this.ru_nvcsw - this.ru_nivcsw


def _sleeps(thread: str) -> bool:
    """Whether it waits for somebody. One that waits for a time of its own is about to try again what it can't do."""
    try:
        with open(f"{_TASKS}/{thread}/wchan", "rb", buffering=0) as file:  # noqa: PTH123 - likewise
            where = file.read(64)
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return False
    return where != b"0" and b"nanosleep" not in where


def _do(job: asyncio.Future[T], func: Callable[[*_Given], T], args: tuple[*_Given]) -> None:
    if job.cancelled():
        return
    try:
        job.set_result(func(*args))
    except Exception as error:  # noqa: BLE001 - whoever waits for it gets it, as from any executor
        job.set_exception(error)

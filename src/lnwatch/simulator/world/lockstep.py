"""An event loop whose time stands still while anything is under way, and then is the next for which somebody waits."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar, TypeVarTuple

from grpc import aio

T = TypeVar("T")
_Given = TypeVarTuple("_Given")
_Found = list[tuple[selectors.SelectorKey, int]]

GRACE: Final = 0.05  # seconds of the machine's: grpc's threads take less than a thousandth with a message if let
PATIENCE: Final = 10.0  # seconds of the machine's, after which even what is under way is left to itself
_CALL, _STREAM = aio.UnaryUnaryCall.__name__, aio.UnaryStreamCall.__name__


class Server(Protocol):
    """One of grpc: how many calls it lets wait on purpose, and a figure that grows with what it says unasked."""

    parked: int
    stirs: int


class _Patient(selectors.DefaultSelector):
    """Asks `rest` when the loop has nothing to do: for how long by its timers, and how to wait for real.

    What comes by the `late` files waits until then too.
    """

    def __init__(self, rest: Callable[[float | None, Callable[[float | None], _Found]], _Found]) -> None:
        super().__init__()
        self.late: set[int] = set()
        self._rest = rest

    def select(self, timeout: float | None = None) -> _Found:
        """What can be read or written; at once, but where `rest` waits."""
        found: _Found = super().select(0)
        first = [each for each in found if each[0].fd not in self.late]
        if first or (timeout is not None and timeout <= 0):
            return first
        return found or self._rest(timeout, super().select)


class LockstepLoop(asyncio.SelectorEventLoop):
    """All of its timers, deadlines included, are by its own time, which passes in jumps: from the moment at which
    nothing more happens by itself to the one for which the first timer waits.

    Under way is what this thread still has to run or can read from a socket, and each call of a grpc client that has
    no answer yet, but for those that their server parked, which wait for time to pass. `servers` are those of grpc in
    this process: what their threads carry unasked is waited for. Other threads there are none: what they are asked for
    is done at once, so that all happens in one order.
    """

    def __init__(self) -> None:
        """Its time begins at zero."""
        self.servers: list[Server] = []
        self._hands = 0.0
        self._calls = 0
        self._stirs = 0
        self._stirred = 0
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
        """Do it in this thread, in its turn."""
        job: asyncio.Future[T] = self.create_future()
        self.call_soon(_do, job, func, args)
        return job

    def create_task(self, coro: Any, **more: Any) -> asyncio.Task[Any]:  # noqa: ANN401 - as asyncio has it
        """Run a coroutine; where it is a call of a grpc client, time stands meanwhile."""
        task = super().create_task(coro, **more)
        of = getattr(coro, "__qualname__", "").partition(".")[0]
        if of == _CALL:
            self._calls += 1
            task.add_done_callback(self._answered)
        elif of == _STREAM:
            self._stirs += 1
        return task

    def add_reader(self, fd: Any, callback: Callable[[*_Given], Any], *args: *_Given) -> None:  # noqa: ANN401 - as asyncio has it
        """Listen, after all else, to what grpc's threads bring, which alone comes this way."""
        super().add_reader(fd, callback, *args)
        self._selects.late.add(fd if isinstance(fd, int) else fd.fileno())

    async def start_tls(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - as asyncio has it
        """Shake hands over TLS, which grpc alone speaks here; time stands meanwhile."""
        self._calls += 1
        try:
            return await super().start_tls(*args, **more)
        finally:
            self._calls -= 1

    def _answered(self, _: object) -> None:
        self._calls -= 1
        if self._parked:  # it may have been given up: its server is still to hear of that
            self._stirs += 1

    @property
    def _parked(self) -> int:
        return sum(each.parked for each in self.servers)

    def _rest(self, timeout: float | None, wait: Callable[[float | None], _Found]) -> _Found:
        """Nothing is left to do but to wait: for grpc's threads, or else for the next timer."""
        if timeout is None:
            return wait(None)
        if self._calls > self._parked and (found := wait(PATIENCE)):
            return found
        if (stirs := self._stirs + sum(each.stirs for each in self.servers)) != self._stirred:
            if found := wait(GRACE):
                return found
            self._stirred = stirs
        self._hands += timeout
        return []


def _do(job: asyncio.Future[T], func: Callable[[*_Given], T], args: tuple[*_Given]) -> None:
    if job.cancelled():
        return
    try:
        job.set_result(func(*args))
    except Exception as error:  # noqa: BLE001 - whoever waits for it gets it, as from any executor
        job.set_exception(error)

"""The threads of an open ledger: one that writes, a few that read; the event loop only waits for them."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from lnwatch.store.database import Database, Job
from lnwatch.store.trouble import READERS

T = TypeVar("T")
P = ParamSpec("P")


class _Lane(Executor):
    """A queue before the writer's thread."""

    def __init__(self, turn: Callable[[], object]) -> None:
        self._turn = turn
        self.waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """What will come of `call`."""
        future: Future[T] = Future()
        self.waiting.append((future, partial(call, *args, **kwargs)))
        self._turn()  # one for each call, whichever it will be
        return future


class _Writer:
    """One thread, in which what is urgent goes before whatever else waits."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")
        self.urgent, self.usual = _Lane(self._turn), _Lane(self._turn)

    def _turn(self) -> None:
        self._thread.submit(self._next)

    def _next(self) -> None:
        future, call = (self.urgent.waiting or self.usual.waiting).popleft()
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = call()
        except BaseException as error:  # noqa: BLE001 - whoever waits for it gets it, as of any executor
            future.set_exception(error)
        else:
            future.set_result(result)

    def shutdown(self) -> None:
        """Let what waits end."""
        self._thread.shutdown()


class Workers:
    """Runs jobs on the database. `patience`: seconds after which a server that says nothing is cut off."""

    def __init__(self, database: Database, patience: float) -> None:
        """The threads start with their first job."""
        self.database = database
        self._patience = patience
        self._writer = _Writer()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-reader")

    async def write(self, job: Job[T], *, urgent: bool = False) -> T:
        """Run `job` in one transaction, after those that were asked for before, or before all that wait and are not
        `urgent`: somebody outside waits for it. Raises LedgerError."""
        return await self.run_writer(partial(self.database.write, job), urgent=urgent)

    async def read(self, job: Job[T]) -> T:
        """Run `job` on what is committed. Raises LedgerError."""
        return await self._ended(self._readers, partial(self.database.read, job), self._patience)

    async def read_long(self, job: Job[T]) -> T:
        """As `read`, for what may take as long as it takes."""
        return await self._ended(self._readers, partial(self.database.read, job), None)

    async def run_writer(self, call: Callable[[], T], *, urgent: bool = False) -> T:
        """Run `call` in the writer's thread."""
        return await self._ended(self._writer.urgent if urgent else self._writer.usual, call, self._patience)

    async def run_reader(self, call: Callable[[], T]) -> T:
        """Run `call` in a reader's thread: work that keeps the loop free."""
        return await self._ended(self._readers, call, None)

    async def _ended(self, threads: Executor, call: Callable[[], T], patience: float | None) -> T:
        future = asyncio.get_running_loop().run_in_executor(threads, call)
        future.add_done_callback(_seen)  # whoever waited may have been cancelled
        try:
            async with asyncio.timeout(patience):  # wait_for loses a cancellation that comes with the result
                return await asyncio.shield(future)
        except TimeoutError:
            self.database.backend.cut()
            return await future

    async def close(self) -> None:
        """Let the jobs that were asked for end, then close the connections."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self.database.close()


def _seen(future: asyncio.Future[T]) -> None:
    if not future.cancelled():
        future.exception()

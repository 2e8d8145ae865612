"""The threads of an open ledger: one that writes, a few that read; the event loop only waits for them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from lnwatch.store.database import Database, Job
from lnwatch.store.trouble import READERS

T = TypeVar("T")


class Workers:
    """Runs jobs on the database. `patience`: seconds after which a server that says nothing is cut off."""

    def __init__(self, database: Database, patience: float) -> None:
        """The threads start with their first job."""
        self.database = database
        self._patience = patience
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger-writer")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="ledger-reader")

    async def write(self, job: Job[T]) -> T:
        """Run `job` in one transaction, after those that were asked for before. Raises LedgerError."""
        return await self.run_writer(partial(self.database.write, job))

    async def read(self, job: Job[T]) -> T:
        """Run `job` on what is committed. Raises LedgerError."""
        return await self._run(self._readers, partial(self.database.read, job), self._patience)

    async def read_long(self, job: Job[T]) -> T:
        """As `read`, for what may take as long as it takes."""
        return await self._run(self._readers, partial(self.database.read, job), None)

    async def run_writer(self, call: Callable[[], T]) -> T:
        """Run `call` in the writer's thread."""
        return await self._run(self._writer, call, self._patience)

    async def run_reader(self, call: Callable[[], T]) -> T:
        """Run `call` in a reader's thread: work that keeps the loop free."""
        return await self._run(self._readers, call, None)

    async def _run(self, executor: Executor, call: Callable[[], T], patience: float | None) -> T:
        future = asyncio.get_running_loop().run_in_executor(executor, call)
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

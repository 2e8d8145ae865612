"""Runs what may hang (a network file system that went away) where it can't hold anything else up."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """A blocking call in a daemon thread of its own, at most one at a time.

    The usual thread pool would do neither: a few hanging calls fill it, and the process waits for them
    at its end.
    """

    def __init__(self, name: str, call: Callable[[], T]) -> None:
        """Nothing runs before `ask`."""
        self._name = name
        self._call = call
        self._running: asyncio.Future[T | OSError] | None = None

    async def ask(self, seconds: float) -> T:
        """The call's result. Raises its OSError, and TimeoutError while it hangs."""
        if self._running is None:
            self._running = asyncio.wrap_future(self._start())
        done, _ = await asyncio.wait({self._running}, timeout=seconds)
        if not done:
            raise TimeoutError  # the next to ask waits for the same call
        result, self._running = self._running.result(), None
        if isinstance(result, OSError):
            raise result
        return result

    def _start(self) -> "concurrent.futures.Future[T | OSError]":
        future: concurrent.futures.Future[T | OSError] = concurrent.futures.Future()

        def run() -> None:
            try:
                future.set_result(self._call())
            except OSError as error:
                future.set_result(error)
            except Exception as error:  # noqa: BLE001 - handed to the asker, who raises it
                future.set_exception(error)

        threading.Thread(target=run, name=self._name, daemon=True).start()
        return future

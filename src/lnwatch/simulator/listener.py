"""How a double is reached: by connections to a port, or within its own process as over one. All end when it goes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

One = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]


class Connections:
    """Those that are open, each a task."""

    def __init__(self) -> None:
        """There are none."""
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._tasks)

    def hold(self, task: asyncio.Task[Any]) -> None:
        """Keep one for as long as it lasts."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def cut(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def within(self, work: Coroutine[Any, Any, T]) -> T:
        """What comes of `work`, which is a connection as long as it lasts. Raises ConnectionResetError where it was
        cut."""
        task = asyncio.get_running_loop().create_task(work)
        self.hold(task)
        try:
            return await task
        except asyncio.CancelledError:
            ours = asyncio.current_task()
            if ours is not None and ours.cancelling():
                raise
            raise ConnectionResetError("Connection reset by peer") from None


class Listener:
    """A port of 127.0.0.1, a free one where none is given, or a unix socket. `one` answers one request of a connection,
    and tells whether it goes on."""

    def __init__(self, one: One, port: int = 0) -> None:
        """Nothing listens before `listen`."""
        self.connections = Connections()
        self.port = port
        self._one = one
        self._server: asyncio.Server | None = None

    @property
    def listening(self) -> bool:
        """Whether somebody takes a connection."""
        return self._server is not None

    async def listen(self, unix_socket: Path | None = None) -> None:
        """Listen: on the same port as before when it listened once."""
        if unix_socket is not None:
            self._server = await asyncio.start_unix_server(self._serve, unix_socket)
            return
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut what is open, as a killed process does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.connections.cut()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self.connections.hold(task)
        with contextlib.suppress(OSError, EOFError, asyncio.LimitOverrunError, asyncio.CancelledError):
            while await self._one(reader, writer):
                pass
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()

"""Carries clients through a proxy: a loopback port whose every connection is handed on to one target.

grpc's core knows no SOCKS5 and no proxy that speaks TLS, httpx leaks the socket of a failed SOCKS5
handshake; so both come here, and what passes is the target's own TLS, end to end.
"""

import asyncio
import contextlib
import socket

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net.dial import Stream, dial
from lnwatch.net.proxy import Proxy, bracketed

_CHUNK = 65_536


class Relay:
    """Listens from the moment it is made; needs a running loop."""

    def __init__(self, host: str, port: int, proxy: Proxy, connect_timeout: float) -> None:
        self._failure: SourceError | None = None
        self._dialing = 0
        self._target = (host, port, proxy, connect_timeout)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)  # noqa: FBT003 - the standard library's own spelling
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._connections: set[asyncio.Task[None]] = set()
        self._task = asyncio.get_running_loop().create_task(self._accept(), name=f"relay to {host}:{port}")

    def trouble(self) -> SourceError | None:
        """Why the target is not to be had: the last dial failed, or none has come through yet."""
        if self._failure is None and self._dialing:
            host, port, proxy, _ = self._target
            message = f"the proxy {proxy} did not connect to {bracketed(host)}:{port} in time"
            return SourceError(FailureReason.REFUSED, message)
        return self._failure

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(self._socket)
            task = loop.create_task(self._carry(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def _carry(self, connection: socket.socket) -> None:
        near_reader, near_writer = await asyncio.open_connection(sock=connection)
        try:
            far_reader, far_writer = await self._dial()
            try:
                await asyncio.gather(_pump(near_reader, far_writer), _pump(far_reader, near_writer))
            finally:
                far_writer.close()
        except SourceError as error:
            self._failure = error
        except OSError:
            pass  # either side went away: the client sees its end closed, and says so
        finally:
            near_writer.close()

    async def _dial(self) -> Stream:
        self._dialing += 1
        try:
            stream = await dial(*self._target)
        finally:
            self._dialing -= 1
        self._failure = None
        return stream

    async def close(self) -> None:
        """Stop listening and drop what is being carried."""
        tasks = [self._task, *self._connections]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError, NotImplementedError):  # TLS has no half-closed state
        writer.write_eof()

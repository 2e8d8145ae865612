"""Small servers on 127.0.0.1: raw ones that misbehave on purpose, and the two kinds of proxy."""

import asyncio
import base64
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run `handler` for each connection; yields the port."""
    tasks: set[asyncio.Task[None]] = set()
    writers: list[asyncio.StreamWriter] = []

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()
        tasks.discard(task)

    server = await asyncio.start_server(guarded, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)  # what was taken a moment ago has its task then
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            with contextlib.suppress(AttributeError):  # of a TLS transport that is closed already, in Python 3.11.2
                writer.transport.abort()
        await asyncio.sleep(0)  # transports let go of their sockets in the next turn of the loop


def saying(*parts: bytes) -> Handler:
    """Read one request head, send the parts, hang up."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()

    return handler


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Take everything and never answer."""
    while await reader.read(65_536):
        pass


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port where the system takes no connection any more: the packet that asks for one is dropped."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@dataclass(slots=True)
class ProxyDouble:
    """A proxy that sends every name to 127.0.0.1 and keeps what it was asked for.

    `login` demands user and password; names ending in `.refused` are refused as the protocol says it.
    """

    login: tuple[str, str] | None = None
    asked: list[str] = field(default_factory=list)

    async def socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """RFC 1928 with RFC 1929; each reply is sent in two pieces, as a network may deliver it."""
        count = (await reader.readexactly(2))[1]
        offered = await reader.readexactly(count)
        method = 2 if self.login else 0
        if method not in offered:
            writer.write(b"\x05\xff")
            return
        writer.write(bytes((5, method)))
        if self.login and not await self._login_socks(reader, writer):
            return
        kind = (await reader.readexactly(4))[3]
        if kind == 3:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, await reader.readexactly(size))
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"{host}:{port}")
        if host.endswith(".refused"):
            writer.write(b"\x05\x05\x00\x01" + bytes(6))
            return
        writer.write(b"\x05\x00\x00")
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(b"\x03\x09localhost" + bytes(2))
        await self._carry(reader, writer, port)

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """CONNECT of RFC 9110, and plain forwarding of a request in absolute form."""
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        self.asked.append(f"{method} {target}")
        if self.login and base64.b64encode(":".join(self.login).encode()) not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif method != "CONNECT":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nforwarded")
        elif target.partition(":")[0].endswith(".refused"):
            writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
            await self._carry(reader, writer, int(target.rpartition(":")[2]))

    async def _login_socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        user = await reader.readexactly((await reader.readexactly(2))[1])
        password = await reader.readexactly((await reader.readexactly(1))[0])
        good = (user.decode(), password.decode()) == self.login
        writer.write(bytes((1, 0 if good else 1)))
        return good

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()

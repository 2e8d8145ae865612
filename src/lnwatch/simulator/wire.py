"""What answers on a server's port while the wire to it is broken: nothing, or what nobody asked for."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from typing import Final

from lnwatch.clock import Clock
from lnwatch.simulator.listener import Listener

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets the connection
_BLOCK: Final = b" " * 65_536
_ENOUGH: Final = 4_096  # blocks, far above what anybody should read
_LOGIN: Final = b"<html><body><h1>Welcome</h1><p>Accept the terms to go online.</p></body></html>"
_TROUBLE: Final = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"


def _reply(status: str, kind: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


# How each kind of fault answers; those that are not here say nothing that is HTTP.
ANSWERS: Final[Mapping[str, bytes]] = {
    "truncated": _reply("200 OK", "application/json", b'{"result": [').replace(b": 12\r", b": 4096\r"),
    "wrong_type": _reply("200 OK", "text/html", _LOGIN),
    "unauthorized": _reply("401 Unauthorized", "text/plain", b"", 'WWW-Authenticate: Basic realm="proxy"'),
    "forbidden": _reply("403 Forbidden", "text/html", _TROUBLE.replace(b"502 Bad Gateway", b"403 Forbidden")),
    "not_found": _reply("404 Not Found", "text/html", _TROUBLE.replace(b"502 Bad Gateway", b"404 Not Found")),
    "too_many": _reply("429 Too Many Requests", "text/plain", b"slow down", "Retry-After: 30"),
    "bad_gateway": _reply("502 Bad Gateway", "text/html", _TROUBLE),
}
_ENDLESS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
SILENT: Final = ("refuse", "reset", "hang")
KINDS: Final = (*SILENT, "trickle", "oversized", *ANSWERS)


class BrokenWire:
    """Listens on a port of 127.0.0.1 that somebody else has left, and is broken in one of the KINDS."""

    def __init__(self, clock: Clock, port: int, kind: str) -> None:
        """Nothing listens before `start`."""
        self._clock, self._kind = clock, kind
        self._listener = Listener(self._misbehave, port)

    async def start(self) -> None:
        """Listen, unless it is to refuse."""
        if self._kind != "refuse":
            await self._listener.listen()

    async def stop(self) -> None:
        """Leave the port to whose it is."""
        await self._listener.close()

    async def _misbehave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self._kind == "reset":
            raw: socket.socket = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            return False
        if self._kind == "hang":
            await asyncio.Event().wait()
        await reader.readuntil(b"\r\n\r\n")
        if self._kind == "oversized":
            writer.write(_ENDLESS)
            for _ in range(_ENOUGH):
                writer.write(_BLOCK)
                await writer.drain()
        elif self._kind == "trickle":
            await self._trickle(writer)
        else:
            writer.write(ANSWERS[self._kind])
            await writer.drain()
        return False

    async def _trickle(self, writer: asyncio.StreamWriter) -> None:
        """A byte a second, for as long as somebody reads."""
        writer.write(_ENDLESS)
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await self._clock.sleep(1)

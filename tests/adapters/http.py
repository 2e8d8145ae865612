"""Raw HTTP to a bitcoind: what no client would send, and all that comes back."""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.adapters.cores import FULL, PASSWORD

PATIENCE = 10.0  # seconds for an answer
_VARYING = frozenset({"Date", "Content-Length"})  # only whether they are there is looked at


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: its status line, its headers by name, its body."""

    status: str
    headers: dict[str, str]
    body: str

    @property
    def code(self) -> int:
        return int(self.status.split()[1])

    @property
    def content(self) -> Any:  # noqa: ANN401 - what JSON can hold
        return json.loads(self.body)

    @property
    def shown(self) -> tuple[str, ...]:
        """The headers without what differs from call to call."""
        return tuple(sorted(name if name in _VARYING else f"{name}: {text}" for name, text in self.headers.items()))


@dataclass(frozen=True, slots=True)
class Line:
    """A request line and headers besides the usual ones; `login` None sends none."""

    method: str = "POST"
    path: str = "/"
    version: str = "HTTP/1.1"
    login: str | None = f"{FULL}:{PASSWORD}"
    headers: Sequence[str] = ()

    def written(self, body: bytes) -> bytes:
        lines = [f"{self.method} {self.path} {self.version}", "Host: x", *self.headers, f"Content-Length: {len(body)}"]
        if self.login is not None:
            lines.append(f"Authorization: Basic {base64.b64encode(self.login.encode()).decode()}")
        return "\r\n".join([*lines, "", ""]).encode() + body


async def send(port: int, body: object, line: Line | None = None) -> Heard:
    """One request on a connection of its own; bytes are sent as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write((line or Line()).written(content))
        async with asyncio.timeout(PATIENCE):
            return await _read(reader)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Heard:
    first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in rest)
    length = headers.get("Content-Length")
    if length is not None:
        body = await reader.readexactly(int(length))
    else:
        body = b"" if first.split()[1] == "204" else await reader.read()
    return Heard(first, headers, body.decode())

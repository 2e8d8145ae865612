"""HTTP as ASP.NET's Kestrel speaks it: keep-alive, chunked bodies, its headers, and faults on the wire."""

import asyncio
import email.utils
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

from lnwatch.clock import Clock
from lnwatch.simulator.listener import Listener

_LARGEST: Final = 30_000_000  # bytes of a body, Kestrel's own limit
JSON: Final = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; names of headers are in lower case, query parameters may repeat."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `value` is the JSON that `body` holds, for those who watch."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    value: Any = None

    @classmethod
    def of(cls, status: int, value: object, headers: Mapping[str, str] | None = None, kind: str = JSON) -> Self:
        """JSON."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": kind, **(headers or {})}, value)


@dataclass(slots=True)
class Faults:
    """What a test breaks on the wire: `garbage` replaces each body, `failing` maps the end or the beginning of a
    path to an answer, and whoever asks for one that ends or begins as in `silent` hears nothing."""

    garbage: bytes | None = None
    truncated: bool = False
    oversized: int = 0  # spaces put in front of each body, bytes
    latency: float = 0.0  # seconds before each answer
    failing: dict[str, Reply] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)


class Gate:
    """Something that answers, refuses, or accepts and says nothing."""

    def __init__(self) -> None:
        """Open."""
        self.running = True
        self._thawed = asyncio.Event()
        self._thawed.set()

    @property
    def frozen(self) -> bool:
        """Whether it accepts and says nothing."""
        return not self._thawed.is_set()

    @property
    def well(self) -> bool:
        """Whether it answers at once."""
        return self.running and not self.frozen

    def freeze(self) -> None:
        """SIGSTOP."""
        self._thawed.clear()

    def thaw(self) -> None:
        """SIGCONT."""
        self._thawed.set()

    async def wait(self) -> None:
        """Until it answers. Raises ConnectionRefusedError where nobody listens."""
        if not self.running:
            raise ConnectionRefusedError("Connection refused")
        await self._thawed.wait()
        if not self.running:
            raise ConnectionResetError("Connection reset by peer")


class Kestrel(ABC):
    """A server on a free port of 127.0.0.1. `gate` freezes it as SIGSTOP does: it accepts, then says nothing."""

    def __init__(self, clock: Clock) -> None:
        """Nothing listens before `listen`."""
        self.clock = clock
        self.faults = Faults()
        self.gate = Gate()
        self._listener = Listener(self._one)

    @property
    def port(self) -> int:
        """Where it listens, or did last."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Its base, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    async def answer(self, request: Request) -> Reply:
        """What is done with a request, and answered."""

    async def listen(self) -> None:
        """Listen: on the same port as before when it was started once."""
        await self._listener.listen()

    async def close(self) -> None:
        """Stop listening and drop connections, as a killed process does."""
        await self._listener.close()

    @property
    def listening(self) -> bool:
        """Whether somebody takes a connection."""
        return self._listener.listening

    async def handle(self, request: Request) -> Reply:
        """What a client gets in the end, with what is broken on purpose. Raises OSError where it is hung up on."""
        await self.gate.wait()
        if self.faults.latency:
            await self.clock.sleep(self.faults.latency)
        if any(_on(request.path, each) for each in self.faults.silent):
            await asyncio.Event().wait()
        reply = next((each for part, each in self.faults.failing.items() if _on(request.path, part)), None)
        if reply is None:
            reply = await self.answer(request)
        await self.gate.wait()
        body = reply.body if self.faults.garbage is None else self.faults.garbage
        body = b" " * self.faults.oversized + body
        date = email.utils.formatdate(self.clock.now(), usegmt=True)
        return Reply(reply.status, body, {"Date": date, "Server": "Kestrel", **reply.headers})

    async def ask(self, request: Request) -> Reply:
        """The same from within this process. Raises ConnectionResetError when the server goes away meanwhile."""
        return await self._listener.connections.within(self.handle(request))

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        request = await _read(reader)
        reply = await self.handle(request)
        body = reply.body
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines.append("Transfer-Encoding: chunked" if body else "Content-Length: 0")
        framed = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n" if body else b""
        sent = framed[: len(framed) // 2] if self.faults.truncated else framed
        writer.write("\r\n".join([*lines, "", ""]).encode() + sent)
        await writer.drain()
        return not self.faults.truncated and request.headers.get("connection", "").lower() != "close"


def _on(path: str, part: str) -> bool:
    return path.startswith(part) or path.endswith(part)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if length > _LARGEST:
        raise EOFError("a body that nobody reads")
    parts = urlsplit(target)
    body = await reader.readexactly(length)
    return Request(method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)

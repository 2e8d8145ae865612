"""Receivers of webhooks on a free port of 127.0.0.1 that record what comes; ours also checks its signature."""

import asyncio
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from lnwatch.clock import Clock
from lnwatch.simulator.listener import Listener

_LARGEST = 8 * 1024 * 1024  # bytes of a body
_TOLERANCE = 300  # seconds by which a signature may be old
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - what JSON can hold
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, value: object, headers: Mapping[str, str] | None = None) -> Self:
        """JSON."""
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})


class Fault(Enum):
    """What goes wrong on the wire, once per entry."""

    SILENCE = auto()  # takes the request, does nothing with it and never answers
    LOST_ANSWER = auto()  # does what was asked, then hangs up without an answer
    HANG_UP = auto()  # hangs up without doing anything


class Receiver(ABC):
    """A server that answers by `answer`; `faults` are used up first, one a request.

    A Reply among the faults is given as it is, with nothing done. `received` is every request, in order.
    """

    def __init__(self, clock: Clock, port: int = 0) -> None:
        """Nothing listens before `start`: on a free port where none is given."""
        self.clock = clock
        self.received: list[Request] = []
        self.faults: deque[Fault | Reply] = deque()
        self._listener = Listener(self._one, port)

    @property
    def port(self) -> int:
        """Where it listens, or did last."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Its base, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def answer(self, request: Request) -> Reply:
        """What is done with a request, and answered."""

    async def start(self) -> None:
        """Listen: on the same port as before when it was started once."""
        await self._listener.listen()

    async def stop(self) -> None:
        """Stop listening and drop connections."""
        await self._listener.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    @property
    def listening(self) -> bool:
        """Whether somebody takes a connection."""
        return self._listener.listening

    async def handle(self, request: Request) -> Reply | None:
        """What the sender gets in the end; None: it is hung up on."""
        self.received.append(request)
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.SILENCE:
            await asyncio.Event().wait()
        if fault is Fault.HANG_UP:
            return None
        reply = fault if isinstance(fault, Reply) else self.answer(request)
        return None if fault is Fault.LOST_ANSWER else reply

    async def ask(self, request: Request) -> Reply | None:
        """The same from within this process. Raises ConnectionResetError when the receiver goes away meanwhile."""
        return await self._listener.connections.within(self.handle(request))

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        reply = await self.handle(await _read(reader))
        if reply is None:
            return False
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", f"Content-Length: {len(reply.body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
        await writer.drain()
        return True


class WebhookReceiver(Receiver):
    """Takes our signed webhook as its documentation tells: `deliveries` are its bodies, repeated ones once."""

    def __init__(self, clock: Clock, secret: str) -> None:
        """Share `secret` with the sender."""
        super().__init__(clock)
        self.deliveries: dict[str, Any] = {}
        self._secret = secret.encode()

    def answer(self, request: Request) -> Reply:
        """401 for a signature that is wrong or old, 400 for a body that is not as documented, else 204."""
        if request.method != "POST":
            return Reply(405)
        if not self._signed(request):
            return Reply(401, b"bad signature")
        try:
            body = request.json()
        except ValueError:
            return Reply(400, b"not JSON")
        delivery = request.headers.get("lnwatch-delivery", "")
        if not isinstance(body, dict) or body.get("version") != _VERSION or body.get("id") != delivery or not delivery:
            return Reply(400, b"not version 1")
        self.deliveries.setdefault(delivery, body)
        return Reply(204)

    def _signed(self, request: Request) -> bool:
        timestamp = request.headers.get("lnwatch-timestamp", "")
        if not timestamp.isdecimal() or abs(self.clock.now() - int(timestamp)) > _TOLERANCE:
            return False
        signed = hmac.new(self._secret, timestamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(f"v1={signed}", request.headers.get("lnwatch-signature", ""))


class Sink(Receiver):
    """Takes anything, with 200: for services of which only that something came is of interest."""

    def answer(self, request: Request) -> Reply:  # noqa: ARG002 - the same to all
        """200."""
        return Reply(200, b"OK", {"Content-Type": "text/plain"})


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
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body)

"""The HTTP side of the double: POST alone, Basic login, bitcoind's headers, and faults on the wire."""

import asyncio
import base64
import binascii
import email.utils
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from lnwatch.simulator.bitcoind.node import Node, User
from lnwatch.simulator.bitcoind.rpc import answer
from lnwatch.simulator.listener import Listener

_PHRASES: Final = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_HTML: Final = "text/html; charset=ISO-8859-1"
_COOKIE_USER: Final = "__cookie__"


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request."""

    method: str
    path: str
    version: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def old(self) -> bool:
        """Whether it is of a time when every answer ended its connection."""
        return self.version == "HTTP/1.0"

    @property
    def last(self) -> bool:
        """Whether the connection ends with its answer."""
        return self.old or self.headers.get("connection", "").lower() == "close"


Answered = tuple[int, list[str], bytes]  # status, lines of the head, body


@dataclass(slots=True)
class BitcoindDouble:
    """A node on a free port of 127.0.0.1, or on a unix socket; `asked` keeps the methods of each request.

    With `cookie` it writes that file at every start, a new one each time. `login_delay` is how long a
    wrong password takes (seconds, 0.25 in Core).
    """

    node: Node
    cookie: Path | None = None
    login_delay: float = 0.25
    unix_socket: Path | None = None
    asked: list[list[str]] = field(default_factory=list)
    _cookie_user: User | None = None
    listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        """Nothing listens yet."""
        self.listener = Listener(self._one)

    @property
    def port(self) -> int:
        """Where it listens, or did last."""
        return self.listener.port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"unix:{self.unix_socket}" if self.unix_socket else f"http://127.0.0.1:{self.port}"

    @property
    def methods(self) -> list[str]:
        """Every method asked for so far, in order."""
        return [method for request in self.asked for method in request]

    async def start(self) -> None:
        """Write the cookie, then listen."""
        self.node.started_at = self.node.chain.clock.now()
        if self.cookie is not None:
            self._cookie_user = User(_COOKIE_USER, secrets.token_hex(32))
            fresh = self.cookie.with_name(self.cookie.name + ".tmp")
            fresh.write_text(f"{_COOKIE_USER}:{self._cookie_user.password}")
            fresh.chmod(0o600)
            fresh.rename(self.cookie)
        await self.listen()

    async def listen(self) -> None:
        """Only that: on the same port as before when it listened once."""
        await self.listener.listen(self.unix_socket)

    async def stop(self) -> None:
        """Stop listening, drop connections and delete the cookie, as bitcoind does at its end."""
        await self.close()
        if self.cookie is not None:
            self.cookie.unlink(missing_ok=True)

    async def close(self) -> None:
        """Stop listening and drop connections: nobody reaches it, and it lives on."""
        await self.listener.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; whether the connection goes on."""
        asked = await _read(reader)
        status, head, payload = await self.handle(asked)
        lines = [f"{asked.version} {status} {_PHRASES[status]}", *head]
        if not asked.old:
            lines += [] if status == 204 else [f"Content-Length: {len(payload)}"]
            lines += ["Connection: close"] if asked.last else []
        truncated = self.node.faults.truncated
        writer.write("\r\n".join([*lines, "", ""]).encode())
        writer.write(payload[: len(payload) // 2] if truncated else payload)
        await writer.drain()
        return not truncated and not asked.last

    @property
    def listening(self) -> bool:
        """Whether somebody takes a connection."""
        return self.listener.listening

    async def ask(self, asked: Asked) -> Answered:
        """As over a connection, from within this process. Raises ConnectionResetError when the node goes away."""
        return await self.listener.connections.within(self.handle(asked))

    async def handle(self, asked: Asked) -> Answered:
        """What a client gets in the end, with what is broken on purpose."""
        faults = self.node.faults
        if faults.hang is not None:
            await faults.hang.wait()
        status, body, head = await self._answer(asked)
        if body is not None and faults.garbage is not None:
            body = faults.garbage
        if not asked.old:
            head = [*head, f"Date: {email.utils.formatdate(self.node.chain.clock.now(), usegmt=True)}"]
        if status != 204 and not any(line.startswith("Content-Type") for line in head):
            head.append(f"Content-Type: {_HTML}")
        return status, head, b" " * faults.oversized + (body or b"")

    async def _answer(self, asked: Asked) -> tuple[int, bytes | None, list[str]]:
        """Status, body and headers of its own, checked in the order in which bitcoind does it."""
        refusal = self._refusal(asked)
        if refusal is not None:
            return (*refusal, [])
        user = self._user(asked.headers.get("authorization"))
        if user is None:
            if "authorization" in asked.headers and self.login_delay > 0:
                await self.node.chain.clock.sleep(self.login_delay)
            return 401, None, ['WWW-Authenticate: Basic realm="jsonrpc"']
        self.asked.append(_methods(asked.body))
        status, body = answer(self.node, user, asked.body)
        return status, body, [] if body is None else ["Content-Type: application/json"]

    def _refusal(self, asked: Asked) -> tuple[int, bytes | None] | None:
        faults = self.node.faults
        if faults.address_refused:
            return 403, None
        if asked.path != "/":
            return 404, None
        if faults.shutting_down:
            return 503, b"Request rejected during server shutdown"
        if faults.overloaded:
            return 503, b"Work queue depth exceeded"
        if asked.method == "POST":
            return None
        # Of other methods its HTTP server knows these alone, and answers the rest by itself.
        known = asked.method in {"GET", "HEAD", "PUT"}
        return 405, b"JSONRPC server handles only POST requests" if known else None

    def _user(self, header: str | None) -> User | None:
        if header is None or not header.startswith("Basic "):
            return None
        try:
            name, colon, password = base64.b64decode(header[6:].strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        known: list[User] = [*self.node.users]
        if self._cookie_user is not None:
            known.append(self._cookie_user)
        for user in known:
            if colon and user.name == name and hmac.compare_digest(user.password.encode(), password.encode()):
                return user
        return None


def _methods(body: bytes) -> list[str]:
    """What was asked for, for those who count; nothing of a body that can't be read."""
    try:
        value = json.loads(body)
    except ValueError:
        return []
    items = value if isinstance(value, list) else [value]
    return [str(item.get("method")) for item in items if isinstance(item, dict)]


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, version = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, version, headers, body)

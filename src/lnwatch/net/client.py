"""HTTP with limits: a total time, a largest answer (also unpacked), no redirects, verified TLS."""

import asyncio
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net.answer import Answer, parse_http_date
from lnwatch.net.faults import NETWORK_ERRORS, network_failure
from lnwatch.net.tls import validity

Parameters = Mapping[str, str | int | float | bool | list[str] | None]


def ignore(_: float) -> None:
    """Do nothing with a figure that nobody wants."""


def _none() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client is allowed: seconds in total and until connected, bytes of an answer's body."""

    total: float
    connect: float
    max_bytes: int


@dataclass(slots=True)
class _Journey:
    """How far a request came: httpx alone does not tell a silent host from a silent service."""

    accepted: bool = False

    async def note(self, event: str, _: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".connect_unix_socket.complete", ".send_request_headers.started")):
            self.accepted = True


@dataclass(slots=True)
class HttpClient:
    """A client for one server; made by `Door.http`, closed by whoever asked for it.

    `server_name` is what its certificate must name where that is not the host connected to; `trouble`
    knows more about failures than they tell by themselves. `tls_expires_at` is when the certificate
    that was last presented ends (epoch seconds), None without TLS.
    """

    where: str
    clock: Clock
    limits: Limits
    make: Callable[[], httpx.AsyncClient] = field(repr=False)
    server_name: str = ""
    trouble: Callable[[], SourceError | None] = _none
    on_bytes: Callable[[int], None] = ignore
    on_date: Callable[[float], None] = ignore
    tls_expires_at: float | None = None
    _client: httpx.AsyncClient | None = field(default=None, repr=False)

    async def request(  # noqa: PLR0913 - what httpx lets a caller choose, by keyword
        self,
        method: str,
        path: str = "",
        *,
        params: Parameters | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - a limit per request is what callers set
    ) -> Answer:
        """Ask once and read the whole answer, whatever its status. Raises SourceError.

        `path` is taken below the base URL; `timeout` (seconds, in total) takes the place of the client's own.
        """
        if self._client is None:
            self._client = self.make()
        total = self.limits.total if timeout is None else timeout
        # A handshake must time out by itself: cancelled from outside, httpcore would leave its socket open.
        limit = httpx.Timeout(total, connect=min(self.limits.connect, total * 0.8))
        request = self._client.build_request(
            method, path, params=params, content=content, headers=headers, timeout=limit
        )
        journey = _Journey()
        request.extensions |= {"trace": journey.note, "sni_hostname": self.server_name or None}
        started = self.clock.monotonic()
        try:
            async with asyncio.timeout(total):
                response = await self._client.send(request, stream=True)
                try:
                    self._note(response)
                    body = await self._read(response)
                finally:
                    await response.aclose()
        except httpx.LocalProtocolError:
            message = f"the credential for {self.where} holds characters that no HTTP header may hold"
            raise SourceError(FailureReason.REJECTED, message) from None  # the cause would show the credential
        except NETWORK_ERRORS as error:
            raise self.trouble() or network_failure(error, self.where, accepted=journey.accepted) from error
        found = {name.lower(): value for name, value in response.headers.items()}
        seconds = self.clock.monotonic() - started
        return Answer(response.status_code, found, body, seconds, self.clock.now(), self.where)

    async def close(self) -> None:
        """Let go of connections; the next request opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _note(self, response: httpx.Response) -> None:
        moment = parse_http_date(response.headers.get("date", ""))
        if moment is not None:
            # The header is cut to whole seconds: half of one is what it lacks on average.
            self.on_date(moment + 0.5 - self.clock.now())
        stream = response.extensions.get("network_stream")
        presented = stream.get_extra_info("ssl_object") if stream is not None else None
        certificate = presented.getpeercert(binary_form=True) if presented is not None else None
        if certificate:
            self.tls_expires_at = validity(certificate)[1]

    async def _read(self, response: httpx.Response) -> bytes:
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise SourceError(FailureReason.MALFORMED, f"{self.where} packed its answer in a way that was not offered")
        unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in response.aiter_raw():
            self.on_bytes(len(chunk))
            room = self.limits.max_bytes - len(body)
            body += self._unpack(unpack, chunk, room) if unpack else chunk
            if len(body) > self.limits.max_bytes:
                message = f"{self.where} sent an answer over the limit of {self.limits.max_bytes:,} bytes"
                raise SourceError(FailureReason.MALFORMED, message)
        if unpack is not None and not unpack.eof and response.request.method != "HEAD":
            raise SourceError(FailureReason.MALFORMED, f"{self.where} sent a packed answer that is cut short")
        return bytes(body)

    def _unpack(self, unpack: "zlib._Decompress", chunk: bytes, room: int) -> bytes:
        try:
            return unpack.decompress(chunk, room + 1)
        except zlib.error as error:
            message = f"{self.where} sent a packed answer that can't be unpacked"
            raise SourceError(FailureReason.MALFORMED, message) from error

"""One visit to a public address, stage by stage within one time limit: name, connection, TLS, request."""

import asyncio
import io
import ipaddress
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Final, cast

import httpx

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.probe import ProbeStage
from lnwatch.net.answer import Answer
from lnwatch.net.client import ignore
from lnwatch.net.dial import Stream, dial, hang_up
from lnwatch.net.faults import NETWORK_ERRORS, network_failure
from lnwatch.net.proxy import Proxy, bracketed
from lnwatch.net.tls import TlsPeek, trust, validity

MOST: Final = 2 * 1024 * 1024  # bytes of an answer that are read, its head included
_CHUNK: Final = 65_536
_ADDRESSES: Final = 4  # of one name that are tried
_STAGES: Final = {
    "dns": (ProbeStage.DNS,),
    "tcp": (ProbeStage.DNS, ProbeStage.CONNECT),
    "tls": (ProbeStage.DNS, ProbeStage.CONNECT, ProbeStage.TLS),
    "http": (ProbeStage.DNS, ProbeStage.CONNECT, ProbeStage.REQUEST),
    "https": (ProbeStage.DNS, ProbeStage.CONNECT, ProbeStage.TLS, ProbeStage.REQUEST),
}
SCHEMES: Final = tuple(_STAGES)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage that was tried: how long it took, and why it failed (None: it did not)."""

    stage: ProbeStage
    seconds: float
    failure: SourceError | None = None


@dataclass(slots=True)
class Visit:
    """Goes to `url` once; made by `Door.visit`.

    `stages` are those that apply: a name that the proxy resolves, or an address, has no stage for it.
    Then `steps` are what was tried, in order; only the last may have failed. `answer` holds what came
    of the request, whatever its status; `whole` is False where only its first MOST bytes were read.
    """

    url: httpx.URL
    proxy: Proxy | None
    roots: bytes | None
    clock: Clock
    on_bytes: Callable[[int], None] = ignore
    steps: list[Step] = field(default_factory=list)
    certificate: TlsPeek | None = None
    answer: Answer | None = None
    whole: bool = True
    _addresses: list[str] = field(default_factory=list)
    _stream: Stream | None = None

    @property
    def host(self) -> str:
        """Without the brackets of an IPv6 address."""
        return self.url.raw_host.decode("ascii")

    @property
    def port(self) -> int:
        """As given, or the usual one."""
        return self.url.port or (80 if self.url.scheme == "http" else 443)

    @property
    def where(self) -> str:
        """For messages: no path and no query."""
        return self.host if self.url.scheme == "dns" else f"{bracketed(self.host)}:{self.port}"

    @property
    def stages(self) -> tuple[ProbeStage, ...]:
        """Those that apply, in order."""
        stages = _STAGES[self.url.scheme]
        named = self.proxy is None and not _is_address(self.host)
        return stages if named or self.url.scheme == "dns" else stages[1:]

    @property
    def failure(self) -> SourceError | None:
        """Why the last step failed, None where all went well."""
        return self.steps[-1].failure if self.steps else None

    async def make(self, seconds: float) -> None:
        """Take the stages until one fails, all of them within `seconds`. Raises SourceError where our own
        proxy is not there, so that nothing can be told."""
        stage, begun = self.stages[0], self.clock.monotonic()
        try:
            async with asyncio.timeout(seconds):
                for stage in self.stages:
                    begun = self.clock.monotonic()
                    await self._take(stage, seconds)
                    self.steps.append(Step(stage, self.clock.monotonic() - begun))
        except (SourceError, *NETWORK_ERRORS) as error:
            self.steps.append(Step(stage, self.clock.monotonic() - begun, self._failure(stage, error)))
        finally:
            if self._stream is not None:
                await hang_up(self._stream[1])
        if self.proxy is not None and self.failure is not None and stage is ProbeStage.CONNECT:
            await _require(self.proxy, seconds)

    def _failure(self, stage: ProbeStage, error: Exception) -> SourceError:
        if isinstance(error, SourceError):
            return error
        if stage is ProbeStage.DNS:
            return _unresolved(error, self.host)
        return network_failure(error, self.where, accepted=stage is not ProbeStage.CONNECT)

    async def _take(self, stage: ProbeStage, seconds: float) -> None:
        match stage:
            case ProbeStage.DNS:
                await self._resolve()
            case ProbeStage.CONNECT:
                self._stream = await self._connect(seconds)
            case ProbeStage.TLS:
                await self._secure(self._connected())
            case ProbeStage.REQUEST:
                await self._ask(self._connected())

    async def _resolve(self) -> None:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        self._addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))

    async def _connect(self, seconds: float) -> Stream:
        if self.proxy is not None:
            return await dial(self.host, self.port, self.proxy, seconds)
        addresses = self._addresses[:_ADDRESSES] or [self.host]
        for address in addresses[:-1]:
            with suppress(SourceError):  # browsers go on to the next one too
                return await dial(address, self.port, None, seconds / len(addresses))
        return await dial(addresses[-1], self.port, None, seconds)

    def _connected(self) -> Stream:
        if self._stream is None:
            raise ValueError("this stage comes after the connection")
        return self._stream

    async def _secure(self, stream: Stream) -> None:
        _, writer = stream
        await writer.start_tls(trust(self.roots), server_hostname=self.host)
        self.certificate = presented(writer, self.where)

    async def _ask(self, stream: Stream) -> None:
        reader, writer = stream
        begun = self.clock.monotonic()
        writer.write(_head(self.url))
        await writer.drain()
        raw = bytearray()
        try:
            while len(raw) < MOST and (chunk := await reader.read(_CHUNK)):
                self.on_bytes(len(chunk))
                raw += chunk
        except ConnectionError:
            if not raw:
                raise
        self.whole = len(raw) < MOST
        seconds = self.clock.monotonic() - begun
        status, headers, body = _parsed(bytes(raw), self.where, whole=self.whole)
        self.answer = Answer(status, headers, body, seconds, self.clock.now(), self.where)


def presented(writer: asyncio.StreamWriter, where: str) -> TlsPeek:
    """The life of the certificate that the other side showed, which was trusted. Raises SourceError(MALFORMED)."""
    try:
        return TlsPeek(*validity(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)), verified=True)
    except ValueError as error:
        raise SourceError(FailureReason.MALFORMED, f"{where} presents a certificate that can't be read") from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _unresolved(error: Exception, host: str) -> SourceError:
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
        return SourceError(FailureReason.REFUSED, f"the name {host} is not known")
    return SourceError(FailureReason.REFUSED, f"no resolver tells the address of {host}")


async def _require(proxy: Proxy, seconds: float) -> None:
    """Raise SourceError where the proxy takes no connection: then it says nothing of what lies behind it."""
    try:
        _, writer = await dial(proxy.host, proxy.port, None, seconds)
    except SourceError as error:
        message = f"the proxy {proxy} is not there, so that nothing behind it can be told: {error.message}"
        raise SourceError(FailureReason.REFUSED, message) from error
    await hang_up(writer)


def _head(url: httpx.URL) -> bytes:
    lines = (
        b"GET %s HTTP/1.1" % (url.raw_path or b"/"),
        b"Host: " + url.netloc,
        b"User-Agent: lnwatch",
        b"Accept: text/html, */*;q=0.8",
        b"Accept-Encoding: identity",
        b"Connection: close",  # so that the end of the stream is the last byte
    )
    return b"\r\n".join((*lines, b"", b""))


class _Received:
    """What was received, in the shape from which the standard library reads an answer."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _parsed(raw: bytes, where: str, *, whole: bool) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (names in lower case) and body. Raises SourceError."""
    response = HTTPResponse(cast("socket.socket", _Received(raw)), method="GET")
    try:
        response.begin()
        try:
            body = response.read()
        except IncompleteRead as cut:
            if whole:
                raise
            body = cut.partial
    except RemoteDisconnected as error:
        message = f"{where} closed the connection without an answer"
        raise SourceError(FailureReason.REFUSED, message) from error
    except (HTTPException, ValueError) as error:
        message = f"{where} sent an answer that is cut short or is not HTTP"
        raise SourceError(FailureReason.MALFORMED, message) from error
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body

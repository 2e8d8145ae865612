"""HTTP without a connection: a request of httpx is put to the double whose address it names."""

import errno
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx

from lnwatch.simulator import kestrel, webhook_receiver
from lnwatch.simulator.bitcoind import BitcoindDouble
from lnwatch.simulator.bitcoind.server import Asked
from lnwatch.simulator.kestrel import Kestrel
from lnwatch.simulator.webhook_receiver import Receiver

Double = Kestrel | BitcoindDouble | Receiver
Head = Sequence[tuple[str, str]]

_HUNG_UP: Final = "Server disconnected without sending a response."
_CUT: Final = "peer closed connection without sending complete message body"


class _Body(httpx.AsyncByteStream):
    """An answer that is there as a whole."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content


class InsideTransport(httpx.AsyncBaseTransport):
    """Reaches `doubles` by their ports, and `programs` by those that are given here; nobody else."""

    def __init__(self, doubles: Sequence[Double], programs: Mapping[int, httpx.ASGITransport]) -> None:
        """Who listens is found out at each request."""
        self._doubles = doubles
        self._programs = programs

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask. Raises httpx.ConnectError where nobody listens, httpx.RemoteProtocolError where it is hung up on."""
        port = request.url.port or 80
        if (program := self._programs.get(port)) is not None:
            return await program.handle_async_request(request)
        double = next((each for each in self._doubles if each.port == port and each.listening), None)
        if double is None:
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
            raise httpx.ConnectError("All connection attempts failed", request=request) from refused
        if (trace := request.extensions.get("trace")) is not None:
            await trace("http11.send_request_headers.started", {})
        try:
            status, head, body = await _answered(double, request, await request.aread())
        except OSError as error:
            raise httpx.RemoteProtocolError(_HUNG_UP, request=request) from error
        return httpx.Response(status, headers=list(head), stream=_Body(body), request=request)


async def _answered(double: Double, request: httpx.Request, content: bytes) -> tuple[int, Head, bytes]:
    """Status, head and body. Raises OSError where it is hung up on, httpx.RemoteProtocolError in the middle of it."""
    target = request.url.raw_path.decode("ascii")
    headers = {name.lower(): value for name, value in request.headers.items()}
    if isinstance(double, BitcoindDouble):
        status, lines, body = await double.ask(Asked(request.method, target, "HTTP/1.1", headers, content))
        parted = (line.partition(":") for line in lines)
        _require_whole(request, truncated=double.node.faults.truncated)
        return status, [(name, value.strip()) for name, _, value in parted], body
    parts = urlsplit(target)
    if isinstance(double, Kestrel):
        query: Mapping[str, list[str]] = parse_qs(parts.query, keep_blank_values=True)
        reply = await double.ask(kestrel.Request(request.method, parts.path, query, headers, content))
        _require_whole(request, truncated=double.faults.truncated)
        return reply.status, list(reply.headers.items()), reply.body
    single = dict(parse_qsl(parts.query, keep_blank_values=True))
    taken = await double.ask(webhook_receiver.Request(request.method, parts.path, single, headers, content))
    if taken is None:
        raise ConnectionResetError("hung up on")
    return taken.status, list(taken.headers.items()), taken.body


def _require_whole(request: httpx.Request, *, truncated: bool) -> None:
    if truncated:
        raise httpx.RemoteProtocolError(_CUT, request=request)

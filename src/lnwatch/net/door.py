"""Makes the clients: HTTP, grpc and a look at a certificate, all by the same route and rules."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import httpx
from grpc import RpcError, aio, ssl_channel_credentials

from lnwatch.clock import Clock, SystemClock
from lnwatch.credentials import Credential
from lnwatch.errors import ConfigError, ConfigProblem, FailureReason, SourceError
from lnwatch.net.client import HttpClient, Limits, ignore
from lnwatch.net.dial import dial, hang_up
from lnwatch.net.faults import NETWORK_ERRORS, grpc_failure, network_failure
from lnwatch.net.proxy import NetSettings, Proxy, Routes, bracketed, parse_proxy
from lnwatch.net.relay import Relay
from lnwatch.net.tls import TlsPeek, blind, trust, validity
from lnwatch.net.visit import Visit, presented

CONNECT_TIMEOUT = 5.0  # seconds; a proxy, Tor above all, is given longer
PROXY_CONNECT_TIMEOUT = 20.0
MAX_BYTES = 16 * 1024 * 1024

_GRPC_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.enable_http_proxy", 0),  # the environment has no say
    ("grpc.initial_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 10_000),  # grpc's own two minutes would hide a node that is back
)
GrpcOptions = Sequence[tuple[str, Any]]
Way = Literal["auto", "direct", "proxy"]


class Inside(Protocol):
    """A world in this very process, which is there in place of the network."""

    def transport(self) -> httpx.AsyncBaseTransport:
        """HTTP to everybody in it."""
        ...

    def channel(self) -> aio.Channel:
        """The gRPC of its one node."""
        ...

    def certificate(self) -> bytes:
        """Of that node, as DER."""
        ...


class Door:
    """How to get out. Making a client connects to nothing yet."""

    def __init__(
        self,
        proxy: Proxy | str | None = None,
        *,
        no_proxy: Sequence[str] = (),
        clock: Clock | None = None,
        inside: Inside | None = None,
    ) -> None:
        """Take a proxy, the targets that do without it, and the clock. Raises ValueError for a bad URL.

        With a world `inside` nothing gets out, visits to public addresses aside.
        """
        self.clock = clock or SystemClock()
        self._inside = inside
        self._routes = Routes(parse_proxy(proxy) if isinstance(proxy, str) else proxy, no_proxy)
        self._relays: dict[tuple[str, int], Relay] = {}

    @classmethod
    def of(cls, settings: NetSettings, clock: Clock | None = None) -> Self:
        """The door that the settings describe. Raises ConfigError for a bad `proxy_file`."""
        try:
            text = Credential(settings.proxy, settings.proxy_file).text()
            return cls(text or None, no_proxy=settings.no_proxy, clock=clock)
        except (SourceError, ValueError) as error:
            raise ConfigError(ConfigProblem("net.proxy_file", "a proxy that can't be used", str(error))) from error

    def http(  # noqa: PLR0913 - everything that one server may need, by keyword
        self,
        *,
        base_url: str,
        timeout: float,
        connect_timeout: float | None = None,
        roots: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        unix_socket: Path | None = None,
        max_bytes: int = MAX_BYTES,
        on_bytes: Callable[[int], None] = ignore,
        on_date: Callable[[float], None] = ignore,
    ) -> HttpClient:
        """A client for one server.

        `timeout` and `connect_timeout` are seconds, the first in total; `roots` is PEM to trust instead of
        the usual authorities; `unix_socket` takes the place of the host. `on_bytes` is told of body bytes
        as they come, `on_date` the server's Date header minus our clock in seconds, give or take half a
        second. Bad roots and unreachable routes are told by the first request, as SourceError.
        """
        url = httpx.URL(base_url)
        port = url.port or (443 if url.scheme == "https" else 80)
        where = str(unix_socket) if unix_socket else f"{bracketed(url.host)}:{port}"
        proxied = unix_socket is None and self._routes.indirect(url.host)
        connect = connect_timeout or (PROXY_CONNECT_TIMEOUT if proxied else CONNECT_TIMEOUT)
        sent = {"Accept-Encoding": "gzip", "User-Agent": "lnwatch", **(headers or {})}

        def make() -> httpx.AsyncClient:
            base = url
            if proxied:
                sent["Host"] = url.netloc.decode()
                host, _, relay_port = self._relay(url.host, port).address.rpartition(":")
                base = url.copy_with(host=host, port=int(relay_port))
            transport: httpx.AsyncBaseTransport = (
                self._inside.transport()
                if self._inside is not None
                else httpx.AsyncHTTPTransport(
                    verify=trust(roots) if url.scheme == "https" else True,
                    trust_env=False,
                    uds=str(unix_socket) if unix_socket else None,
                )
            )
            return httpx.AsyncClient(
                base_url=base, transport=transport, headers=sent, trust_env=False, follow_redirects=False
            )

        return HttpClient(
            where=where,
            clock=self.clock,
            limits=Limits(timeout, connect, max_bytes),
            make=make,
            server_name=url.host if proxied else "",
            trouble=lambda: self._trouble(url.host, port),
            on_bytes=on_bytes,
            on_date=on_date,
        )

    def grpc(
        self,
        address: str,
        *,
        root_certificates: bytes | None = None,
        max_receive_bytes: int = MAX_BYTES,
        options: GrpcOptions = (),
    ) -> aio.Channel:
        """A channel to `host:port` over TLS, or to `unix:/path` without; needs a running loop.

        Whoever asked closes it. `options` come last and win. Raises SourceError: TLS where
        `root_certificates` is not PEM, REFUSED for an onion address without a SOCKS5 proxy.
        """
        if self._inside is not None:
            return self._inside.channel()
        base = (*_GRPC_OPTIONS, ("grpc.max_receive_message_length", max_receive_bytes))
        if address.startswith("unix:"):
            return aio.insecure_channel(address, options=(*base, *options))
        if root_certificates is not None:
            trust(root_certificates)  # grpc itself would take rubbish and fail each call without saying why
        credentials = ssl_channel_credentials(root_certificates)
        host, port = split_address(address)
        if not self._routes.indirect(host):
            return aio.secure_channel(address, credentials, options=(*base, _patience(CONNECT_TIMEOUT), *options))
        named = (("grpc.ssl_target_name_override", host), ("grpc.default_authority", f"{bracketed(host)}:{port}"))
        through = self._relay(host, port).address
        return aio.secure_channel(
            through, credentials, options=(*base, _patience(PROXY_CONNECT_TIMEOUT), *named, *options)
        )

    def grpc_failure(self, error: RpcError, address: str) -> SourceError:
        """What a failed call to `address` means; a proxy that could not reach it is named."""
        trouble = None if address.startswith("unix:") else self._trouble(*split_address(address))
        return trouble or grpc_failure(error, address)

    async def tls(
        self, host: str, port: int, roots: bytes | None = None, *, seconds: float = PROXY_CONNECT_TIMEOUT
    ) -> TlsPeek:
        """Look at the certificate of a server and hang up. Raises SourceError where there is none to see."""
        if self._inside is not None:
            return TlsPeek(*validity(self._inside.certificate()), verified=True)
        context = trust(roots)
        proxy = self._routes.towards(host)
        try:
            return await _handshake(host, port, proxy, context, seconds)
        except SourceError as error:
            if error.reason is not FailureReason.TLS:
                raise
            seen = await _handshake(host, port, proxy, blind(), seconds)
            return replace(seen, verified=False, reason=error.message)

    async def visit(
        self,
        url: str,
        *,
        seconds: float,
        way: Way = "auto",
        roots: bytes | None = None,
        on_bytes: Callable[[int], None] = ignore,
    ) -> Visit:
        """Go to a public address once, stage by stage: https://, http://, tls://HOST:PORT, tcp://HOST:PORT, dns://NAME.

        All within `seconds`; redirects are not followed. `way` "auto" takes the proxy as other clients do.
        What goes wrong is in the answer. Raises SourceError where our own side is at fault: there is no such
        way out, or `roots` are no certificates.
        """
        target = httpx.URL(url)
        if roots is not None:
            trust(roots)
        begun = self.clock.monotonic()
        visit = Visit(target, self._way(target.host, way), roots, self.clock, on_bytes)
        await visit.make(seconds)
        left = seconds - (self.clock.monotonic() - begun)
        if visit.failure is not None and visit.failure.reason is FailureReason.TLS and left > 0:
            with suppress(SourceError):  # the certificate is worth a look, also where it is not trusted
                seen = await _handshake(visit.host, visit.port, visit.proxy, blind(), left)
                visit.certificate = replace(seen, verified=False, reason=visit.failure.message)
        return visit

    def _way(self, host: str, way: Way) -> Proxy | None:
        if way == "direct":
            return None
        return self._routes.towards(host) if way == "auto" else self._routes.through(host)

    async def close(self) -> None:
        """Let go of what carries channels through the proxy."""
        relays, self._relays = list(self._relays.values()), {}
        for relay in relays:
            await relay.close()

    def _relay(self, host: str, port: int) -> Relay:
        relay = self._relays.get((host, port))
        if relay is None:
            proxy = self._routes.through(host)
            relay = self._relays[host, port] = Relay(host, port, proxy, PROXY_CONNECT_TIMEOUT)
        return relay

    def _trouble(self, host: str, port: int) -> SourceError | None:
        relay = self._relays.get((host, port))
        return None if relay is None else relay.trouble()


async def _handshake(host: str, port: int, proxy: Proxy | None, context: ssl.SSLContext, seconds: float) -> TlsPeek:
    where = f"{bracketed(host)}:{port}"
    _, writer = await dial(host, port, proxy, seconds)
    try:
        async with asyncio.timeout(seconds):
            await writer.start_tls(context, server_hostname=host)
        return presented(writer, where)
    except NETWORK_ERRORS as error:
        raise network_failure(error, where, accepted=True) from error
    finally:
        await hang_up(writer)


def _patience(seconds: float) -> tuple[str, int]:
    """How long grpc gives a connection to come to be, TLS included (its name for it is misleading)."""
    return ("grpc.min_reconnect_backoff_ms", int(seconds * 1_000))


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[ipv6]:port` or `dns:///host:port`. Raises ValueError."""
    host, colon, port = address.removeprefix("dns:///").rpartition(":")
    if not colon or not port.isdigit() or not host or "/" in host:
        raise ValueError(f"an address is host:port, found {address}")
    return host.removeprefix("[").removesuffix("]"), int(port)

"""Opens a plain byte stream to a target, straight or through a proxy (SOCKS5 by RFC 1928, HTTP CONNECT)."""

import asyncio
import base64
import contextlib
import ipaddress

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net.faults import network_failure
from lnwatch.net.proxy import Proxy, bracketed
from lnwatch.net.tls import trust

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_SOCKS_REPLIES = {
    1: "it failed",
    2: "its rules forbid it",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "no answer in time",
}
_HEAD_LIMIT = 16_384


async def dial(host: str, port: int, proxy: Proxy | None, seconds: float) -> Stream:
    """Connect within `seconds`. Raises SourceError: a target that nobody reaches is REFUSED."""
    where = f"{bracketed(host)}:{port}"
    accepted = False
    try:
        async with asyncio.timeout(seconds):
            if proxy is None:
                return await asyncio.open_connection(host, port)
            context = trust(None) if proxy.scheme == "https" else None
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port, ssl=context, limit=_HEAD_LIMIT)
            accepted = True
            try:
                greet = _socks if proxy.socks else _connect
                await greet(reader, writer, host, port, proxy)
            except BaseException:
                writer.close()
                raise
            return reader, writer
    except (OSError, EOFError, asyncio.LimitOverrunError) as error:
        if proxy is None:
            raise network_failure(error, where, accepted=False) from error
        raise _proxy_failure(error, where, proxy, accepted=accepted) from error


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Let go of a connection at once: TLS would wait half a minute for a farewell that may never come."""
    with contextlib.suppress(AttributeError):  # of a TLS transport that is closed already, in Python 3.11.2
        writer.transport.abort()
    await asyncio.sleep(0)  # transports let go of their sockets in the next turn of the loop


def _proxy_failure(error: Exception, where: str, proxy: Proxy, *, accepted: bool) -> SourceError:
    if isinstance(error, OSError):
        inner = network_failure(error, f"the proxy {proxy}", accepted=accepted)
        return SourceError(inner.reason, f"{where}: {inner.message}")
    return _refused(where, proxy, "it does not speak the protocol that its address names")


def _refused(where: str, proxy: Proxy, words: str) -> SourceError:
    return SourceError(FailureReason.REFUSED, f"the proxy {proxy} does not connect to {where}: {words}")


async def _socks(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, proxy: Proxy
) -> None:
    where = f"{bracketed(host)}:{port}"
    method = 2 if proxy.user else 0
    writer.write(bytes((5, 1, method)))
    if await reader.readexactly(2) != bytes((5, method)):
        raise _refused(where, proxy, "it wants another way to log in" if proxy.user else "it wants user and password")
    if method:
        user, password = proxy.user.encode(), proxy.password.encode()
        writer.write(bytes((1, len(user))) + user + bytes((len(password),)) + password)
        if (await reader.readexactly(2))[1] != 0:
            raise _refused(where, proxy, "it rejects user and password")
    writer.write(b"\x05\x01\x00" + _socks_address(host) + port.to_bytes(2, "big"))
    version, reply, _, kind = await reader.readexactly(4)
    if version != 5 or reply != 0:
        raise _refused(where, proxy, _SOCKS_REPLIES.get(reply, f"reply {reply}"))
    length = {1: 4, 4: 16}.get(kind) or (await reader.readexactly(1))[0]
    await reader.readexactly(length + 2)


def _socks_address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return bytes((3, len(name))) + name  # the proxy resolves names, as Tor must
    return bytes((1 if address.version == 4 else 4,)) + address.packed


async def _connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, proxy: Proxy
) -> None:
    where = f"{bracketed(host)}:{port}"
    lines = [f"CONNECT {where} HTTP/1.1", f"Host: {where}"]
    if proxy.user:
        login = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    parts = head.split(b"\r\n", 1)[0].split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or not parts[1].isdigit():
        raise _refused(where, proxy, "it does not speak HTTP")
    if not 200 <= int(parts[1]) < 300:
        words = "it rejects user and password" if parts[1] == b"407" else f"HTTP {parts[1].decode()}"
        raise _refused(where, proxy, words)

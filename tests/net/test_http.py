import asyncio
import gzip
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Answer, Door, HttpClient
from tests.net.certificates import DAY, make_identity
from tests.net.servers import full_backlog, saying, serving, silence

OK = b"HTTP/1.1 200 OK\r\n"
LIMIT = 10_000


class FixedClock(SystemClock):
    """A clock that stands still at one known moment."""

    def now(self) -> float:
        return 1_700_000_000.0


def client(port: int, scheme: str = "http", host: str = "127.0.0.1", **settings: object) -> HttpClient:
    arguments = {"timeout": 5.0, "max_bytes": LIMIT, **settings}
    return Door(clock=FixedClock()).http(base_url=f"{scheme}://{host}:{port}", **arguments)  # type: ignore[arg-type]  # as the case says


async def ask(asked: HttpClient, **request: object) -> Answer:
    try:
        return await asked.request("GET", "/x", **request)  # type: ignore[arg-type]  # as the case says
    finally:
        await asked.close()


async def failure_of(asked: HttpClient, **request: object) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await ask(asked, **request)
    return caught.value


async def test_answer_is_read_whole() -> None:
    """Status, headers and body arrive as they were sent, whatever the status says."""
    async with serving(saying(b"HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 3\r\n\r\n", b"abc")) as port:
        answer = await ask(client(port))
    assert (answer.status, answer.headers["x-a"], answer.body) == (404, "b", b"abc")
    assert answer.where == f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        pytest.param([OK + b"Content-Length: 20\r\n\r\nabc"], "cut short", id="body shorter than announced"),
        pytest.param([OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"], "cut short", id="chunk cut off"),
        pytest.param([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], "not HTTP", id="another protocol"),
        pytest.param([OK + b"Content-Length: 99999999\r\n\r\n", b"x" * 20_000], "over the limit", id="too large"),
        pytest.param([OK + b"\r\n", b"x" * 20_000], "over the limit", id="too large, length unknown"),
        pytest.param(
            [OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(bytes(50_000_000))], "over the limit", id="gzip bomb"
        ),
        pytest.param(
            [OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"hello")[:-9]], "cut short", id="gzip cut off"
        ),
        pytest.param([OK + b"Content-Encoding: gzip\r\n\r\n", b"hello"], "can't be unpacked", id="gzip in name only"),
        pytest.param(
            [OK + b"Content-Encoding: deflate\r\n\r\n", zlib.compress(b"x")], "not offered", id="packed another way"
        ),
    ],
)
async def test_bad_answer_is_malformed(parts: list[bytes], words: str) -> None:
    """An answer that breaks the protocol or a limit is MALFORMED, and no more of it is read than the limit."""
    async with serving(saying(*parts)) as port:
        error = await failure_of(client(port))
    assert error.reason is FailureReason.MALFORMED
    assert words in error.message


async def test_packed_answer_is_unpacked_and_counted_as_it_came() -> None:
    """Packing by gzip is undone; what is counted is what came over the wire."""
    counted: list[int] = []
    packed = gzip.compress(b"a" * 9_000)
    async with serving(saying(OK + b"Content-Encoding: gzip\r\n\r\n", packed)) as port:
        answer = await ask(client(port, on_bytes=counted.append))
    assert answer.body == b"a" * 9_000
    assert sum(counted) == len(packed)


async def test_refused() -> None:
    """A port where nobody listens is REFUSED, and named."""
    async with serving(silence) as port:
        pass
    error = await failure_of(client(port))
    assert error.reason is FailureReason.REFUSED
    assert error.message == f"can't connect to 127.0.0.1:{port}: connection refused"


async def test_unknown_name() -> None:
    """A name that does not resolve is REFUSED with these words."""
    error = await failure_of(client(80, host="nowhere.invalid"))
    assert (error.reason, error.message) == (
        FailureReason.REFUSED,
        "can't connect to nowhere.invalid:80: the name is not known",
    )


async def test_no_connection_in_time_is_not_a_hang() -> None:
    """A host that never takes the connection is REFUSED, not TIMEOUT."""
    with full_backlog() as port:
        error = await failure_of(client(port, connect_timeout=0.1))
    assert error.reason is FailureReason.REFUSED
    assert "nothing answers at" in error.message


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_silence_after_accept_is_a_hang(scheme: str) -> None:
    """A service that takes the connection and says nothing is TIMEOUT, also in the TLS handshake."""
    async with serving(silence) as port:
        error = await failure_of(client(port, scheme), timeout=0.2)
    assert error.reason is FailureReason.TIMEOUT


async def test_total_time_is_limited() -> None:
    """A server that sends a byte now and then can't keep us longer than the total time."""

    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with serving(dripping) as port:
        error = await failure_of(client(port), timeout=0.2)
    assert error.reason is FailureReason.TIMEOUT


async def test_hang_up_without_an_answer() -> None:
    """A server that hangs up before it answers is REFUSED: most likely it is going down."""
    async with serving(saying()) as port:
        error = await failure_of(client(port))
    assert error.reason is FailureReason.REFUSED
    assert "closed the connection" in error.message


@pytest.mark.parametrize(
    ("status", "header", "reason", "retry_after"),
    [
        (200, "", None, None),
        (204, "", None, None),
        (301, "Location: http://127.0.0.1/", FailureReason.FAILED, None),
        (401, "", FailureReason.REJECTED, None),
        (403, "", FailureReason.FORBIDDEN, None),
        (404, "", FailureReason.FAILED, None),
        (429, "Retry-After: 7", FailureReason.OVERLOADED, 7.0),
        (503, "Retry-After: Tue, 14 Nov 2023 22:14:20 GMT", FailureReason.OVERLOADED, 60.0),
        (503, "Retry-After: Tue, 14 Nov 2023 22:00:00 GMT", FailureReason.OVERLOADED, 0.0),
        (503, "Retry-After: 999999999", FailureReason.OVERLOADED, 3_600.0),
        (503, "Retry-After: soon", FailureReason.OVERLOADED, None),
        (500, "", FailureReason.FAILED, None),
        (502, "", FailureReason.REFUSED, None),
        (504, "", FailureReason.TIMEOUT, None),
    ],
)
async def test_status_becomes_a_reason(
    status: int, header: str, reason: FailureReason | None, retry_after: float | None
) -> None:
    """Each status has its reason, redirects are not followed, and Retry-After is kept within an hour."""
    head = f"HTTP/1.1 {status} X\r\n{header}\r\nContent-Length: 0\r\n\r\n".replace("\r\n\r\nC", "\r\nC")
    async with serving(saying(head.encode())) as port:
        answer = await ask(client(port))
    if reason is None:
        answer.raise_for_status()
        return
    with pytest.raises(SourceError) as caught:
        answer.raise_for_status()
    assert (caught.value.reason, caught.value.retry_after) == (reason, retry_after)


async def test_credential_with_a_newline_is_not_shown() -> None:
    """A token that no header may hold is REJECTED, and neither the message nor its cause repeats it."""
    async with serving(silence) as port:
        error = await failure_of(client(port), headers={"Authorization": "token sec\nret"})
    assert error.reason is FailureReason.REJECTED
    assert "sec" not in error.message
    assert error.__cause__ is None


async def test_login_in_the_address_is_not_shown() -> None:
    """User and password in the base URL never reach a message."""
    async with serving(silence) as port:
        pass
    error = await failure_of(client(port, host="user:hunter2@127.0.0.1"))
    assert "hunter2" not in error.message
    assert "user" not in error.message


@pytest.mark.parametrize(
    ("header", "offset"),
    [
        ("Date: Tue, 14 Nov 2023 22:13:30 GMT", 10.5),
        ("Date: Tue, 14 Nov 2023 22:13:10 GMT", -9.5),
        ("Date: yesterday", None),
        ("X: y", None),
    ],
)
async def test_clock_offset(header: str, offset: float | None) -> None:
    """The Date header minus our clock is told, half a second added for what the header cuts off."""
    offsets: list[float] = []
    async with serving(saying(OK + header.encode() + b"\r\nContent-Length: 0\r\n\r\n")) as port:
        await ask(client(port, on_date=offsets.append))
    assert offsets == ([] if offset is None else [offset])


async def test_unix_socket(tmp_path: Path) -> None:
    """A unix socket takes the place of the host, and is what messages name."""
    path = tmp_path / "s"
    server = await asyncio.start_unix_server(_closing(saying(OK + b"Content-Length: 2\r\n\r\nok")), path)
    async with server:
        answer = await ask(client(80, unix_socket=path))
    assert (answer.body, answer.where) == (b"ok", str(path))
    error = await failure_of(client(80, unix_socket=tmp_path / "absent"))
    assert error.reason is FailureReason.REFUSED
    assert str(tmp_path / "absent") in error.message


def _closing(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handler(reader, writer)
        writer.close()

    return closing


@pytest.mark.parametrize("authority", [True, False])
async def test_pinned_certificate(tmp_path: Path, authority: bool) -> None:
    """A pinned certificate is trusted, an authority or not, and its end is known after the answer."""
    identity = make_identity(authority=authority)
    reply = saying(OK + b"Content-Length: 2\r\n\r\nok")
    async with serving(reply, identity.server_context(tmp_path)) as port:
        asked = client(port, "https", roots=identity.certificate)
        assert asked.tls_expires_at is None
        answer = await ask(asked)
    assert answer.body == b"ok"
    assert asked.tls_expires_at == identity.not_after.timestamp()


@pytest.mark.parametrize("case", ["other pin", "usual authorities", "expired", "other name", "plain port", "bad pin"])
async def test_untrusted_server(tmp_path: Path, case: str) -> None:
    """Whatever is wrong with the server's identity is TLS, before a byte of ours is sent."""
    identity = make_identity(
        address="127.0.0.2" if case == "other name" else "127.0.0.1", end=-DAY / 24 if case == "expired" else DAY
    )
    roots = {"other pin": make_identity().certificate, "usual authorities": None, "bad pin": b"no PEM"}
    seen = bytearray()

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.extend(await reader.read(1_000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    context = None if case == "plain port" else identity.server_context(tmp_path)
    async with serving(noting, context) as port:
        error = await failure_of(client(port, "https", roots=roots.get(case, identity.certificate)))
    assert error.reason is FailureReason.TLS
    assert b"GET" not in seen

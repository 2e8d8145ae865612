import asyncio
import socket
from pathlib import Path

import httpx
import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.probe import ProbeStage
from lnwatch.net import Door, Visit
from lnwatch.net.visit import MOST
from tests.net.certificates import DAY, make_identity
from tests.net.servers import ProxyDouble, full_backlog, saying, serving, silence

DNS, CONNECT, TLS, REQUEST = ProbeStage
PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\n\r\nwelcome"


def taken(visit: Visit) -> dict[ProbeStage, FailureReason | None]:
    return {step.stage: step.failure.reason if step.failure else None for step in visit.steps}


async def test_every_stage_of_a_page(tmp_path: Path) -> None:
    """Name, connection, certificate and page are told one by one, with the life of the certificate."""
    identity = make_identity()
    async with serving(saying(PAGE), identity.server_context(tmp_path)) as port:
        visit = await Door().visit(f"https://localhost:{port}/i/1?a=b", seconds=5, roots=identity.certificate)
    assert visit.stages == (DNS, CONNECT, TLS, REQUEST)
    assert taken(visit) == dict.fromkeys(visit.stages)
    assert all(step.seconds >= 0 for step in visit.steps)
    assert visit.answer is not None
    assert (visit.answer.status, visit.answer.body) == (200, b"welcome")
    assert visit.certificate is not None
    assert visit.certificate.not_after == identity.not_after.timestamp()
    assert visit.certificate.verified


@pytest.mark.parametrize(
    ("url", "stages"),
    [
        ("dns://localhost", (DNS,)),
        ("tcp://localhost:{port}", (DNS, CONNECT)),
        ("tcp://127.0.0.1:{port}", (CONNECT,)),
        ("http://127.0.0.1:{port}", (CONNECT, REQUEST)),
        ("http://localhost:{port}/", (DNS, CONNECT, REQUEST)),
    ],
)
async def test_stages_that_apply(url: str, stages: tuple[ProbeStage, ...]) -> None:
    """An address has no name to be found, a port no page."""
    async with serving(saying(PAGE)) as port:
        visit = await Door().visit(url.format(port=port), seconds=5)
    assert visit.stages == stages
    assert taken(visit) == dict.fromkeys(stages)


async def test_tls_alone(tmp_path: Path) -> None:
    """A port is asked for its certificate, and told nothing."""
    identity = make_identity()
    heard = bytearray()

    async def listening(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read(1_000))

    async with serving(listening, identity.server_context(tmp_path)) as port:
        visit = await Door().visit(f"tls://127.0.0.1:{port}", seconds=5, roots=identity.certificate)
    assert taken(visit) == {CONNECT: None, TLS: None}
    assert not heard


async def test_an_unknown_name() -> None:
    """It fails at the first stage, and nothing else is tried."""
    visit = await Door().visit("https://nobody.invalid/", seconds=20)
    assert taken(visit) == {DNS: FailureReason.REFUSED}
    assert visit.failure is not None
    assert "nobody.invalid" in visit.failure.message


async def test_nobody_listens() -> None:
    """A closed port fails at the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    visit = await Door().visit(f"http://127.0.0.1:{port}/", seconds=5)
    assert taken(visit) == {CONNECT: FailureReason.REFUSED}


async def test_nobody_takes_the_connection() -> None:
    """A packet that is dropped ends with the time limit."""
    with full_backlog() as port:
        visit = await Door().visit(f"http://127.0.0.1:{port}/", seconds=0.3)
    assert taken(visit) == {CONNECT: FailureReason.REFUSED}
    assert visit.steps[-1].seconds == pytest.approx(0.3, abs=0.25)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_silence_is_told_by_its_stage(scheme: str) -> None:
    """Who accepts and says nothing hangs: at the certificate where there is one, else at the page."""
    async with serving(silence) as port:
        visit = await Door().visit(f"{scheme}://127.0.0.1:{port}/", seconds=0.3)
    assert taken(visit) == {CONNECT: None, TLS if scheme == "https" else REQUEST: FailureReason.TIMEOUT}


@pytest.mark.parametrize("case", ["expired", "another authority", "another name", "no TLS"])
async def test_a_certificate_that_is_not_trusted(tmp_path: Path, case: str) -> None:
    """It fails at TLS, and yet the certificate's life is told."""
    end = -DAY / 24 if case == "expired" else 30 * DAY
    identity = make_identity(address="127.0.0.9" if case == "another name" else "127.0.0.1", end=end)
    roots = make_identity().certificate if case == "another authority" else identity.certificate
    context = None if case == "no TLS" else identity.server_context(tmp_path)
    async with serving(saying(PAGE), context) as port:
        visit = await Door().visit(f"https://127.0.0.1:{port}/", seconds=2, roots=roots)
    assert next(reversed(taken(visit))) is TLS
    assert visit.answer is None
    if case == "no TLS":
        assert visit.certificate is None
    else:
        assert taken(visit)[TLS] is FailureReason.TLS
        assert visit.certificate is not None
        assert not visit.certificate.verified
        assert visit.certificate.not_after == identity.not_after.timestamp()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", FailureReason.REFUSED),
        (b"SSH-2.0-OpenSSH\r\n", FailureReason.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", FailureReason.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", FailureReason.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n", FailureReason.MALFORMED),
        (b"HTTP/1.1 abc OK\r\n\r\n", FailureReason.MALFORMED),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", FailureReason.MALFORMED),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", FailureReason.MALFORMED),
    ],
)
async def test_what_is_no_answer(answer: bytes, reason: FailureReason) -> None:
    """Rubbish, and what is cut short, fail at the page."""
    async with serving(saying(answer)) as port:
        visit = await Door().visit(f"http://127.0.0.1:{port}/", seconds=5)
    assert taken(visit) == {CONNECT: None, REQUEST: reason}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", 302, b""),
        (b"HTTP/1.1 503 No\r\n\r\nbusy", 503, b"busy"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil it ends", 200, b"until it ends"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + PAGE, 200, b"welcome"),
        (b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
    ],
)
async def test_any_answer_is_brought_home(answer: bytes, status: int, body: bytes) -> None:
    """A redirect is an answer, and is not followed."""
    asked: list[bytes] = []

    async def noting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()

    async with serving(noting) as port:
        visit = await Door().visit(f"http://localhost:{port}/a%20b?c=ä", seconds=5)
    assert visit.answer is not None
    assert (visit.answer.status, visit.answer.body, visit.whole) == (status, body, True)
    (head,) = asked
    assert head.decode().startswith(f"GET /a%20b?c=%C3%A4 HTTP/1.1\r\nHost: localhost:{port}\r\n")


@pytest.mark.parametrize("secure", [False, True])
async def test_a_page_without_end(tmp_path: Path, secure: bool) -> None:
    """No more than the limit is read, and what there is is taken."""
    identity = make_identity()
    received = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegin")
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()

    def count(size: int) -> None:
        nonlocal received
        received += size

    scheme = "https" if secure else "http"
    async with serving(flood, identity.server_context(tmp_path) if secure else None) as port:
        visit = await Door().visit(
            f"{scheme}://127.0.0.1:{port}/", seconds=20, roots=identity.certificate, on_bytes=count
        )
    assert visit.failure is None
    assert visit.answer is not None
    assert not visit.whole
    assert visit.answer.body.startswith(b"beginxxx")
    assert MOST <= received < MOST + 65_536


async def test_a_drip_ends_with_the_time_limit() -> None:
    """A page that comes byte by byte is not waited for."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async with serving(drip) as port:
        visit = await Door().visit(f"http://127.0.0.1:{port}/", seconds=0.4)
    assert taken(visit) == {CONNECT: None, REQUEST: FailureReason.TIMEOUT}


@pytest.mark.parametrize("protocol", ["socks5h", "http"])
async def test_through_a_proxy(tmp_path: Path, protocol: str) -> None:
    """The proxy finds the name; the certificate is still the target's own."""
    identity = make_identity("pay.example", "shop.onion")
    proxy = ProxyDouble()
    async with (
        serving(saying(PAGE), identity.server_context(tmp_path)) as port,
        serving(proxy.socks5 if protocol == "socks5h" else proxy.http) as way,
    ):
        door = Door(f"{protocol}://127.0.0.1:{way}")
        visit = await door.visit(f"https://pay.example:{port}/", seconds=5, roots=identity.certificate)
        refused = await door.visit(f"https://pay.refused:{port}/", seconds=5)
        straight = await door.visit(f"https://localhost:{port}/", seconds=5, way="direct", roots=identity.certificate)
        forced = await door.visit(f"https://localhost:{port}/", seconds=5, way="proxy", roots=identity.certificate)
    assert visit.stages == (CONNECT, TLS, REQUEST)
    assert taken(visit) == dict.fromkeys(visit.stages)
    assert visit.answer is not None
    assert taken(refused) == {CONNECT: FailureReason.REFUSED}
    assert (straight.proxy, straight.failure) == (None, None)
    assert (forced.proxy is not None, forced.failure) == (True, None)
    assert len(proxy.asked) == 3


async def test_a_proxy_that_is_not_there_tells_nothing() -> None:
    """It is our own way out that fails, and so not the target."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(SourceError, match="nothing behind it can be told") as caught:
        await Door(f"socks5h://127.0.0.1:{port}").visit("https://shop.onion/", seconds=2)
    assert caught.value.reason is FailureReason.REFUSED


@pytest.mark.parametrize(
    ("url", "way", "words"),
    [
        ("https://shop.onion/", "auto", "is an onion address"),
        ("https://pay.example/", "proxy", "is to be reached through a proxy"),
    ],
)
async def test_no_such_way(url: str, way: str, words: str) -> None:
    """Without a proxy there is no way through one: that is ours to mend."""
    with pytest.raises(SourceError, match=words):
        await Door().visit(url, seconds=2, way="proxy" if way == "proxy" else "auto")


async def test_the_next_address_is_tried() -> None:
    """A name with a dead address and a good one is reached, as browsers reach it."""
    async with serving(saying(PAGE)) as port:
        url = httpx.URL(f"http://127.0.0.1:{port}/")
        visit = Visit(url, None, None, SystemClock(), _addresses=["127.0.0.2", "127.0.0.1"])
        await visit.make(5)
    assert taken(visit) == {CONNECT: None, REQUEST: None}

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.probe import ProbeStage, ProbeStatus
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.sources import Place, Scope
from lnwatch.sources.probe import SOURCE, Probe, ProbeSettings
from tests.net.certificates import DAY, Identity, make_identity
from tests.net.servers import ProxyDouble, saying, serving, silence
from tests.sources.bitcoind.ledger import Ledger

DNS, CONNECT, TLS, REQUEST = ProbeStage
BODY = b"<title>BTCPay Invoice</title>"
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
MOVED = b"HTTP/1.1 302 Found\r\nLocation: https://u:hush@other.example/i/secret?x=1\r\nContent-Length: 0\r\n\r\n"


def probe(url: str, door: Door | None = None, **settings: object) -> Probe:
    values = {"url": url, "interval": "4s", "time_limit": "2s", **settings}
    source = SOURCE.open(Place("main", "checkout", SystemClock(), door or Door()), ProbeSettings.model_validate(values))
    assert isinstance(source, Probe)
    return source


async def seen(source: Probe) -> tuple[ProbeStatus, TargetState]:
    reading = await source.collectors[0].collect(Ledger())
    assert isinstance(reading.facts, ProbeStatus)
    assert reading.target is not None
    assert reading.target.detail == reading.facts.trouble
    return reading.facts, reading.target.state


@pytest.fixture
def identity() -> Identity:
    return make_identity()


@pytest.fixture
def ca(tmp_path: Path, identity: Identity) -> str:
    path = tmp_path / "ca.pem"
    path.write_bytes(identity.certificate)
    return str(path)


async def test_a_page_as_it_should_be(tmp_path: Path, identity: Identity, ca: str) -> None:
    """Each stage went well and took its time; the certificate's end is known, the path is not shown."""
    async with serving(saying(PAGE), identity.server_context(tmp_path)) as port:
        source = probe(f"https://localhost:{port}/i/secret?x=1", ca_file=ca, text="BTCPay Invoice")
        status, state = await seen(source)
    assert state is TargetState.UP
    assert status.where == f"https://localhost:{port}"
    assert [(step.stage, step.success) for step in status.steps] == [(stage, True) for stage in ProbeStage]
    assert all(step.seconds is not None and 0 <= step.seconds < 2 for step in status.steps)
    assert (status.failed, status.trouble, status.http_status) == (None, "", 200)
    assert status.tls_not_after == source.tls_expires_at == identity.not_after.timestamp()
    assert source.cost.calls == 1
    assert source.cost.bytes_received == len(PAGE)


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (PAGE, {"text": "Pay here"}, "answered with HTTP 200, but without the expected text"),
        (PAGE, {"status": 204}, "answered with HTTP 200, not 204"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", {}, "answered with HTTP 502, not 200"),
        (MOVED, {}, "answered with HTTP 302 (a redirect to other.example, which is not followed), not 200"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", {}, "(a redirect, which is not followed), not 200"),
    ],
)
async def test_another_page(answer: bytes, expected: dict[str, Any], words: str) -> None:
    """Another status, another text and a redirect fail at the page, and say what came."""
    async with serving(saying(answer)) as port:
        status, state = await seen(probe(f"http://127.0.0.1:{port}/", **expected))
    assert state is TargetState.DOWN
    assert status.failed is REQUEST
    assert words in status.trouble
    assert "hush" not in status.trouble
    assert "secret" not in status.trouble
    assert [step.seconds is not None for step in status.steps] == [True, True]


async def test_an_expected_redirect() -> None:
    """A redirect that is due is well."""
    async with serving(saying(MOVED)) as port:
        assert (await seen(probe(f"http://127.0.0.1:{port}/", status=302)))[1] is TargetState.UP


async def test_stages_that_were_not_reached() -> None:
    """They count as failed, and have no duration."""
    status, state = await seen(probe("https://nobody.invalid/", time_limit="3s"))
    assert state is TargetState.DOWN
    assert status.failed is DNS
    assert [step.success for step in status.steps] == [False] * 4
    assert [step.seconds is None for step in status.steps] == [False, True, True, True]


async def test_a_page_that_hangs() -> None:
    """Within its time limit it has no answer: that is a hang, not a refusal."""
    async with serving(silence) as port:
        status, state = await seen(probe(f"http://127.0.0.1:{port}/", time_limit="300ms"))
    assert state is TargetState.HANGING
    assert (status.failed, status.reason) == (REQUEST, FailureReason.TIMEOUT.value)


async def test_a_certificate_that_is_over(tmp_path: Path) -> None:
    """It fails at TLS, as it does for customers, and its end is told all the same."""
    identity = make_identity(end=-DAY / 24)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(identity.certificate)
    async with serving(saying(PAGE), identity.server_context(tmp_path)) as port:
        source = probe(f"https://127.0.0.1:{port}/", ca_file=str(ca))
        status, state = await seen(source)
    assert (state, status.failed) == (TargetState.DOWN, TLS)
    assert "expired" in status.trouble
    assert status.tls_not_after == source.tls_expires_at == identity.not_after.timestamp()


@pytest.mark.parametrize("scheme", ["tcp", "tls", "dns"])
async def test_what_is_no_page(tmp_path: Path, identity: Identity, ca: str, scheme: str) -> None:
    """A port, a certificate and a name are visited as far as there is something to see."""
    async with serving(silence, identity.server_context(tmp_path)) as port:
        place = "localhost" if scheme == "dns" else f"localhost:{port}"
        status, state = await seen(probe(f"{scheme}://{place}", ca_file=ca))
    assert state is TargetState.UP
    assert status.where == f"{scheme}://{place}"
    assert [step.stage for step in status.steps] == {
        "dns": [DNS],
        "tcp": [DNS, CONNECT],
        "tls": [DNS, CONNECT, TLS],
    }[scheme]


async def test_by_way_of_tor() -> None:
    """An onion goes through the proxy by itself; the way is told."""
    proxy = ProxyDouble()
    async with serving(saying(PAGE)) as port, serving(proxy.socks5) as way:
        status, state = await seen(probe(f"http://shop.onion:{port}/", Door(f"socks5h://127.0.0.1:{way}")))
    assert (state, status.via) == (TargetState.UP, f"socks5h://127.0.0.1:{way}")
    assert [step.stage for step in status.steps] == [CONNECT, REQUEST]
    assert proxy.asked == [f"shop.onion:{port}"]


@pytest.mark.parametrize("case", ["no way", "no proxy there", "no authority"])
async def test_our_own_fault_is_not_the_targets(tmp_path: Path, case: str) -> None:
    """Where we can't get out, nothing is said of the address: the collector fails, and `check` says why."""
    (tmp_path / "rubbish.pem").write_text("rubbish")
    source = {
        "no way": lambda: probe("http://shop.onion/"),
        "no proxy there": lambda: probe("http://shop.onion/", Door("socks5h://127.0.0.1:9")),
        "no authority": lambda: probe("https://127.0.0.1:1/", ca_file=str(tmp_path / "rubbish.pem")),
    }[case]()
    with pytest.raises(SourceError):
        await source.collectors[0].collect(Ledger())
    checkup = await source.check()
    assert len(checkup.problems) == 1


async def test_check_of_a_good_page(tmp_path: Path, identity: Identity, ca: str) -> None:
    """It is visited once; there is no credential to have rights."""
    async with serving(saying(PAGE), identity.server_context(tmp_path)) as port:
        checkup = await probe(f"https://127.0.0.1:{port}/", ca_file=ca).check()
    assert (checkup.reachable, checkup.state, checkup.scope) == (True, TargetState.UP, Scope.ENOUGH)
    assert checkup.tls_expires_at == identity.not_after.timestamp()
    assert checkup.tls_lifetime_left == pytest.approx(30 / 31, abs=0.01)
    assert (checkup.problems, checkup.warnings) == ((), ())


async def test_check_of_a_bad_one() -> None:
    """What is wrong with it is one sentence."""
    async with serving(saying(b"HTTP/1.1 500 Oops\r\n\r\n")) as port:
        checkup = await probe(f"http://127.0.0.1:{port}/").check()
    assert (checkup.reachable, checkup.state) == (True, TargetState.DOWN)
    assert checkup.problems == (f"127.0.0.1:{port} answered with HTTP 500, not 200",)


async def test_it_is_told_by_the_time_limit_and_not_by_the_deadline() -> None:
    """The collector outlives its visit, so that the stage that hangs is known."""
    (collector,) = probe("http://127.0.0.1:1/").collectors
    assert 2 < collector.deadline < collector.interval
    async with serving(silence) as port, asyncio.timeout(collector.deadline):
        assert (await seen(probe(f"tls://127.0.0.1:{port}")))[0].failed is TLS


@pytest.mark.parametrize(
    "url",
    [
        "https://pay.example/",
        "https://pay.example:8443/i/1?view=modal",
        "http://shop.onion",
        "tcp://[::1]:9735",
        "tls://pay.example:443",
        "dns://pay.example",
    ],
)
def test_good_addresses(url: str) -> None:
    """Every documented form is taken, with defaults for the rest."""
    settings = ProbeSettings.model_validate({"url": url})
    assert (settings.status, settings.text, settings.via, settings.checkout) == (200, None, "auto", True)
    assert settings.time_limit < settings.interval


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Field required"),
        ({"url": "pay.example"}, "write `https://HOST/PATH`"),
        ({"url": "ftp://pay.example/"}, "write `https://HOST/PATH`"),
        ({"url": "https:///x"}, "write `https://HOST/PATH`"),
        ({"url": "https://pay.example:99999/"}, "write `https://HOST/PATH`"),
        ({"url": "https://[::1/"}, "write `https://HOST/PATH`"),
        ({"url": "https://pay.example/a b"}, "write `https://HOST/PATH`"),
        ({"url": "https://pay.example/\r\nX: y"}, "write `https://HOST/PATH`"),
        ({"url": "https://u:p@pay.example/"}, "no user and no password"),
        ({"url": "tcp://pay.example"}, "write `https://HOST/PATH`"),
        ({"url": "tls://pay.example:443/x"}, "write `https://HOST/PATH`"),
        ({"url": "dns://pay.example:53"}, "write `https://HOST/PATH`"),
        ({"url": "tcp://pay.example:1", "text": "x"}, "go with a page, not with tcp"),
        ({"url": "tls://pay.example:1", "status": 200}, "go with a page, not with tls"),
        ({"url": "http://shop.onion", "via": "direct"}, "through Tor alone"),
        ({"url": "dns://pay.example", "via": "proxy"}, "resolves names for itself"),
        ({"url": "http://pay.example", "via": "tor"}, "'auto', 'direct' or 'proxy'"),
        ({"url": "http://pay.example", "status": 99}, "greater than or equal to 100"),
        ({"url": "http://pay.example", "time_limit": "30s"}, "shorter than `interval`"),
        ({"url": "http://pay.example", "interval": "500ms", "time_limit": "1ms"}, "at least one second"),
        ({"url": "http://pay.example", "colour": "red"}, "Extra inputs"),
    ],
)
def test_bad_settings(values: dict[str, Any], words: str) -> None:
    """What can't work is refused, with what would."""
    with pytest.raises(ValidationError, match=words):
        ProbeSettings.model_validate(values)

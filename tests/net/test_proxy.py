import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lnwatch.errors import ConfigError, FailureReason, SourceError
from lnwatch.net import Door, NetSettings, parse_proxy
from lnwatch.net.proxy import Routes
from tests.net.certificates import make_identity
from tests.net.servers import Handler, ProxyDouble, full_backlog, saying, serving, silence

REPLY = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.parametrize(
    ("text", "shown", "url"),
    [
        ("socks5h://127.0.0.1:9050", "socks5h://127.0.0.1:9050", "socks5h://127.0.0.1:9050"),
        ("socks5://tor", "socks5://tor:1080", "socks5://tor:1080"),
        ("http://u:p%40ss@proxy.lan/", "http://proxy.lan:80", "http://u:p%40ss@proxy.lan:80"),
        ("https://[::1]:8443", "https://[::1]:8443", "https://[::1]:8443"),
        (" https://proxy ", "https://proxy:443", "https://proxy:443"),
    ],
)
def test_proxy_address(text: str, shown: str, url: str) -> None:
    """A proxy is read whole; what is shown of it has no login."""
    proxy = parse_proxy(text)
    assert (str(proxy), proxy.url) == (shown, url)


@pytest.mark.parametrize(
    "text", ["", "proxy:80", "ftp://h", "http://", "http://h/path", "http://h?x", "http://h:99999", "http://[::1"]
)
def test_bad_proxy_address(text: str) -> None:
    """What is not a proxy is refused with what is allowed."""
    with pytest.raises(ValueError, match="socks5h://"):
        parse_proxy(text)


@settings(deadline=None)
@given(
    st.text(st.characters(categories=("L", "N")), max_size=40).map("s3cr3t-".__add__),
    st.sampled_from(["ftp", "http", "x"]),
)
def test_bad_proxy_never_tells_its_password(password: str, scheme: str) -> None:
    """The error of a wrong address repeats none of it."""
    with pytest.raises(ValueError, match="write") as caught:
        parse_proxy(f"{scheme}://user:{password}@host/path")
    assert password not in str(caught.value)


def test_settings_hold_the_proxy_as_a_secret(tmp_path: Path) -> None:
    """The address is masked where settings are printed, comes from a file too, and is set once."""
    settings = NetSettings.model_validate({"proxy": "http://u:hunter2@proxy", "no_proxy": [".lan"]})
    assert "hunter2" not in repr(settings)
    with pytest.raises(ValidationError, match="not both"):
        NetSettings.model_validate({"proxy": "http://proxy", "proxy_file": "/x"})
    with pytest.raises(ValidationError, match="socks5h"):
        NetSettings.model_validate({"proxy": "proxy"})
    path = tmp_path / "proxy"
    with pytest.raises(ConfigError, match="No such file"):
        Door.of(NetSettings(proxy_file=path))
    path.write_text("nonsense\n")
    with pytest.raises(ConfigError, match="socks5h"):
        Door.of(NetSettings(proxy_file=path))


@pytest.mark.parametrize(
    ("host", "through"),
    [
        ("example.com", True),
        ("10.9.0.1", True),
        ("10.1.2.3", False),
        ("bitcoind", False),
        ("BITCOIND.", False),
        ("node.lan", False),
        ("lan", True),
        ("localhost", False),
        ("127.9.9.9", False),
        ("::1", False),
        ("fd00::1", False),
        ("abc.onion", True),
        ("abc.ONION.", True),
    ],
)
def test_route(host: str, through: bool) -> None:
    """This machine and what is listed goes straight, all else and every onion through the proxy."""
    proxy = parse_proxy("socks5h://127.0.0.1:9050")
    routes = Routes(proxy, ("bitcoind", ".lan", "10.1.0.0/16", "fd00::/8", ".onion"))
    assert routes.towards(host) == (proxy if through else None)


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:1"])
async def test_onion_needs_socks(proxy: str | None) -> None:
    """An onion address without a SOCKS5 proxy says what to set, whichever client is asked for."""
    door = Door(proxy)
    client = door.http(base_url="http://abc.onion:80", timeout=1)
    attempts = [client.request("GET"), door.tls("abc.onion", 443), _channel(door, "abc.onion:1")]
    for attempt in attempts:
        with pytest.raises(SourceError, match=r"set net\.proxy") as caught:
            await attempt
        assert caught.value.reason is FailureReason.REFUSED


async def _channel(door: Door, address: str) -> None:
    await door.grpc(address).close()


def handler_of(double: ProxyDouble, kind: str) -> Handler:
    return double.socks5 if kind.startswith("socks5") else double.http


@pytest.mark.parametrize("kind", ["socks5", "socks5h", "http"])
async def test_https_through_a_proxy(tmp_path: Path, kind: str) -> None:
    """A request to a name that only the proxy knows arrives, and TLS is verified end to end."""
    identity = make_identity("shop.test")
    double = ProxyDouble(login=("lnwatch", "p@ss"))
    async with (
        serving(REPLY, identity.server_context(tmp_path)) as target,
        serving(handler_of(double, kind)) as port,
    ):
        door = Door(f"{kind}://lnwatch:p%40ss@127.0.0.1:{port}")
        client = door.http(base_url=f"https://shop.test:{target}", timeout=5, roots=identity.certificate)
        answer = await client.request("GET")
        await client.close()
        assert client.tls_expires_at == identity.not_after.timestamp()
        peek = await door.tls("shop.test", target, identity.certificate)
        await door.close()
    assert answer.body == b"ok"
    assert peek.verified
    assert [asked.split()[-1] for asked in double.asked] == [f"shop.test:{target}"] * 2


@pytest.mark.parametrize("kind", ["socks5h", "http"])
@pytest.mark.parametrize(
    ("login", "host", "words"),
    [(None, "gone.refused", "gone.refused"), (("a", "b"), "shop.test", "proxy"), (None, "gone.refused", "proxy")],
)
async def test_proxy_refuses(kind: str, login: tuple[str, str] | None, host: str, words: str) -> None:
    """A proxy that won't is REFUSED in every client, names the target, and tells no password."""
    async with serving(handler_of(ProxyDouble(login), kind)) as port:
        door = Door(f"{kind}://lnwatch:hunter2@127.0.0.1:{port}" if login else f"{kind}://127.0.0.1:{port}")
        client = door.http(base_url=f"https://{host}:443", timeout=5)
        for attempt in (client.request("GET"), door.tls(host, 443)):
            with pytest.raises(SourceError, match=words) as caught:
                await attempt
            assert caught.value.reason is FailureReason.REFUSED
            assert "hunter2" not in str(caught.value)
        await client.close()
        await door.close()


@pytest.mark.parametrize("kind", ["socks5h", "http", "https"])
async def test_proxy_is_something_else(kind: str) -> None:
    """What listens where a proxy should be, and is none, never breaks out as a foreign error."""
    for handler in (saying_at_once(b"SSH-2.0-x\r\n\r\n"), saying_at_once(b""), saying_at_once(b"x" * 40_000)):
        async with serving(handler) as port:
            door = Door(f"{kind}://127.0.0.1:{port}")
            client = door.http(base_url="https://shop.test:443", timeout=5)
            for attempt in (client.request("GET"), door.tls("shop.test", 443)):
                with pytest.raises(SourceError, match=r"shop\.test") as caught:
                    await attempt
                assert caught.value.reason in {FailureReason.REFUSED, FailureReason.TLS}
            await client.close()
            await door.close()


@pytest.mark.parametrize("kind", ["socks5h", "http"])
async def test_silent_proxy(kind: str) -> None:
    """A proxy that says nothing has not reached the target: that is no hang of the target."""
    async with serving(silence) as port:
        door = Door(f"{kind}://127.0.0.1:{port}")
        client = door.http(base_url="https://shop.test:443", timeout=0.3)
        with pytest.raises(SourceError) as caught:
            await client.request("GET")
        await client.close()
        await door.close()
        assert caught.value.reason is FailureReason.REFUSED
        with pytest.raises(SourceError, match=r"the proxy .* nothing came"):
            await door.tls("shop.test", 443, seconds=0.2)
    with full_backlog() as port, pytest.raises(SourceError, match="nothing answers at the proxy"):
        await Door(f"{kind}://127.0.0.1:{port}").tls("shop.test", 443, seconds=0.2)


async def test_http_target_through_an_http_proxy() -> None:
    """Plain HTTP is tunnelled as well, and keeps the name of its host."""
    double, heads = ProxyDouble(), []

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async with serving(answering) as target, serving(double.http) as port:
        door = Door(f"http://127.0.0.1:{port}")
        client = door.http(base_url=f"http://shop.test:{target}/base", timeout=5)
        answer = await client.request("GET", "x")
        await client.close()
        await door.close()
    assert (answer.body, double.asked) == (b"ok", [f"CONNECT shop.test:{target}"])
    assert b"GET /base/x HTTP/1.1" in heads[0]
    assert f"\r\nHost: shop.test:{target}\r\n".encode() in heads[0]


def saying_at_once(words: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(words)
        await writer.drain()

    return handler

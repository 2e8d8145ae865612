import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
import pytest
from grpc import aio

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import Door
from tests.net.certificates import DAY, Identity, make_identity
from tests.net.servers import ProxyDouble, full_backlog, serving, silence

MIB = 1024 * 1024
Method = Callable[[bytes, "aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


async def _reverse(request: bytes, _: "aio.ServicerContext[bytes, bytes]") -> bytes:
    return request[::-1]


async def _hang(_: bytes, __: "aio.ServicerContext[bytes, bytes]") -> bytes:
    await asyncio.sleep(3_600)
    return b""


async def _big(_: bytes, __: "aio.ServicerContext[bytes, bytes]") -> bytes:
    return bytes(2 * MIB)


def _refusing(code: grpc.StatusCode, words: str) -> Method:
    async def refuse(_: bytes, context: "aio.ServicerContext[bytes, bytes]") -> bytes:
        await context.abort(code, words)

    return refuse


METHODS: dict[str, Method] = {
    "/t/Reverse": _reverse,
    "/t/Hang": _hang,
    "/t/Big": _big,
    "/t/Known": _refusing(grpc.StatusCode.PERMISSION_DENIED, "no right"),
    "/t/Unknown": _refusing(grpc.StatusCode.UNAUTHENTICATED, "who are you"),
    "/t/Busy": _refusing(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many"),
    "/t/Odd": _refusing(grpc.StatusCode.UNKNOWN, "its own words"),
}


class _Service(grpc.GenericRpcHandler):
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        method = METHODS.get(str(handler_call_details.method))
        return grpc.unary_unary_rpc_method_handler(method) if method else None


@contextlib.asynccontextmanager
async def node(identity: Identity | None, address: str = "127.0.0.1:0") -> AsyncIterator[int]:
    server = aio.server()
    server.add_generic_rpc_handlers((_Service(),))
    if identity is None:
        port = server.add_insecure_port(address)
    else:
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(identity.key, identity.certificate)]))
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)


async def call(door: Door, address: str, roots: bytes | None, method: str = "/t/Reverse", seconds: float = 10) -> bytes:
    """One call as a source makes it; what fails is turned into ours by the door."""
    channel = door.grpc(address, root_certificates=roots, max_receive_bytes=MIB)
    try:
        ask: aio.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(method)
        return await ask(b"abc", timeout=seconds)
    except grpc.RpcError as error:
        raise door.grpc_failure(error, address) from error
    finally:
        await channel.close()


@pytest.fixture(scope="module")
def identity() -> Identity:
    return make_identity("lnd.test")


async def test_straight(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pinned certificate is trusted, and a proxy from the environment is not used."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("grpc_proxy", "http://127.0.0.1:1")
    async with node(identity) as port:
        assert await call(Door(), f"127.0.0.1:{port}", identity.certificate) == b"cba"
        assert await call(Door(), f"localhost:{port}", identity.certificate) == b"cba"


async def test_unix_socket(tmp_path: Path) -> None:
    """A unix socket is spoken to without TLS."""
    async with node(None, f"unix:{tmp_path}/s"):
        assert await call(Door(), f"unix:{tmp_path}/s", None) == b"cba"


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        ("/t/Big", FailureReason.MALFORMED),
        ("/t/Known", FailureReason.FORBIDDEN),
        ("/t/Unknown", FailureReason.REJECTED),
        ("/t/Busy", FailureReason.OVERLOADED),
        ("/t/Odd", FailureReason.FAILED),
        ("/t/Absent", FailureReason.UNSUPPORTED),
    ],
)
async def test_answer_becomes_a_reason(identity: Identity, method: str, reason: FailureReason) -> None:
    """Status codes and the size limit have their reasons, and the server's words are kept."""
    async with node(identity) as port:
        with pytest.raises(SourceError) as caught:
            await call(Door(), f"127.0.0.1:{port}", identity.certificate, method)
    assert caught.value.reason is reason
    assert f"127.0.0.1:{port}" in caught.value.message


async def test_hang(identity: Identity) -> None:
    """A call that is never answered is TIMEOUT."""
    async with node(identity) as port:
        with pytest.raises(SourceError) as caught:
            await call(Door(), f"127.0.0.1:{port}", identity.certificate, "/t/Hang", seconds=0.3)
    assert caught.value.reason is FailureReason.TIMEOUT


async def test_refused() -> None:
    """Nobody there, no such name, and no connection in time are REFUSED; rubbish as certificate is TLS."""
    async with serving(silence) as port:
        pass
    roots = make_identity().certificate
    for address, words in ((f"127.0.0.1:{port}", "connection refused"), ("nowhere.invalid:1", "not known")):
        with pytest.raises(SourceError, match=words) as caught:
            await call(Door(), address, roots)
        assert caught.value.reason is FailureReason.REFUSED
    with pytest.raises(SourceError, match="PEM") as caught:
        await call(Door(), f"127.0.0.1:{port}", b"rubbish")
    assert caught.value.reason is FailureReason.TLS


@pytest.mark.parametrize("accepting", [True, False])
async def test_connection_that_never_stands(accepting: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is frozen before TLS hangs; a host that takes no connection is not there."""
    # Waiting out the real limit of five seconds would prove no more.
    monkeypatch.setattr("lnwatch.net.door.CONNECT_TIMEOUT", 0.5)
    roots = make_identity().certificate
    with contextlib.ExitStack() as stack:
        if accepting:
            async with serving(silence) as port:
                with pytest.raises(SourceError) as caught:
                    await call(Door(), f"127.0.0.1:{port}", roots)
        else:
            port = stack.enter_context(full_backlog())
            with pytest.raises(SourceError) as caught:
                await call(Door(), f"127.0.0.1:{port}", roots)
    assert caught.value.reason is (FailureReason.TIMEOUT if accepting else FailureReason.REFUSED)


@pytest.mark.parametrize("case", ["other pin", "expired", "other name", "plain port"])
async def test_untrusted(case: str) -> None:
    """Whatever is wrong with the node's certificate is TLS, with its own words."""
    presented = make_identity(
        address="127.0.0.9" if case == "other name" else "127.0.0.1", end=-DAY / 24 if case == "expired" else DAY
    )
    pinned = make_identity().certificate if case == "other pin" else presented.certificate

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = serving(plain) if case == "plain port" else node(presented)
    async with server as port:
        with pytest.raises(SourceError) as caught:
            await call(Door(), f"127.0.0.1:{port}", pinned)
    words = {"other name": "does not name this host", "plain port": "does not speak TLS"}
    assert caught.value.reason is FailureReason.TLS
    assert words.get(case, "not the expected one, or expired") in caught.value.message


@pytest.mark.parametrize("kind", ["socks5", "socks5h", "http", "https"])
async def test_through_a_proxy(identity: Identity, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node whose name only the proxy knows is reached, its certificate checked by that name."""
    double = ProxyDouble(login=("lnwatch", "hunter2"))
    own = make_identity()
    context = own.server_context(tmp_path) if kind == "https" else None
    if kind == "https":  # the proxy's own certificate must come from a usual authority: make this one usual
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "server.cert"))
    handler = double.socks5 if kind.startswith("socks5") else double.http
    async with node(identity) as target, serving(handler, context) as port:
        door = Door(f"{kind}://lnwatch:hunter2@127.0.0.1:{port}")
        assert await call(door, f"lnd.test:{target}", identity.certificate) == b"cba"
        with pytest.raises(SourceError, match="does not name this host") as caught:
            await call(door, f"other.test:{target}", identity.certificate)
        assert caught.value.reason is FailureReason.TLS
        with pytest.raises(SourceError, match=f"the proxy {kind}://127.0.0.1:{port} does not connect") as caught:
            await call(door, f"gone.refused:{target}", identity.certificate)
        assert caught.value.reason is FailureReason.REFUSED
        await door.close()
    assert double.asked[0].split()[-1] == f"lnd.test:{target}"


async def test_node_behind_a_proxy_comes_back(identity: Identity) -> None:
    """What the proxy said of an earlier try is forgotten once it connects."""
    double = ProxyDouble()
    async with serving(double.socks5) as port:
        door = Door(f"socks5h://127.0.0.1:{port}")
        async with node(identity) as target:
            address = f"lnd.test:{target}"
            assert await call(door, address, identity.certificate) == b"cba"
            with pytest.raises(SourceError) as caught:
                await call(door, address, identity.certificate, "/t/Odd")
            assert caught.value.message.endswith("its own words")
        await door.close()

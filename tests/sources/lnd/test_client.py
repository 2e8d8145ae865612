import asyncio
from contextlib import aclosing

import grpc
import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import state_pb2
from lnwatch.net import Door
from lnwatch.simulator.lnd import READONLY
from lnwatch.simulator.lnd.calls import CALLS
from lnwatch.sources import Place
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.methods import GET_STATE, NEEDED, SUBSCRIBE_STATE
from lnwatch.sources.lnd.settings import LndSettings
from tests.sources.lnd.bench import Bench, ShiftedClock


async def failure_of(bench: Bench) -> FailureReason:
    """Why the node can't be read."""
    with pytest.raises(SourceError) as raised:
        await bench.read("node")
    return raised.value.reason


async def test_macaroon_is_read_again(bench: Bench) -> None:
    """A macaroon that was revoked fails, and its successor is picked up from the file without a restart."""
    weak = bench.directory / "own.macaroon"
    weak.write_bytes(bench.node.bakery.bake(READONLY, root_key_id="7"))
    bench.restart(macaroon_file=str(weak))
    await bench.read("node")
    bench.node.bakery.revoke("7")
    with pytest.raises(SourceError, match="revoked") as raised:
        await bench.read("node")
    assert raised.value.reason is FailureReason.REJECTED
    weak.write_bytes(bench.node.bakery.bake(READONLY, root_key_id="8"))
    await bench.read("node")


async def test_macaroon_as_hex(bench: Bench) -> None:
    """A macaroon may stand in the configuration itself."""
    bench.restart(macaroon=bench.double.macaroon.read_bytes().hex() + "\n")
    await bench.read("node")


@pytest.mark.parametrize(("content", "words"), [(None, "can't read"), (b"", "is empty")])
async def test_macaroon_file_trouble(bench: Bench, content: bytes | None, words: str) -> None:
    """A macaroon file that is gone or empty is our own trouble, and the file is named."""
    path = bench.directory / "own.macaroon"
    if content is not None:
        path.write_bytes(content)
    bench.restart(macaroon_file=str(path))
    with pytest.raises(SourceError, match=words) as raised:
        await bench.read("node")
    assert raised.value.reason is FailureReason.CREDENTIAL_UNREADABLE
    assert str(path) in raised.value.message
    assert bench.asked("GetInfo") == 0


async def test_renewed_certificate(bench: Bench) -> None:
    """A node that comes back with a new certificate is trusted again once its file was replaced."""
    await bench.read("node")
    trusted = bench.double.certificate.read_bytes()
    pinned = bench.directory / "pinned.cert"
    pinned.write_bytes(trusted)
    bench.restart(tls_cert_file=str(pinned))
    await bench.read("node")
    await bench.double.stop()
    bench.double.renew_certificate()
    await bench.double.start()
    for _ in range(100):
        reason = await failure_of(bench)
        if reason is not FailureReason.REFUSED:  # the end of the old connection is noticed first
            break
        await asyncio.sleep(0.2)
    assert reason is FailureReason.TLS
    pinned.write_bytes(bench.double.certificate.read_bytes())
    await bench.read("node")


async def test_streams_of_the_old_connection_end(bench: Bench) -> None:
    """When the certificate to trust changes, streams are cut with a reason, and nobody else is cancelled."""
    pinned = bench.directory / "pinned.cert"
    pinned.write_bytes(bench.double.certificate.read_bytes())
    bench.restart(tls_cert_file=str(pinned))
    async with aclosing(bench.stream("htlcs").listen(bench.ledger)) as readings:
        await anext(readings)
        pinned.write_bytes(bench.double.certificate.read_bytes() + b"\n")
        await bench.read("node")
        with pytest.raises(SourceError, match="made anew"):
            async with asyncio.timeout(5):
                await anext(readings)


async def test_our_own_cancellation_stays_one(bench: Bench) -> None:
    """A run that is given up is cancelled, and not told as a failure of the node."""
    bench.double.faults.hanging.add("GetInfo")
    run = asyncio.create_task(bench.read("node"))
    await asyncio.sleep(0.2)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await bench.read("node")


async def test_cost(bench: Bench) -> None:
    """Calls and bytes are counted as the node counts them."""
    for name in ("node", "channels", "wallet", "peers"):
        await bench.read(name)
    assert bench.source.cost.calls == sum(bench.double.calls.values()) == 4
    assert bench.source.cost.bytes_received == sum(bench.double.bytes_sent.values())


async def test_answer_that_is_none(bench: Bench) -> None:
    """What does not parse is malformed, and the address is named."""
    client = bench.source._client
    with pytest.raises(SourceError, match=bench.double.address) as raised:
        client._parsed(GET_STATE, b"\xff\xff\xff")
    assert raised.value.reason is FailureReason.MALFORMED


async def test_unix_socket(bench: Bench) -> None:
    """A node behind a unix socket is read without TLS."""
    server = grpc.aio.server()

    async def answer(_request: bytes, _context: object) -> bytes:
        return b"\x08\x04"

    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(answer)
    server.add_registered_method_handlers("lnrpc.State", {"GetState": handler})
    where = f"unix:{bench.directory}/lnd.sock"
    server.add_insecure_port(where)
    await server.start()
    clock = ShiftedClock()
    settings = LndSettings.model_validate({"address": where, "macaroon": "00"})
    client = LndClient(Place("main", "ln", clock, Door(clock=clock)), settings)
    assert not client.encrypted
    answered = await client.call(GET_STATE, GET_STATE.request(), seconds=5)
    assert answered.state == state_pb2.SERVER_ACTIVE
    await client.close()
    await server.stop(None)


async def test_closing_twice(bench: Bench) -> None:
    """Closing lets go, also of what was never opened."""
    await bench.read("node")
    await bench.source.close()
    await bench.source.close()


def test_table_of_methods() -> None:
    """The double, written apart from us, knows every call that we make, and asks the same permission for it."""
    for method in (*NEEDED, GET_STATE, SUBSCRIBE_STATE):
        assert CALLS[method.path].permission == method.permission
    assert len({method.path for method in NEEDED}) == len(NEEDED)
    assert all(method.cost for method in NEEDED)

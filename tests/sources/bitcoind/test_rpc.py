import asyncio
import json
from collections.abc import Iterable

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.net import HttpClient
from lnwatch.simulator.bitcoind import User
from lnwatch.sources.bitcoind.rpc import Call, Rpc
from tests.sources.bitcoind.conftest import Bed

TWO = [Call("getblockcount"), Call("getbestblockhash")]
GOOD = [{"result": 20, "error": None, "id": 0}, {"jsonrpc": "2.0", "result": "x", "id": 1}]


def rpc_of(bed: Bed, **settings: object) -> Rpc:
    return bed.make(**settings)._rpc


async def failure_of(rpc: Rpc, calls: Iterable[Call] = TWO) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await rpc.batch(list(calls))
    return caught.value


@pytest.mark.parametrize("version", [240_000, 270_200, 280_000, 310_000])
async def test_batch(bed: Bed, version: int) -> None:
    """A batch is one request, whatever framing the version answers in, and errors stay with their call."""
    bed.node.version = version
    outcomes, seconds = await rpc_of(bed).batch([*TWO, Call("getblockhash", (99,)), Call("nosuch")])
    assert [outcome.result for outcome in outcomes[:2]] == [20, bed.chain.tip.hash]
    assert (outcomes[2].code, outcomes[2].message) == (-8, "Block height out of range")
    failures = [failure.reason for outcome in outcomes if (failure := outcome.failure()) is not None]
    assert failures == [FailureReason.FAILED, FailureReason.UNSUPPORTED]
    assert seconds >= 0
    assert len(bed.double.asked) == 1


async def test_answers_may_come_in_any_order(bed: Bed) -> None:
    """Answers are matched by id, not by place."""
    bed.node.faults.garbage = json.dumps(GOOD[::-1]).encode()
    outcomes, _ = await rpc_of(bed).batch(TWO)
    assert [outcome.result for outcome in outcomes] == [20, "x"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[]",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'[{"id":0,"result":NaN},{"id":1,"result":1}]',
        b'[{"id":0,"result":1e99999999999999999999},{"id":1,"result":1}]',
        b'[{"id":0,"result":' + b"9" * 5_000 + b'},{"id":1,"result":1}]',
        json.dumps(GOOD[:1]).encode(),
        json.dumps([GOOD[0], GOOD[0]]).encode(),
        json.dumps([*GOOD, {"id": 2, "result": 1}]).encode(),
        json.dumps([GOOD[0], {"id": 7, "result": 1}]).encode(),
        json.dumps([GOOD[0], {"id": "1", "result": 1}]).encode(),
        json.dumps([GOOD[0], {"id": 1}]).encode(),
        json.dumps([GOOD[0], {"id": 1, "error": "no"}]).encode(),
        json.dumps([GOOD[0], {"id": 1, "error": {"code": "no"}}]).encode(),
        json.dumps([GOOD[0], 5]).encode(),
    ],
    ids=range(19),
)
async def test_answer_that_breaks_the_protocol(bed: Bed, body: bytes) -> None:
    """Whatever is not exactly one answer per call is MALFORMED, and nothing of it is used."""
    bed.node.faults.garbage = body
    assert (await failure_of(rpc_of(bed))).reason is FailureReason.MALFORMED


async def test_cut_short_and_too_large(bed: Bed) -> None:
    """An answer that ends early or goes over the limit is MALFORMED."""
    bed.node.faults.truncated = True
    assert (await failure_of(rpc_of(bed))).reason is FailureReason.MALFORMED
    bed.node.faults.truncated = False
    bed.node.faults.oversized = 17 * 1024 * 1024
    error = await failure_of(rpc_of(bed))
    assert (error.reason, "over the limit" in error.message) == (FailureReason.MALFORMED, True)


async def test_warm_up(bed: Bed) -> None:
    """While the node starts, every call is STARTING, with the phase in its own words."""
    bed.node.faults.warm_up = "Loading block index…"
    error = await failure_of(rpc_of(bed))
    assert error.reason is FailureReason.STARTING
    assert error.message.endswith("is starting: Loading block index…")


async def test_overload_and_shutdown(bed: Bed) -> None:
    """A full work queue is OVERLOADED; a node that is going down is REFUSED."""
    bed.node.faults.overloaded = True
    assert (await failure_of(rpc_of(bed))).reason is FailureReason.OVERLOADED
    bed.node.faults.overloaded = False
    bed.node.faults.shutting_down = True
    error = await failure_of(rpc_of(bed))
    assert (error.reason, "shutting down" in error.message) == (FailureReason.REFUSED, True)


async def test_hang(bed: Bed) -> None:
    """A node that accepts and says nothing is TIMEOUT before the collector's own deadline."""
    bed.node.faults.hang = asyncio.Event()
    error = await failure_of(rpc_of(bed, deadline="300ms"))
    assert error.reason is FailureReason.TIMEOUT


async def test_nobody_there(bed: Bed) -> None:
    """A node that does not run is REFUSED, also when it took its cookie away at its end."""
    rpc = rpc_of(bed)
    await bed.double.stop()
    assert bed.double.cookie is not None
    assert not bed.double.cookie.exists()
    assert (await failure_of(rpc)).reason is FailureReason.REFUSED
    await bed.double.start()
    bed.double.cookie.unlink()
    error = await failure_of(rpc)
    assert error.reason is FailureReason.CREDENTIAL_UNREADABLE
    assert str(bed.double.cookie) in error.message


async def test_cookie_is_read_again_when_the_node_restarts(bed: Bed) -> None:
    """A restart writes a new cookie, and the very next call succeeds."""
    rpc = rpc_of(bed)
    await rpc.batch(TWO)
    await bed.double.stop()
    await bed.double.start()
    outcomes, _ = await rpc.batch(TWO)
    assert outcomes[0].result == 20


async def test_cookie_that_changes_under_way(bed: Bed) -> None:
    """A cookie written between our reading it and the node's answer is read at once, and asked with again."""
    rpc = rpc_of(bed)
    assert bed.double.cookie is not None
    path = bed.double.cookie
    good = path.read_text()
    path.write_text("__cookie__:old")

    class Rotating:
        """Stands for the moment in which bitcoind writes its cookie: after it was read, before it is compared."""

        def __init__(self, client: HttpClient) -> None:
            self.where = client.where
            self._client = client

        async def request(self, *args: str, content: bytes, headers: dict[str, str]) -> object:
            answer = await self._client.request(*args, content=content, headers=headers)
            path.write_text(good)
            return answer

    connect = rpc._connect

    async def rotating() -> HttpClient:
        return Rotating(await connect())  # type: ignore[return-value]  # it has what is used

    rpc._connect = rotating
    outcomes, _ = await rpc.batch(TWO)
    assert outcomes[0].result == 20


@pytest.mark.parametrize("by_cookie", [True, False])
async def test_wrong_credential(bed: Bed, by_cookie: bool) -> None:
    """A credential that stays wrong is REJECTED after one try, names its file or user, and is not shown."""
    assert bed.double.cookie is not None
    bed.double.cookie.write_text("__cookie__:planted-secret")
    login = {} if by_cookie else {"cookie_file": None, "user": "lnwatch", "password": "planted-secret"}
    error = await failure_of(rpc_of(bed, **login))
    assert error.reason is FailureReason.REJECTED
    assert (str(bed.double.cookie) if by_cookie else "user lnwatch") in error.message
    assert "planted-secret" not in error.message
    assert bed.double.asked == []


async def test_one_request_at_a_time(bed: Bed) -> None:
    """However many collectors ask at once, the node sees one batch after the other."""
    bed.node.faults.hang = asyncio.Event()
    rpc = rpc_of(bed)
    tasks = [asyncio.create_task(rpc.batch(TWO)) for _ in range(3)]
    for _ in range(200):
        await asyncio.sleep(0.001)
    assert len(bed.double.listener.connections) == 1
    bed.node.faults.hang.set()
    await asyncio.gather(*tasks)
    assert len(bed.double.asked) == 3


def weak(*methods: str) -> tuple[User, ...]:
    return (User("lnwatch", "pw", frozenset(methods)),)


LOGIN = {"cookie_file": None, "user": "lnwatch", "password": "pw"}


async def test_whitelist_is_found_out_once(bed: Bed) -> None:
    """One forbidden method fails a batch: the others are answered all the same, and it is not asked again."""
    bed.node.users = weak("getblockcount", "getbestblockhash")
    rpc = rpc_of(bed, **LOGIN)
    for _ in range(2):
        outcomes, _ = await rpc.batch([*TWO, Call("uptime")])
        assert [outcome.result for outcome in outcomes[:2]] == [20, bed.chain.tip.hash]
        failure = outcomes[2].failure()
        assert failure is not None
        assert (failure.reason, failure.permission) == (FailureReason.FORBIDDEN, "uptime")
    assert rpc.forbidden == {"uptime"}
    assert bed.double.methods.count("uptime") == 2  # in the first batch, and by itself


async def test_whitelist_is_tried_again(bed: Bed) -> None:
    """A method that was forbidden is tried again after ten minutes, and at once after a restart."""
    bed.node.users = weak("getblockcount", "getbestblockhash")
    rpc = rpc_of(bed, **LOGIN)
    await rpc.batch([*TWO, Call("uptime")])
    bed.node.users = weak("getblockcount", "getbestblockhash", "uptime")
    assert (await rpc.call("uptime")).forbidden
    await bed.clock.advance(601)
    assert not (await rpc.call("uptime")).forbidden

    bed.node.users = weak("getblockcount")
    assert (await rpc.call("uptime")).forbidden
    bed.node.faults.warm_up = "Loading…"
    await failure_of(rpc)
    bed.node.faults.warm_up = None
    bed.node.users = weak("getblockcount", "uptime")
    assert not (await rpc.call("uptime")).forbidden


@pytest.mark.parametrize("locked_out", [True, False])
async def test_everything_forbidden(bed: Bed, locked_out: bool) -> None:
    """A user without any right, or an address that is not let in, is FORBIDDEN with both named."""
    bed.node.users = (User("lnwatch", "pw"), User("other", "x", frozenset({"uptime"})))
    bed.node.faults.address_refused = not locked_out
    error = await failure_of(rpc_of(bed, **LOGIN), [*TWO, Call("uptime"), Call("getblockchaininfo")])
    assert error.reason is FailureReason.FORBIDDEN
    assert "rpcallowip" in error.message
    assert "rpcwhitelist" in error.message


async def test_cost_is_counted(bed: Bed) -> None:
    """Calls and bytes that came back are counted."""
    source = bed.make()
    await source._rpc.batch(TWO)
    assert source.cost.calls == 2
    assert source.cost.bytes_received > 100


async def test_unix_socket(bed: Bed) -> None:
    """A node behind a unix socket is spoken to in the same way."""
    await bed.double.stop()
    bed.double.unix_socket = bed.double.cookie.with_name("s") if bed.double.cookie else None
    await bed.double.start()
    outcomes, _ = await rpc_of(bed).batch(TWO)
    assert outcomes[0].result == 20

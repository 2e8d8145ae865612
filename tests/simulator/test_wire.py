"""A broken wire, as a client meets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from lnwatch.simulator.wire import ANSWERS, KINDS, BrokenWire
from tests.manual_clock import ManualClock

STATUSES = {
    "wrong_type": 200,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "too_many": 429,
    "bad_gateway": 502,
}
FAILURES: dict[str, tuple[type[Exception], ...]] = {
    "refuse": (httpx.ConnectError,),
    "reset": (httpx.ReadError, httpx.ConnectError),
    "hang": (httpx.ReadTimeout,),
    "trickle": (httpx.ReadTimeout,),
    "truncated": (httpx.RemoteProtocolError,),
}


@asynccontextmanager
async def broken(kind: str) -> AsyncIterator[tuple[str, NbxplorerDouble]]:
    """An address behind a broken wire, and whose it was."""
    clock = ManualClock()
    double = NbxplorerDouble(Indexer(clock, Chain(clock)))
    async with double:
        await double.close()
        wire = BrokenWire(SystemClock(), double.port, kind)
        await wire.start()
        yield f"{double.url}/health", double
        await wire.stop()
        await double.listen()


@pytest.mark.parametrize("kind", [*STATUSES, *FAILURES])
async def test_each_kind_is_met_as_it_is_called(kind: str) -> None:
    """Answers come with their status; where none comes whole the client fails as it does in life."""
    async with broken(kind) as (url, _), httpx.AsyncClient(timeout=0.4) as client:
        if kind in FAILURES:
            with pytest.raises(FAILURES[kind]):
                await client.get(url)
            return
        answer = await client.get(url)
        assert answer.status_code == STATUSES[kind]
        assert answer.headers["content-type"] != "application/json"
        assert ("retry-after" in answer.headers) is (kind == "too_many")


async def test_a_body_may_have_no_end() -> None:
    """It goes on far above what anybody should read."""
    async with broken("oversized") as (url, _), httpx.AsyncClient() as client, client.stream("GET", url) as answer:
        read = 0
        async for block in answer.aiter_bytes():
            read += len(block)
            if read > 20_000_000:
                break
        assert read > 20_000_000


async def test_whose_port_it_was_has_it_back() -> None:
    """What was behind the wire went on meanwhile, and answers on the same address."""
    async with broken("bad_gateway") as (url, double):
        pass
    async with double, httpx.AsyncClient() as client:
        assert (await client.get(url)).json()["status"] == "Healthy"


def test_every_kind_has_an_answer_or_says_nothing() -> None:
    """What is tried here is all that there is."""
    assert {*STATUSES, *FAILURES, "oversized"} == {*KINDS}
    assert {*ANSWERS} == {*STATUSES, "truncated"}


async def test_many_may_hang_at_once() -> None:
    """They are let go when it is over."""
    async with broken("hang") as (url, _), httpx.AsyncClient(timeout=30) as client:
        asking = [asyncio.ensure_future(client.get(url)) for _ in range(5)]
        await asyncio.sleep(0.1)
        assert not any(each.done() for each in asking)
    ended = await asyncio.gather(*asking, return_exceptions=True)
    assert all(isinstance(each, httpx.HTTPError) for each in ended)

"""The double of NBXplorer: its cookie, its states, and how it follows a chain."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from tests.manual_clock import ManualClock


def _indexer(height: int = 20) -> Indexer:
    clock = ManualClock()
    chain = Chain(clock)
    chain.mine(height)
    return Indexer(clock, chain)


async def _ask(double: NbxplorerDouble, path: str, cookie: str | None = None) -> httpx.Response:
    login = {} if cookie is None else {"Authorization": f"Basic {base64.b64encode(cookie.encode()).decode()}"}
    async with httpx.AsyncClient() as client:
        return await client.get(double.url + path, headers=login)


async def test_the_status_is_for_those_with_the_cookie_of_this_start(tmp_path: Path) -> None:
    """401 without it and with that of the start before; health is open to everybody."""
    cookie, indexer = tmp_path / ".cookie", _indexer()
    async with NbxplorerDouble(indexer, cookie) as double:
        old = cookie.read_text()
        answers = [await _ask(double, "/v1/cryptos/BTC/status", each) for each in (None, old)]
        await double.stop()
        await double.start()
        answers += [await _ask(double, "/v1/cryptos/BTC/status", each) for each in (old, cookie.read_text())]
        health = await _ask(double, "/health")
    assert [each.status_code for each in answers] == [401, 200, 401, 200]
    assert old.startswith("__cookie__:")
    assert health.json() == {
        "status": "Healthy",
        "results": {"NodesHealthCheck": {"status": "Healthy", "data": {"BTC": "Ready"}}},
    }


@pytest.mark.parametrize(
    ("behind", "synched", "state"),
    [(0, True, "Ready"), (2, True, "Ready"), (3, False, "Ready"), (5, False, "Ready"), (6, False, "NBXplorerSynching")],
)
async def test_three_blocks_behind_is_not_synchronised_and_six_not_ready(
    behind: int, synched: bool, state: str
) -> None:
    """Degraded is a 200 as well."""
    indexer = _indexer()
    indexer.held_at = 20 - behind
    indexer.notice()
    async with NbxplorerDouble(indexer) as double:
        status = (await _ask(double, "/v1/cryptos/BTC/status")).json()
        health = await _ask(double, "/health")
    assert (status["isFullySynched"], status["syncHeight"], status["chainHeight"]) == (synched, 20 - behind, 20)
    assert (health.status_code, health.json()["results"]["NodesHealthCheck"]["data"]["BTC"]) == (200, state)
    assert health.json()["status"] == ("Healthy" if state == "Ready" else "Degraded")


@pytest.mark.parametrize(
    ("fault", "state", "seen"),
    [
        ("dead", "NotStarted", {"bitcoinStatus": None, "chainHeight": 0, "isFullySynched": False}),
        ("syncing", "CoreSynching", {"chainHeight": 20, "isFullySynched": False}),
        ("fresh", "NBXplorerSynching", {"syncHeight": None, "isFullySynched": False}),
    ],
)
async def test_each_trouble_has_its_state(fault: str, state: str, seen: dict[str, Any]) -> None:
    """Bitcoind away, bitcoind behind its headers, nothing indexed yet."""
    indexer = _indexer()
    if fault == "dead":
        indexer.bitcoind.running = False
    if fault == "syncing":
        indexer.core_behind = 10
    if fault == "fresh":
        indexer.sync_height = None
    async with NbxplorerDouble(indexer) as double:
        status = (await _ask(double, "/v1/cryptos/BTC/status")).json()
    assert {name: status[name] for name in seen} == seen
    assert indexer.state == state


async def test_another_coin_and_another_path_are_not_there() -> None:
    """404 for both, for the coin with its code."""
    async with NbxplorerDouble(_indexer()) as double:
        coin, path = await _ask(double, "/v1/cryptos/LTC/status"), await _ask(double, "/v1/nosuch")
    assert (coin.status_code, coin.json()["code"], path.status_code) == (404, "cryptoCode-not-supported", 404)

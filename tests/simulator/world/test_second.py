"""The second node of a world: its probes meet what customers' payments meet."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.lnd.estimates import INCORRECT_DETAILS, NO_ROUTE, Ways
from lnwatch.simulator.world import shops
from lnwatch.simulator.world.stage import Stage
from tests.simulator.world.worlds import BEGIN

MSAT = 10_000_000
ARRIVED = INCORRECT_DETAILS


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A small shop's, where nothing dies on its way by chance."""
    return Stage(replace(shops("second", BEGIN, corner=20), upstream=0.0), tmp_path)


def ways(stage: Stage) -> Ways:
    found = stage.second.node.ways
    assert found is not None
    return found


async def probe(stage: Stage, msat: int = MSAT) -> int:
    return await ways(stage).probe(stage.node.public_key, msat)


async def later(stage: Stage, seconds: float) -> None:
    await stage.clock.reach(stage.clock.now() + seconds)


async def test_what_dies_upstream(stage: Stage) -> None:
    """Of probes as of payments the share dies that the world says, and what failed is tried again a while later."""
    assert [await probe(stage) for _ in range(20)] == [ARRIVED] * 20
    stage.world.causes.upstream = 0.5
    ended = []
    for _ in range(200):
        ended.append(await probe(stage))
        await later(stage, 100)
    assert ended.count(NO_ROUTE) == pytest.approx(100, abs=30)
    stage.world.causes.upstream = 1.0
    assert await probe(stage) == NO_ROUTE
    stage.world.causes.upstream = 0.0
    await later(stage, 86)
    assert await probe(stage) == NO_ROUTE
    assert await probe(stage, MSAT - 1) == ARRIVED
    await later(stage, 2)
    assert await probe(stage) == ARRIVED


async def test_the_same_seed_the_same_luck(tmp_path: Path) -> None:
    """Two worlds of one seed let the same probes die."""
    luck = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        stage = Stage(shops("luck", BEGIN, corner=20), tmp_path / name)
        stage.world.causes.upstream = 0.4
        ended = []
        for _ in range(30):
            ended.append(await probe(stage))
            ways(stage).forget()
        luck.append(ended)
    assert luck[0] == luck[1]
    assert set(luck[0]) == {NO_ROUTE, ARRIVED}


async def test_what_stands_at_the_end(stage: Stage) -> None:
    """Peers that are away and a locked wallet take nothing; of what does not fit smaller amounts arrive."""
    stage.node.enter(sim.LOCKED)
    assert await probe(stage) == NO_ROUTE
    stage.node.enter(sim.SERVER_ACTIVE)
    ways(stage).forget()
    largest = stage.world.scene.network.largest
    assert await probe(stage, largest + 1) == NO_ROUTE
    assert await probe(stage, largest) == ARRIVED
    for name in stage.world.scene.network.peers:
        stage.world.upkeep.go(name, online=False)
    assert await probe(stage) == NO_ROUTE


async def test_whoever_hangs(stage: Stage) -> None:
    """A frozen peer, or a frozen node, holds a probe until it goes on."""
    (peer, *_) = stage.world.scene.network.peers.values()
    for frozen in (True, False):
        for each in stage.world.scene.network.peers.values():
            each.frozen = frozen
        if not frozen:
            stage.node_gate.freeze()
        asking = asyncio.create_task(probe(stage))
        _, waiting = await asyncio.wait({asking}, timeout=0.3)
        assert waiting == {asking}
        stage.node_gate.thaw()
        for each in stage.world.scene.network.peers.values():
            each.frozen = False
        assert await asyncio.wait_for(asking, 5) == ARRIVED
    assert peer.online


async def test_it_follows_the_chain(stage: Stage) -> None:
    """Its height is everybody's."""
    stage.world.mine()
    await stage.live_through(stage.clock.now() + 60, lambda _: None)
    assert stage.second.node.height == stage.node.height == stage.chain.tip.height

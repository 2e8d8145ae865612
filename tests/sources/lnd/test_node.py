import asyncio

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.model.chain import Network
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.snapshot import TargetReport, TargetState
from lnwatch.sources.lnd.node import network_of
from tests.sources.lnd.bench import Bench, Builder


async def test_status(bench: Bench) -> None:
    """GetInfo arrives whole, and the target is up."""
    bench.node.set_active(1, active=False)
    reading = await bench.read("node")
    facts = reading.facts
    assert isinstance(facts, NodeStatus)
    assert facts.public_key == bench.node.public_key
    assert (facts.alias, facts.network, facts.block_height) == ("merchant", Network.REGTEST, 800_000)
    assert (facts.channels_active, facts.channels_inactive, facts.peers) == (2, 1, 1)
    assert facts.wallet_synced is True
    assert 0 < facts.rpc_seconds < 5
    assert reading.target == TargetReport(TargetState.UP, "0.21.2", supported=True, network=Network.REGTEST)


@pytest.mark.parametrize(
    ("release", "supported", "wallet_synced", "words"),
    [
        ("0.18.5", False, None, "older than 0.19"),
        ("0.19.3", True, None, ""),
        ("0.20.1", True, None, ""),
        ("0.21.2", True, True, ""),
        ("0.22.0", False, True, "newer than 0.21"),
    ],
)
async def test_releases(build: Builder, release: str, supported: bool, wallet_synced: bool | None, words: str) -> None:
    """What a release does not tell is None, and one outside the tested range says so."""
    bench = await build(release=release)
    reading = await bench.read("node")
    assert isinstance(reading.facts, NodeStatus)
    assert reading.target is not None
    assert reading.facts.wallet_synced is wallet_synced
    assert reading.target.supported is supported
    assert words in reading.target.detail


async def test_syncing(bench: Bench) -> None:
    """A node behind its chain serves, but is syncing, and says where it stands."""
    bench.node.synced = False
    target = (await bench.read("node")).target
    assert target is not None
    assert target.state is TargetState.SYNCING
    assert "height 800000" in target.detail


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (sim.LOCKED, FailureReason.LOCKED, "lncli unlock"),
        (sim.NON_EXISTING, FailureReason.LOCKED, "lncli create"),
        (sim.WAITING_TO_START, FailureReason.STARTING, "waits for its turn"),
        (sim.UNLOCKED, FailureReason.STARTING, "starting up"),
    ],
)
async def test_wallet_states(bench: Bench, state: sim.WalletState, reason: FailureReason, words: str) -> None:
    """A locked or starting node is told from a broken one."""
    bench.node.enter(state)
    with pytest.raises(SourceError, match=words) as raised:
        await bench.read("node")
    assert raised.value.reason is reason


async def test_hangs(bench: Bench) -> None:
    """A node that serves its State but not GetInfo hangs, and where to look is said."""
    bench.restart(timeout="1s")
    bench.double.faults.hanging.add("GetInfo")
    with pytest.raises(SourceError, match="bitcoind") as raised:
        await bench.read("node")
    assert raised.value.reason is FailureReason.TIMEOUT
    assert bench.asked("GetState") == 1


async def test_hangs_altogether(bench: Bench) -> None:
    """A node that is frozen as a whole hangs too."""
    bench.restart(timeout="1s", node_interval="5s")
    await bench.read("node")
    bench.double.faults.hanging.add("*")
    with pytest.raises(SourceError) as raised:
        await bench.read("node")
    assert raised.value.reason is FailureReason.TIMEOUT


async def test_hangs_while_locked(bench: Bench) -> None:
    """Where GetInfo says nothing, the State service is believed."""
    bench.restart(timeout="1s")
    bench.double.faults.hanging.add("GetInfo")
    run = asyncio.create_task(bench.read("node"))
    await asyncio.sleep(0.3)
    bench.node.enter(sim.LOCKED)
    with pytest.raises(SourceError) as raised:
        await run
    assert raised.value.reason is FailureReason.LOCKED


async def test_down(bench: Bench) -> None:
    """A node that is gone is not asked for its state as well."""
    source = bench.source
    await bench.double.stop()
    with pytest.raises(SourceError) as raised:
        await bench.read("node")
    assert raised.value.reason is FailureReason.REFUSED
    assert source.cost.calls == 1


async def test_state_is_asked_only_when_needed(bench: Bench) -> None:
    """While the node answers, its State service is left alone."""
    for _ in range(3):
        await bench.read("node")
    assert bench.asked("GetState") == 0


async def test_everyone_may_ask_when_the_node_is_back(bench: Bench) -> None:
    """After a failure the other collectors wait for no slot."""
    await bench.read("node")
    hints = bench.source._node.hints
    assert hints.take("wallet")
    await bench.read("node")
    assert not hints.take("wallet")
    bench.node.enter(sim.LOCKED)
    with pytest.raises(SourceError):
        await bench.read("node")
    bench.node.enter(sim.SERVER_ACTIVE)
    await bench.read("node")
    assert hints.take("wallet")


async def test_certificate_end(bench: Bench) -> None:
    """The source knows when the certificate ends that the node presents."""
    assert bench.source.tls_expires_at is None
    await bench.read("node")
    assert bench.source.tls_expires_at == pytest.approx(bench.clock.now() + 425 * 86_400, abs=600)


def test_unknown_network() -> None:
    """A network that has no name here is refused rather than mistaken for another."""
    with pytest.raises(SourceError, match="simnet"):
        network_of(ln.GetInfoResponse(chains=[ln.Chain(network="simnet")]))

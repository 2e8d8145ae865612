import json
from dataclasses import replace
from decimal import Decimal

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import BitcoindStatus, FeeEstimate, Network
from lnwatch.model.snapshot import Reading, TargetReport, TargetState
from lnwatch.simulator.bitcoind import User, methods
from lnwatch.sources.bitcoind import Bitcoind
from lnwatch.sources.bitcoind.rpc import Call, Outcome
from lnwatch.sources.bitcoind.status import CHAIN
from tests.sources.bitcoind.conftest import Bed

BASIC = frozenset({"getblockchaininfo", "getnetworkinfo"})


async def read(source: Bitcoind, bed: Bed) -> Reading:
    return await source.collectors[0].collect(bed.ledger)


async def status(bed: Bed, **settings: object) -> tuple[BitcoindStatus, TargetReport]:
    reading = await read(bed.make(**settings), bed)
    assert isinstance(reading.facts, BitcoindStatus)
    assert reading.target is not None
    return reading.facts, reading.target


async def test_facts(bed: Bed) -> None:
    """Everything that the node tells comes out whole, fees exact in sat/vB."""
    bed.node.fees = {2: Decimal("0.00012345"), 6: Decimal("0.000001")}
    bed.node.warnings = ("one", "two")
    bed.node.peers_in, bed.node.peers_out = 3, 10
    bed.chain.broadcast()
    await bed.clock.advance(90)
    facts, target = await status(bed)
    tip = bed.chain.tip
    assert replace(facts, rpc_seconds=0.0) == BitcoindStatus(
        chain=Network.REGTEST,
        version=310_000,
        subversion="/Satoshi:31.0.0/",
        blocks=20,
        headers=20,
        tip_hash=tip.hash,
        tip_time=tip.time,
        verification_progress=1.0,
        initial_block_download=False,
        size_on_disk=6_300,
        pruned=False,
        prune_height=None,
        peers_in=3,
        peers_out=10,
        network_active=True,
        mempool_transactions=1,
        mempool_vbytes=141,
        mempool_usage=1_264,
        mempool_max=300_000_000,
        mempool_min_fee=Decimal("0.1"),
        fees=(FeeEstimate(2, Decimal("12.345")), FeeEstimate(6, Decimal("0.1")), FeeEstimate(144, None)),
        warnings=("one", "two"),
        uptime=90,
        rpc_seconds=0.0,
        clock_offset=0.5,  # the double's Date header is exact, ours adds what a real one cuts off
    )
    assert target == TargetReport(TargetState.UP, "31.0", supported=True, network=Network.REGTEST)


@pytest.mark.parametrize(
    ("version", "warnings", "expected"),
    [
        (310_000, ("a", "b"), ("a", "b")),
        (310_000, (), ()),
        (280_000, ("a",), ("a",)),
        (270_200, ("a", "b"), ("b",)),
        (270_200, (), ()),
        (240_001, ("a",), ("a",)),
    ],
)
async def test_versions(bed: Bed, version: int, warnings: tuple[str, ...], expected: tuple[str, ...]) -> None:
    """Warnings are read as the list of 28 and later and as the string before; no version lacks a field."""
    bed.node.version, bed.node.warnings = version, warnings
    facts, target = await status(bed)
    assert facts.warnings == expected
    assert target.supported


@pytest.mark.parametrize("version", [230_000, 320_000])
async def test_other_versions(bed: Bed, version: int) -> None:
    """A version outside 24 to 31 is read all the same, and marked."""
    bed.node.version = version
    _, target = await status(bed)
    assert not target.supported


async def test_pruned(bed: Bed) -> None:
    """A pruned node tells from where on it has blocks."""
    bed.node.prune_height = 12
    facts, _ = await status(bed)
    assert (facts.pruned, facts.prune_height) == (True, 12)


@pytest.mark.parametrize(
    ("download", "ahead", "state", "words"),
    [
        (False, 0, TargetState.UP, ""),
        (False, 2, TargetState.UP, ""),
        (False, 3, TargetState.SYNCING, "3 blocks behind the headers that it knows"),
        (True, 0, TargetState.SYNCING, "initial download: block 20 of 20, 42.0%"),
        (True, 900, TargetState.SYNCING, "initial download: block 20 of 920, 42.0%"),
    ],
)
async def test_syncing(bed: Bed, download: bool, ahead: int, state: TargetState, words: str) -> None:
    """Initial download and blocks behind the headers are SYNCING; a block or two on their way are not."""
    bed.node.initial_block_download, bed.node.headers_ahead = download, ahead
    bed.node.verification_progress = Decimal("0.42")
    _, target = await status(bed)
    assert (target.state, target.detail) == (state, words)


async def test_fees_are_asked_for_once_a_minute_or_at_a_new_tip(bed: Bed) -> None:
    """Estimates are kept for a minute while the tip stands, and asked for anew when it moves."""
    source = bed.make()

    async def asked() -> int:
        before = bed.double.methods.count("estimatesmartfee")
        await read(source, bed)
        return bed.double.methods.count("estimatesmartfee") - before

    assert await asked() == 3
    await bed.clock.advance(59)
    assert await asked() == 0
    bed.chain.mine()
    assert await asked() == 3
    await bed.clock.advance(59)
    assert await asked() == 0
    await bed.clock.advance(1)
    assert await asked() == 3


async def test_new_tip_wakes_the_follower_of_blocks(bed: Bed) -> None:
    """The collector `blocks` is woken by another tip, also at the same height, and by nothing else."""
    source = bed.make()
    assert (await read(source, bed)).wakes == frozenset()
    assert (await read(source, bed)).wakes == frozenset()
    bed.chain.mine()
    assert (await read(source, bed)).wakes == {"blocks"}
    bed.chain.reorganise(1, 1)
    assert (await read(source, bed)).wakes == {"blocks"}


async def test_whitelist_without_the_rest(bed: Bed) -> None:
    """With the two essential methods alone there are facts, None for what is missing, and it is said."""
    bed.node.users = (User("lnwatch", "pw", BASIC),)
    facts, target = await status(bed, cookie_file=None, user="lnwatch", password="pw")
    assert (facts.blocks, facts.mempool_transactions, facts.mempool_min_fee, facts.uptime) == (20, None, None, None)
    assert facts.fees == tuple(FeeEstimate(target, None) for target in (2, 6, 144))
    assert target.state is TargetState.UP
    assert target.detail == (
        "its rpcwhitelist lacks estimatesmartfee, getmempoolinfo, uptime: what they tell is missing"
    )


@pytest.mark.parametrize("lacking", sorted(BASIC))
async def test_whitelist_without_the_essential(bed: Bed, lacking: str) -> None:
    """Without an essential method there is no status, and the method is named as the missing permission."""
    bed.node.users = (User("lnwatch", "pw", (BASIC | {"uptime"}) - {lacking}),)
    with pytest.raises(SourceError) as caught:
        await status(bed, cookie_file=None, user="lnwatch", password="pw")
    assert (caught.value.reason, caught.value.permission) == (FailureReason.FORBIDDEN, lacking)


async def test_no_mempool(bed: Bed) -> None:
    """A node without a mempool has no mempool figures and no estimates, and is up."""
    bed.node.mempool_disabled = True
    facts, target = await status(bed)
    assert (facts.mempool_usage, facts.fees[0].sat_per_vbyte, target.state) == (None, None, TargetState.UP)


async def test_expected_network(bed: Bed) -> None:
    """A node on another chain than the configured one gives no facts."""
    with pytest.raises(SourceError, match="is on regtest, the configuration says main"):
        await status(bed, network="main")
    facts, _ = await status(bed, network="regtest")
    assert facts.chain is Network.REGTEST


async def test_unknown_chain(bed: Bed) -> None:
    """A chain that is not Bitcoin's is UNSUPPORTED."""
    bed.node.network = "liquidv1"
    with pytest.raises(SourceError, match="liquidv1") as caught:
        await status(bed)
    assert caught.value.reason is FailureReason.UNSUPPORTED


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("blocks", -1),
        ("blocks", 1.0),
        ("blocks", 2**70),
        ("blocks", "20"),
        ("blocks", True),
        ("bestblockhash", "xyz"),
        ("initialblockdownload", 0),
        ("verificationprogress", "1"),
        ("warnings", 5),
        ("chain", None),
    ],
)
async def test_unknown_shape(bed: Bed, field: str, value: object) -> None:
    """A field of another type or out of range is MALFORMED and named."""
    answer = methods.call(bed.node, "getblockchaininfo", []) | {field: value}
    outcome = Outcome(Call("getblockchaininfo"), "btc:8332", result=json.loads(json.dumps(answer), parse_float=Decimal))
    with pytest.raises(SourceError, match=f"getblockchaininfo in an unknown shape: {field}") as caught:
        outcome.read(CHAIN)
    assert caught.value.reason is FailureReason.MALFORMED

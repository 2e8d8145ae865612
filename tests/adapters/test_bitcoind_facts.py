"""What lnwatch's own source makes of a bitcoind: the same facts over the simulator and over the real one."""

import time
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from lnwatch.clock import SystemClock
from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import BitcoindStatus, Block, Network, Reorganisation
from lnwatch.model.snapshot import TargetState
from lnwatch.net import Door
from lnwatch.simulator.bitcoind.node import PRE_RELEASE
from lnwatch.sources import Collector, Place, Scope
from lnwatch.sources.bitcoind import SOURCE, Bitcoind
from tests.adapters.cores import FEW, PASSWORD, WEAK, Core
from tests.sources.bitcoind.ledger import Ledger

Opener = Callable[..., Bitcoind]
NEEDED = {"getmempoolinfo", "estimatesmartfee", "getblockhash", "getblockheader", "getblock", "getmempoolentry"}


@pytest.fixture
async def source(core: Core) -> AsyncIterator[Opener]:
    """Opens sources with the cookie, or with other settings in its place."""
    opened: list[Bitcoind] = []
    clock = SystemClock()

    def make(**credential: object) -> Bitcoind:
        url = f"http://127.0.0.1:{core.port}"
        settings = SOURCE.settings.model_validate({"url": url, **(credential or {"cookie_file": str(core.cookie)})})
        made = SOURCE.open(Place("main", "core", clock, Door(clock=clock)), settings)
        assert isinstance(made, Bitcoind)
        opened.append(made)
        return made

    yield make
    for each in opened:
        await each.close()


def collector(source: Bitcoind, name: str) -> Collector:
    return next(each for each in source.collectors if each.name == name)


async def status(source: Bitcoind) -> BitcoindStatus:
    reading = await collector(source, "status").collect(Ledger())
    assert isinstance(reading.facts, BitcoindStatus)
    return reading.facts


async def test_status(core: Core, source: Opener) -> None:
    """The node's state in every field, before and after a transaction waits."""
    core.mine(1)
    opened = source()
    reading = await collector(opened, "status").collect(Ledger())
    found = reading.facts
    assert isinstance(found, BitcoindStatus)
    assert (found.chain, found.blocks, found.headers, found.tip_hash) == (
        Network.REGTEST,
        core.height(),
        core.height(),
        core.tip(),
    )
    assert (found.version, found.subversion) == (319_900, "/Satoshi:31.99.0/")
    assert (found.initial_block_download, found.verification_progress) == (False, 1.0)
    assert (found.pruned, found.prune_height) == (False, None)
    assert (found.peers_in, found.peers_out, found.network_active) == (0, 0, True)
    assert (found.mempool_transactions, found.mempool_vbytes) == (0, 0)
    assert (found.mempool_max, found.mempool_min_fee) == (300_000_000, Decimal("0.1"))
    assert [(fee.target_blocks, fee.sat_per_vbyte) for fee in found.fees] == [(2, None), (6, None), (144, None)]
    assert found.warnings == (PRE_RELEASE,)
    assert found.tip_time == pytest.approx(time.time(), abs=300)
    assert found.clock_offset == pytest.approx(0.0, abs=2)
    assert reading.target is not None
    assert (reading.target.state, reading.target.version, reading.target.supported) == (TargetState.UP, "31.99", True)
    core.broadcast()
    after = await status(opened)
    assert after.mempool_transactions == 1
    assert after.mempool_vbytes


async def test_blocks_are_followed(core: Core, source: Opener) -> None:
    """A watched transaction is seen waiting, in its block, and waiting again once a reorganisation undid that."""
    ledger, blocks = Ledger(), collector(source(), "blocks")
    await ledger.run(blocks)
    newest = max(ledger.chain)
    assert ledger.chain[newest].hash == core.tip()
    txid = core.broadcast()
    ledger.watch(txid, time.time())
    await ledger.run(blocks)
    assert [sighting.txid for sighting in ledger.sightings] == [txid]
    core.mine(2)
    (reading,) = await ledger.run(blocks)
    found = [event for event in reading.events if isinstance(event, Block)]
    assert [(block.height, block.txids) for block in found] == [(newest + 1, (txid,)), (newest + 2, ())]
    assert [block.previous_hash for block in found] == [ledger.chain[newest].hash, found[0].hash]
    assert ledger.watch_list[txid].block_height == newest + 1
    core.reorganise(2)
    (reading, *_) = await ledger.run(blocks)
    (undone,) = [event for event in reading.events if isinstance(event, Reorganisation)]
    assert (undone.depth, undone.fork_height) == (2, newest)
    assert (undone.old_tip, undone.new_tip) == (found[1].hash, core.tip())
    assert ledger.watch_list[txid].block_height is None
    core.mine(1)
    await ledger.run(blocks)
    assert ledger.watch_list[txid].block_height == newest + 4


async def test_rejected(source: Opener, tmp_path: Path) -> None:
    """With another node's cookie nothing is read, and the source says why."""
    cookie = tmp_path / "other"
    cookie.write_text("__cookie__:" + "0" * 64)
    with pytest.raises(SourceError) as rejected:
        await status(source(cookie_file=str(cookie)))
    assert rejected.value.reason is FailureReason.REJECTED
    checkup = await source(cookie_file=str(cookie)).check()
    assert (checkup.reachable, checkup.state, checkup.scope) == (True, TargetState.REJECTED, Scope.UNKNOWN)


async def test_weak(source: Opener) -> None:
    """A whitelist that lacks something leaves what the rest tells, and what is missing is named."""
    opened = source(user=WEAK, password=PASSWORD)
    reading = await collector(opened, "status").collect(Ledger())
    found = reading.facts
    assert isinstance(found, BitcoindStatus)
    assert found.blocks
    assert (found.mempool_transactions, {fee.sat_per_vbyte for fee in found.fees}) == (None, {None})
    assert reading.target is not None
    assert reading.target.detail == (
        "its rpcwhitelist lacks estimatesmartfee, getmempoolinfo: what they tell is missing"
    )
    with pytest.raises(SourceError) as forbidden:
        await collector(opened, "blocks").collect(Ledger())
    assert forbidden.value.reason is FailureReason.FORBIDDEN
    checkup = await opened.check()
    assert checkup.scope is Scope.TOO_LITTLE
    assert {method for method, _ in checkup.missing} == NEEDED
    assert not NEEDED & set(FEW)


async def test_checked(source: Opener) -> None:
    """The cookie does, and may do more than lnwatch needs."""
    checkup = await source().check()
    assert (checkup.reachable, checkup.state, checkup.version) == (True, TargetState.UP, "31.99")
    assert (checkup.scope, checkup.missing, checkup.problems) == (Scope.TOO_MUCH, (), ())
    assert checkup.excess == ("the cookie may do everything with this node, and could stop it",)
    assert (checkup.network, checkup.synced, checkup.supported) == (Network.REGTEST, True, True)

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.chain import Block, Reorganisation
from lnwatch.model.snapshot import Reading
from lnwatch.simulator.bitcoind import User
from lnwatch.sources.bitcoind import Bitcoind
from lnwatch.sources.bitcoind.blocks import PAGE
from tests.sources.bitcoind.conftest import Bed


async def follow(source: Bitcoind, bed: Bed) -> list[Reading]:
    return await bed.ledger.run(source.collectors[1])


def hashes(bed: Bed) -> list[str]:
    """The ledger's chain, oldest first."""
    return [bed.ledger.chain[height].hash for height in sorted(bed.ledger.chain)]


def truth(bed: Bed, first: int = 0) -> list[str]:
    return [block.hash for block in bed.chain.active[first:]]


async def test_first_start(bed: Bed) -> None:
    """The very first run begins ten blocks below the tip, not at the first block."""
    await follow(bed.make(), bed)
    assert hashes(bed) == truth(bed, 10)
    tip = bed.chain.tip
    assert bed.ledger.chain[20] == Block(20, tip.hash, tip.previous_hash, tip.time, bed.clock.now())
    assert bed.ledger.reorganisations == []


async def test_short_chain(bed: Bed) -> None:
    """A chain of three blocks is read from the first, which follows none."""
    bed.chain.cut(18)
    await follow(bed.make(), bed)
    assert hashes(bed) == truth(bed)
    assert bed.ledger.chain[0].previous_hash == ""


async def test_nothing_new_costs_one_call(bed: Bed) -> None:
    """While the tip stands and nothing is watched, a run is a single cheap call."""
    source = bed.make()
    await follow(source, bed)
    before = len(bed.double.methods)
    readings = await follow(source, bed)
    assert bed.double.methods[before:] == ["getblockchaininfo"]
    assert readings == [Reading()]


async def test_new_blocks(bed: Bed) -> None:
    """New blocks follow the known ones; without a watch list no block is read whole."""
    source = bed.make()
    await follow(source, bed)
    bed.chain.mine(3)
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    assert "getblock" not in bed.double.methods
    assert bed.ledger.reorganisations == []


async def test_long_absence_is_caught_up_in_pages(bed: Bed) -> None:
    """After days away everything is read in pages of bounded size, none lost, across a restart too."""
    await follow(bed.make(), bed)
    bed.chain.mine(3 * PAGE + 7)
    readings = await follow(bed.make(), bed)
    assert [len(reading.events) for reading in readings] == [PAGE, PAGE, PAGE, 7]
    assert hashes(bed) == truth(bed, 10)


async def test_initial_download_is_no_news(bed: Bed) -> None:
    """While the node downloads the past, no block is told."""
    bed.node.initial_block_download = True
    assert await follow(bed.make(), bed) == [Reading()]


@pytest.mark.parametrize(("depth", "length"), [(1, 1), (1, 2), (3, 4), (6, 2), (12, 13)])
async def test_reorganisation(bed: Bed, depth: int, length: int) -> None:
    """A reorganisation of any depth is told once, with its fork, and the new branch replaces the old."""
    source = bed.make()
    await follow(source, bed)
    bed.chain.mine(5)
    await follow(source, bed)
    old_tip = bed.chain.tip.hash
    bed.chain.reorganise(depth, length)
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    assert bed.ledger.reorganisations == [
        Reorganisation(bed.clock.now(), depth, 25 - depth, old_tip, bed.chain.tip.hash)
    ]
    await follow(source, bed)
    assert len(bed.ledger.reorganisations) == 1


async def test_reorganisation_deeper_than_what_is_known(bed: Bed) -> None:
    """When every known block is gone, all of them are counted and reading begins at the oldest."""
    source = bed.make()
    await follow(source, bed)
    bed.chain.reorganise(15, 17)
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    assert [event.depth for event in bed.ledger.reorganisations] == [11]


async def test_chain_cut_back(bed: Bed) -> None:
    """Blocks that were invalidated without a successor are gone; on the way forward after a crash they are not."""
    source = bed.make()
    await follow(source, bed)
    gone = bed.chain.cut(2)
    bed.node.headers_ahead = 2
    assert await follow(source, bed) == [Reading()]
    bed.node.headers_ahead = 0
    seen_at = bed.ledger.chain[18].seen_at
    await bed.clock.advance(100)
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    assert [event.depth for event in bed.ledger.reorganisations] == [len(gone)]
    assert bed.ledger.chain[18].seen_at == seen_at


async def test_chain_rebuilt_from_far_below(bed: Bed) -> None:
    """A node that builds its chain anew (reindex) is no reorganisation."""
    source = bed.make()
    await follow(source, bed)
    kept = list(bed.chain.active)
    del bed.chain.active[5:]
    bed.node.headers_ahead = 15
    assert await follow(source, bed) == [Reading()]
    bed.chain.active[5:] = kept[5:]
    bed.node.headers_ahead = 0
    bed.chain.mine()
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    assert bed.ledger.reorganisations == []


async def test_watched_transaction_is_seen_then_confirmed(bed: Bed) -> None:
    """A watched transaction is told when it is in the mempool, once, and then with its block."""
    source = bed.make()
    await follow(source, bed)
    txid, other = bed.chain.broadcast(), bed.chain.broadcast()
    bed.ledger.watch(txid, bed.clock.now())
    await follow(source, bed)
    seen_at = bed.clock.now()
    await bed.clock.advance(15)
    await follow(source, bed)
    assert [sighting.at for sighting in bed.ledger.sightings] == [seen_at]
    bed.chain.mine()
    await follow(source, bed)
    entry = bed.ledger.watch_list[txid]
    assert (entry.first_seen_at, entry.block_height) == (seen_at, 21)
    assert other not in bed.ledger.watch_list
    assert bed.double.methods.count("getblock") == 1


async def test_watched_transaction_across_a_reorganisation(bed: Bed) -> None:
    """Confirmed, unconfirmed by a reorganisation, and confirmed again at another height."""
    source = bed.make()
    await follow(source, bed)
    txid = bed.chain.broadcast()
    bed.ledger.watch(txid, bed.clock.now())
    await follow(source, bed)
    bed.chain.mine()
    await follow(source, bed)
    assert bed.ledger.watch_list[txid].block_height == 21
    bed.chain.reorganise(1, 2)
    await follow(source, bed)
    assert bed.ledger.watch_list[txid].block_height is None
    bed.chain.mine()
    await follow(source, bed)
    assert bed.ledger.watch_list[txid].block_height == 23
    assert len(bed.ledger.sightings) == 1


async def test_transaction_learnt_of_after_its_block(bed: Bed) -> None:
    """A transaction that comes onto the watch list after its block was read is found in it, and only sought once."""
    source = bed.make()
    await follow(source, bed)
    txid, absent = bed.chain.broadcast(), "ab" * 32
    bed.chain.mine(4)
    await follow(source, bed)
    await bed.clock.advance(3_600)
    bed.ledger.watch(txid, bed.clock.now())
    bed.ledger.watch(absent, bed.clock.now())
    await follow(source, bed)
    assert bed.ledger.watch_list[txid].block_height == 21
    assert hashes(bed) == truth(bed, 10)
    reads = bed.double.methods.count("getblock")
    await follow(source, bed)
    assert bed.double.methods.count("getblock") == reads


async def test_transaction_in_the_mempool_is_not_sought_in_old_blocks(bed: Bed) -> None:
    """What is in the mempool now is in no block: none is read for it."""
    source = bed.make()
    await follow(source, bed)
    await bed.clock.advance(3_600)
    bed.ledger.watch(bed.chain.broadcast(), bed.clock.now())
    await follow(source, bed)
    await follow(source, bed)
    assert "getblock" not in bed.double.methods


async def test_chain_that_changes_while_it_is_read(bed: Bed) -> None:
    """Blocks that don't follow each other are not told; the next run tells what then is true."""
    source = bed.make()
    await follow(source, bed)
    bed.chain.mine(2)
    ask = source._rpc.batch

    async def changing(calls: list[object]) -> object:
        answer = await ask(calls)  # type: ignore[arg-type]  # handed through
        if getattr(calls[0], "method", "") == "getblockhash" and len(calls) == 2:
            bed.chain.reorganise(3, 4)
            source._rpc.batch = ask  # type: ignore[method-assign]  # once is enough
        return answer

    source._rpc.batch = changing  # type: ignore[method-assign,assignment]  # the moment between two requests
    await follow(source, bed)
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)


async def test_pruned_blocks(bed: Bed) -> None:
    """A block that the node has thrown away is told without its transactions, and that is said."""
    source = bed.make()
    await follow(source, bed)
    bed.ledger.watch(bed.chain.broadcast(), bed.clock.now())
    bed.chain.mine(30)
    bed.node.prune_height = 40
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    reading = await source.collectors[0].collect(bed.ledger)
    assert reading.target is not None
    assert "block 39 can't be read (Block not available (pruned data))" in reading.target.detail


BASIC = {"getblockchaininfo", "getnetworkinfo", "getmempoolinfo", "uptime", "estimatesmartfee"}
LOGIN = {"cookie_file": None, "user": "lnwatch", "password": "pw"}


async def test_whitelist_without_blocks(bed: Bed) -> None:
    """Without getblockhash blocks can't be followed: FORBIDDEN, and the method is named."""
    bed.node.users = (User("lnwatch", "pw", frozenset(BASIC)),)
    with pytest.raises(SourceError) as caught:
        await follow(bed.make(**LOGIN), bed)
    assert (caught.value.reason, caught.value.permission) == (FailureReason.FORBIDDEN, "getblockhash")


async def test_whitelist_without_getblock(bed: Bed) -> None:
    """Without getblock and getmempoolentry the chain is followed all the same, and it is said what is not."""
    bed.node.users = (User("lnwatch", "pw", frozenset(BASIC | {"getblockhash", "getblockheader"})),)
    source = bed.make(**LOGIN)
    bed.ledger.watch(bed.chain.broadcast(), bed.clock.now())
    await follow(source, bed)
    assert hashes(bed) == truth(bed, 10)
    reading = await source.collectors[0].collect(bed.ledger)
    assert reading.target is not None
    assert "without getblock it can't be seen" in reading.target.detail

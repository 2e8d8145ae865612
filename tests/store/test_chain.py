from lnwatch.model.chain import Block, MempoolSighting, Reorganisation, WatchedTransaction
from lnwatch.model.lightning import PendingChannels, PendingState
from lnwatch.model.money import Msat
from lnwatch.store import Ledger, LedgerSettings
from tests.store.stories import NOW, SITE, block, entry, pending, rows

CORE = "core"


async def tell(ledger: Ledger, *events: Block | MempoolSighting, source: str = CORE) -> None:
    await ledger.append([entry(*events, source=source, collector="blocks")])


async def chain(ledger: Ledger, source: str = CORE) -> list[str]:
    """Hashes, newest first."""
    return [each.hash for each in await ledger.memory(SITE, source).blocks(10)]


async def watched(ledger: Ledger) -> dict[str, tuple[float | None, int | None, str | None]]:
    entries = await ledger.memory(SITE, CORE).watched()
    return {each.txid: (each.first_seen_at, each.block_height, each.block_hash) for each in entries}


async def test_chain_grows(ledger: Ledger) -> None:
    """Blocks extend the chain of their source; it is told newest first, as it was stored."""
    await tell(ledger, block(100), block(101, txids=("t1", "t2")))
    await tell(ledger, block(102))
    memory = ledger.memory(SITE, CORE)
    assert await memory.blocks(2) == (block(102), block(101, txids=("t1", "t2")))
    assert await chain(ledger, "other") == []


async def test_block_at_a_known_height_cuts(ledger: Ledger) -> None:
    """A block at a known height replaces it and everything above."""
    await tell(ledger, *(block(height) for height in range(100, 105)))
    await tell(ledger, block(102, "b", "a101"), block(103, "b"))
    assert await chain(ledger) == ["b103", "b102", "a101", "a100"]
    await tell(ledger, block(101, "c", "a100"))
    assert await chain(ledger) == ["c101", "a100"]


async def test_block_told_again(ledger: Ledger) -> None:
    """A block that is known at its height disconnects nothing; a batch told again ends in the same chain."""
    await tell(ledger, *(block(height) for height in range(100, 105)))
    await tell(ledger, block(101))
    assert len(await chain(ledger)) == 5
    batch = (block(103), block(103, "b", "a102"), block(104, "b"))
    await tell(ledger, *batch)
    await tell(ledger, *batch)
    assert await chain(ledger) == ["b104", "b103", "a102", "a101", "a100"]


async def test_parent_that_is_another(ledger: Ledger) -> None:
    """A block whose parent is not the one we had shows that this one is off the chain."""
    await tell(ledger, block(100), block(101))
    await tell(ledger, block(102, "b"))
    assert await chain(ledger) == ["b102", "a100"]


async def test_gap_in_heights(ledger: Ledger) -> None:
    """After a long absence the chain goes on higher up."""
    await tell(ledger, block(100))
    await tell(ledger, block(900))
    assert await chain(ledger) == ["a900", "a100"]


async def test_confirmation_and_reorganisation(ledger: Ledger) -> None:
    """A watched transaction confirms with its block, is unconfirmed with it, and confirms again."""
    await ledger.watch(SITE, ["t1", "t2", "t1"], NOW)
    await tell(ledger, MempoolSighting("t1", NOW + 9.5), MempoolSighting("t1", NOW + 7.5), MempoolSighting("zz", NOW))
    await tell(ledger, block(100), block(101, txids=("t1", "unwatched")))
    assert await watched(ledger) == {"t1": (NOW + 7.5, 101, "a101"), "t2": (None, None, None)}
    await tell(ledger, block(101, "b", "a100"))
    assert (await watched(ledger))["t1"] == (NOW + 7.5, None, None)
    await tell(ledger, block(102, "b", txids=("t1", "t2")))
    assert await watched(ledger) == {"t1": (NOW + 7.5, 102, "b102"), "t2": (None, 102, "b102")}


async def test_reorganisation_within_a_batch(ledger: Ledger) -> None:
    """The same, told in one batch: it is applied in the order in which it was told."""
    await ledger.watch(SITE, ["t1", "t2"], NOW)
    await tell(
        ledger,
        block(100),
        block(101, txids=("t1",)),
        block(102, txids=("t2",)),
        block(101, "b", "a100", txids=("t2",)),
        MempoolSighting("t1", NOW + 1.0),
    )
    assert await watched(ledger) == {"t1": (NOW + 1.0, None, None), "t2": (None, 101, "b101")}


async def test_second_telling_confirms(ledger: Ledger) -> None:
    """A block told again for a transaction that was put on the list later confirms it."""
    await tell(ledger, block(100), block(101))
    await ledger.watch(SITE, ["t1"], NOW)
    await tell(ledger, block(100, txids=("t1",)))
    assert (await watched(ledger))["t1"] == (None, 100, "a100")
    assert await chain(ledger) == ["a101", "a100"]


async def test_another_source_behind(ledger: Ledger) -> None:
    """One source's old branch does not unconfirm what another confirmed in its place."""
    await ledger.watch(SITE, ["t1"], NOW)
    await tell(ledger, block(100, txids=("t1",)), source="slow")
    await tell(ledger, block(100, "b", "z99", txids=("t1",)))
    await tell(ledger, block(100, "b", "z99"), source="slow")
    assert (await watched(ledger))["t1"] == (None, 100, "b100")


async def test_watching_twice(ledger: Ledger) -> None:
    """Put on the list again an entry stays as it is."""
    await ledger.watch(SITE, ["t1"], NOW)
    await tell(ledger, block(100, txids=("t1",)))
    await ledger.watch(SITE, ["t1"], NOW + 5)
    assert await ledger.memory(SITE, CORE).watched() == (WatchedTransaction("t1", NOW, None, 100, "a100"),)
    assert await ledger.memory("other", CORE).watched() == ()


async def test_buried_are_forgotten(ledger: Ledger) -> None:
    """Under a hundred blocks a transaction is watched no longer; its row stays."""
    await ledger.watch(SITE, ["t1"], NOW)
    await tell(ledger, block(100, txids=("t1",)), block(199))
    assert "t1" in await watched(ledger)
    await tell(ledger, block(200))
    assert await watched(ledger) == {}


async def test_pending_channels_are_watched(ledger: Ledger, settings: LedgerSettings) -> None:
    """Closing transactions, and funding transactions of new channels, come onto the list by themselves."""
    facts = PendingChannels(
        channels=(
            pending("f1:0", PendingState.OPENING),
            pending("f2:1", PendingState.CLOSING, "c2"),
            pending("f3:0", PendingState.FORCE_CLOSING, "c3"),
            pending("f4:0", PendingState.CLOSING),
        ),
        limbo_msat=Msat(0),
    )
    told = entry(facts=facts, collector="pending")
    await ledger.append([told, entry(block(100, txids=("c2",)), source=CORE)])
    await ledger.append([told])
    assert {row["txid"]: row["block_height"] for row in rows(settings, "watched_transaction")} == {
        "f1": None,
        "c2": 100,
        "c3": None,
    }


async def test_reorganisation_row(ledger: Ledger, settings: LedgerSettings) -> None:
    """A reorganisation is kept as told, once."""
    told = Reorganisation(NOW + 0.5, 2, 100, "a102", "b103")
    await ledger.append([entry(told, told, source=CORE)])
    await ledger.append([entry(told, source=CORE)])
    (row,) = rows(settings, "reorganisation")
    assert (row["at"], row["depth"], row["fork_height"], row["old_tip"]) == (NOW + 0.5, 2, 100, "a102")


async def test_thousands_of_blocks(ledger: Ledger) -> None:
    """A first start brings two thousand headers."""
    for start in range(0, 2_000, 500):
        await tell(ledger, *(block(height) for height in range(start, start + 500)))
    assert (await chain(ledger))[0] == "a1999"
    assert len(await ledger.memory(SITE, CORE).blocks(5_000)) == 2_000

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.simulator.world import World, shops
from lnwatch.simulator.world.events import (
    BlockMined,
    Bought,
    ChannelClosed,
    HtlcsAdded,
    HtlcsFailed,
    HtlcsSettled,
    InvoiceMade,
    Left,
    LightningFailed,
    OrderPlaced,
    PaidOut,
    PeerWent,
)
from lnwatch.simulator.world.timetable import DAY, HOUR, MINUTE
from tests.simulator.world.worlds import BEGIN, Chronicle


def test_one_seed_makes_one_world() -> None:
    """The same seed gives the same log byte for byte, however time is cut; another seed another one."""
    whole = Chronicle(shops("one", BEGIN, corner=5, books=60)).days(4)
    pieces = Chronicle(shops("one", BEGIN, corner=5, books=60))
    for _ in range(97):
        pieces.world.run(pieces.world.now + 4 * DAY // 97 + 1)
    pieces.world.run(BEGIN + 4 * DAY)
    cut = [each for each in pieces.log.splitlines() if json.loads(each)["at"] <= BEGIN + 4 * DAY]
    assert cut == whole.log.splitlines()
    assert Chronicle(shops("two", BEGIN, corner=5, books=60)).days(1).log != whole.log


def test_one_store_does_not_change_another() -> None:
    """Who comes to a store, with what and when, does not depend on what else there is in the world."""

    def orders(**stores: float) -> list[tuple[int, object]]:
        told = Chronicle(shops("one", BEGIN, **stores)).days(3).events
        return [(at, each) for at, each in told if isinstance(each, OrderPlaced) and each.store == "books"]

    assert orders(books=60) == orders(books=60, games=200)


@given(
    seed=st.integers(0, 2**32),
    sizes=st.lists(st.floats(0.5, 300), min_size=1, max_size=3),
    trouble=st.sampled_from(("", "node", "checkout", "known", "indexer", "outflows")),
    reorganised=st.integers(0, 4),
)
@settings(max_examples=12, deadline=None)
def test_no_money_gets_lost(seed: int, sizes: list[float], trouble: str, reorganised: int) -> None:
    """Every millisatoshi that came in is in a channel, in the wallet, on its way there or out; none is made up."""
    spec = shops(str(seed), BEGIN, **{f"shop{number}": each for number, each in enumerate(sizes)})
    told = Chronicle(spec).days(1)
    world = told.world
    if trouble:
        setattr(world.causes, trouble, False)
    world.reorganise(reorganised)
    world.upkeep.close(0, forced=True)
    for _ in range(6):
        told.days(1)
        assert world.missing == 0
        assert all(each.whole for each in world.scene.network.channels.values())
        assert world.scene.books.limbo >= 0
    settled = sum(msat for _, each in told.events if isinstance(each, HtlcsSettled) for _, msat in each.parts)
    assert settled == world.scene.books.lightning


def test_every_order_ends_once() -> None:
    """An order is bought or its customer leaves, and not both; only who pays too low a fee keeps it open for days."""
    told = Chronicle(shops("one", BEGIN, games=400))
    told.days(10)
    placed = {each.order for at, each in told.events if isinstance(each, OrderPlaced) and at < BEGIN + 7 * DAY}
    ends = Counter(each.order for _, each in told.events if isinstance(each, Bought | Left))
    assert len(placed) > 2_000
    waiting = {each.invoice.partition("/")[0] for each in told.world.scene.market.waiting.values()}
    assert placed - set(ends) <= waiting
    assert set(ends.values()) == {1}


def test_what_settles_came_before() -> None:
    """HTLCs arrive, and then settle or fail, each once; what dies on its way leaves none."""
    told = Chronicle(shops("one", BEGIN, games=800)).days(6)
    under_way: Counter[object] = Counter()
    for _, each in told.events:
        if isinstance(each, HtlcsAdded):
            under_way[each.invoice, each.parts] += 1
        elif isinstance(each, HtlcsSettled) or (isinstance(each, HtlcsFailed) and each.why == "mpp timeout"):
            under_way[each.invoice, each.parts] -= 1
    assert set(under_way.values()) <= {0, 1}
    assert sum(under_way.values()) <= 3  # on their way at the end
    settled, died = (sum(isinstance(each, kind) for _, each in told.events) for kind in (HtlcsSettled, LightningFailed))
    assert 0.02 < died / (settled + died) < 0.2


def test_blocks_come_every_ten_minutes_on_average() -> None:
    """The waits are exponential: as long on average as they spread, and some of them over an hour."""
    told = Chronicle(shops("one", BEGIN, corner=1)).days(60)
    mined = [at for at, each in told.events if isinstance(each, BlockMined)]
    waits = [later - earlier for earlier, later in pairwise(mined)]
    mean = sum(waits) / len(waits)
    spread = (sum((each - mean) ** 2 for each in waits) / len(waits)) ** 0.5
    assert mean == pytest.approx(10 * MINUTE, rel=0.05)
    assert spread == pytest.approx(mean, rel=0.1)
    assert max(waits) > 60 * MINUTE


def test_inbound_is_spent_and_comes_back() -> None:
    """What is received over Lightning is inbound that is gone; paying out again brings it back, and only that."""
    spec = shops("one", BEGIN, books=60)
    lively, stopped = Chronicle(spec), Chronicle(spec)
    stopped.world.causes.outflows = False
    lively.days(14)
    stopped.days(14)
    assert any(isinstance(each, PaidOut) and each.purpose == "swap" for _, each in lively.events)
    assert stopped.world.scene.network.inbound < lively.world.scene.network.inbound / 3
    refused = {each.why for _, each in stopped.events if isinstance(each, LightningFailed)}
    assert "no inbound" in refused


def test_peers_are_as_often_there_as_they_promise() -> None:
    """Over a year a peer is away for the share of time that its uptime leaves."""
    told = Chronicle(shops("one", BEGIN, corner=0.1))
    (peer,) = told.world.scene.network.peers.values()
    told.days(365)
    away, since = 0, None
    for at, each in told.events:
        if isinstance(each, PeerWent):
            away, since = (away, at) if not each.online else (away + at - (since or at), None)
    assert away / (365 * DAY) == pytest.approx(1 - peer.spec.uptime, rel=0.4)


def test_causes_hit_whom_they_are_meant_for() -> None:
    """Without checkout there is no invoice, without the node no HTLC, without BTCPay's way to it no such method."""

    def day(cause: str, value: object) -> Counter[type]:
        told = Chronicle(shops("one", BEGIN, games=400))
        told.world.causes.staying = 1.0
        setattr(told.world.causes, cause, value)
        told.days(1)
        if cause == "known":
            assert {m for _, e in told.events if isinstance(e, InvoiceMade) for m in e.methods} == {"BTC-CHAIN"}
        return Counter(type(each) for _, each in told.events)

    assert day("checkout", value=False)[InvoiceMade] == 0
    assert day("node", value=False)[HtlcsAdded] == 0
    assert day("upstream", value=1.0)[HtlcsAdded] == 0
    assert day("staying", value=0.5)[Bought] < 0.65 * day("staying", value=1.0)[Bought]


def test_a_closed_channel_ends_up_in_the_wallet() -> None:
    """Of a channel that is closed by force everything but the fee is in the wallet a day later."""
    told = Chronicle(shops("one", BEGIN, games=200)).days(0.5)
    before = told.world.scene.network.channels[2].local
    told.world.upkeep.close(2, forced=True)
    told.days(0.1)
    (closed,) = (each for _, each in told.events if isinstance(each, ChannelClosed))
    assert closed.forced
    assert closed.msat >= 0
    assert told.world.scene.books.limbo >= closed.msat >= before - 2_000_000_000
    told.world.run(told.world.now + DAY + HOUR)
    assert told.world.missing == 0


def test_a_world_can_be_read_while_it_lives() -> None:
    """The first day of three shops holds orders of each, and none from before its beginning."""
    seen = Counter[str]()

    def hear(at: int, event: object) -> None:
        assert BEGIN <= at <= BEGIN + DAY
        if isinstance(event, OrderPlaced):
            seen[event.store] += 1

    World(shops("one", BEGIN, corner=5, books=60, games=800), hear).run(BEGIN + DAY)
    assert set(seen) == {"corner", "books", "games"}

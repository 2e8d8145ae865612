"""The follower of blocks against anything that a chain may do, in any order, with restarts between."""

import asyncio
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lnwatch.clock import Clock
from lnwatch.net import Door
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain, Node, User
from lnwatch.sources import Place
from lnwatch.sources.bitcoind import SOURCE, Bitcoind
from tests.manual_clock import ManualClock
from tests.sources.bitcoind.ledger import Ledger

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mine", "mine", "run", "run", "broadcast", "watch_late", "reorganise", "cut", "restart"]),
        st.integers(1, 12),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, st.integers(0, 1_000))
def test_ledger_ends_up_with_the_truth(steps: list[tuple[str, int]], seed: int) -> None:
    """Whatever happened, after two runs the ledger's newest blocks and confirmations are the node's own."""
    asyncio.run(_play(steps, seed))


async def _play(steps: list[tuple[str, int]], seed: int) -> None:
    clock = ManualClock()
    chain = Chain(clock, seed=str(seed))
    chain.mine(15)
    node = Node(chain, users=(User("u", "p"),))
    chance = random.Random(seed)
    ledger = Ledger()
    async with BitcoindDouble(node) as double:
        source = _open(double, clock)
        await ledger.run(source.collectors[1])
        for step, size in steps:
            await clock.advance(chance.choice([1, 30, 700]))
            if step == "restart":
                await source.close()
                source = _open(double, clock)
            elif step == "run":
                await ledger.run(source.collectors[1])
            else:
                _change(step, size, chain, ledger, clock)
        for _ in range(2):
            await ledger.run(source.collectors[1])
        await source.close()
    _compare(chain, ledger)


def _open(double: BitcoindDouble, clock: Clock) -> Bitcoind:
    parsed = SOURCE.settings.model_validate({"url": double.url, "user": "u", "password": "p"})
    source = SOURCE.open(Place("main", "btc", clock, Door(clock=clock)), parsed)
    assert isinstance(source, Bitcoind)
    return source


def _change(step: str, size: int, chain: Chain, ledger: Ledger, clock: Clock) -> None:
    if step == "mine":
        chain.mine(size)
    elif step == "broadcast":
        ledger.watch(chain.broadcast(), clock.now())
    elif step == "watch_late":
        chosen = chain.active[-min(size, len(chain.active))]
        ledger.watch(chosen.txids[-1], clock.now())
    elif step == "reorganise" and len(chain.active) > 1:
        chain.reorganise(min(size, len(chain.active) - 1), empty=size % 2 == 0)
    elif step == "cut" and len(chain.active) > 1:
        chain.cut(min(size, len(chain.active) - 1))


def _compare(chain: Chain, ledger: Ledger) -> None:
    heights = sorted(ledger.chain)
    assert heights == list(range(heights[0], chain.tip.height + 1))
    assert [ledger.chain[height].hash for height in heights] == [chain.active[height].hash for height in heights]
    where = {txid: block for block in chain.active for txid in block.txids}
    for entry in ledger.watch_list.values():
        block = where.get(entry.txid)
        if block is None:
            assert entry.block_height is None
        elif block.height >= heights[0]:
            assert (entry.block_height, entry.block_hash) == (block.height, block.hash)


@pytest.mark.parametrize("seed", range(3))
def test_chain_is_the_same_for_the_same_seed(seed: int) -> None:
    """Two chains of one seed mine the same blocks; of another seed, others."""
    first, second, other = (Chain(ManualClock(), seed=name) for name in (str(seed), str(seed), "other"))
    assert first.mine(5) == second.mine(5)
    assert first.tip != other.tip

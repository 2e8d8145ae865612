"""Benches for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.node import Scale
from tests.sources.lnd.bench import Bench, Builder, ShiftedClock
from tests.sources.lnd.ledger import MemoryLedger


@pytest.fixture
async def build(tmp_path: Path) -> AsyncIterator[Builder]:
    """Makes benches with a node of the wanted scale, and clears them away."""
    benches: list[Bench] = []

    async def make(*, release: str = "0.21.2", born: float | None = None, **scale: int) -> Bench:
        clock = ShiftedClock()
        double = LndDouble(Node(now=clock.now, scale=Scale(**scale), release=release), tmp_path)
        await double.start()
        bench = Bench(tmp_path, clock, double, MemoryLedger(born=clock.now() if born is None else born))
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        await bench.close()


@pytest.fixture
async def bench(build: Builder) -> Bench:
    """The usual bench: three channels, no history."""
    return await build()

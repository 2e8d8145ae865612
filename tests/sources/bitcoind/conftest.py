from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lnwatch.net import Door
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain, Node
from lnwatch.sources import Place
from lnwatch.sources.bitcoind import SOURCE, Bitcoind
from tests.manual_clock import ManualClock
from tests.sources.bitcoind.ledger import Ledger


@dataclass(slots=True)
class Bed:
    """A node that can be broken, and a source that reads it."""

    clock: ManualClock
    node: Node
    double: BitcoindDouble
    ledger: Ledger
    make: Callable[..., Bitcoind]

    @property
    def chain(self) -> Chain:
        return self.node.chain


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    """A bitcoind 31 with a chain of 20 blocks, read by its cookie."""
    clock = ManualClock()
    chain = Chain(clock)
    chain.mine(20)
    node = Node(chain)
    double = BitcoindDouble(node, cookie=tmp_path / ".cookie", login_delay=0.0)
    opened: list[Bitcoind] = []

    def make(**settings: object) -> Bitcoind:
        values = {"url": double.url, "cookie_file": str(double.cookie), "interval": "15s", "deadline": "4s", **settings}
        parsed = SOURCE.settings.model_validate({key: value for key, value in values.items() if value is not None})
        source = SOURCE.open(Place("main", "btc", clock, Door(clock=clock)), parsed)
        assert isinstance(source, Bitcoind)
        opened.append(source)
        return source

    async with double:
        yield Bed(clock, node, double, Ledger(), make)
        for source in opened:
            await source.close()

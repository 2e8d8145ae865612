from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lnwatch.net import Door
from lnwatch.simulator.bitcoind import Chain
from lnwatch.simulator.nbxplorer import Indexer, NbxplorerDouble
from lnwatch.sources import Place
from lnwatch.sources.nbxplorer import SOURCE, Nbxplorer
from tests.manual_clock import ManualClock


@dataclass(slots=True)
class Bed:
    """An NBXplorer that can be broken, and a source that reads it."""

    chain: Chain
    indexer: Indexer
    double: NbxplorerDouble
    cookie: Path
    make: Callable[..., Nbxplorer]


@pytest.fixture
async def bed(tmp_path: Path) -> AsyncIterator[Bed]:
    """An NBXplorer over a chain of 132 blocks, read by its cookie."""
    clock = ManualClock()
    chain = Chain(clock)
    chain.mine(132)
    cookie = tmp_path / ".cookie"
    double = NbxplorerDouble(Indexer(clock, chain), cookie)
    opened: list[Nbxplorer] = []

    def make(**settings: object) -> Nbxplorer:
        values = {"url": double.url, "cookie_file": str(cookie), "interval": "5s", "deadline": "3s", **settings}
        parsed = SOURCE.settings.model_validate({key: value for key, value in values.items() if value is not None})
        source = SOURCE.open(Place("main", "nbx", clock, Door(clock=clock)), parsed)
        assert isinstance(source, Nbxplorer)
        opened.append(source)
        return source

    async with double:
        yield Bed(chain, double.indexer, double, cookie, make)
        for source in opened:
            await source.close()

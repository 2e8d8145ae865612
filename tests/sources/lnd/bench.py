"""A double of LND on a real socket, a source that reads it, and short words for both."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lnwatch.model.snapshot import Reading
from lnwatch.net import Door
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.sources import Collector, Place, Stream
from lnwatch.sources.lnd import SOURCE, LndSource
from tests.sources.lnd.ledger import MemoryLedger


class ShiftedClock:
    """Real time, which a test may put forward: sleeping costs what it costs, waiting for an expiry does not."""

    def __init__(self) -> None:
        self.shift = 0.0

    def now(self) -> float:
        return time.time() + self.shift

    def monotonic(self) -> float:
        return time.monotonic() + self.shift

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Bench:
    """Double, source and ledger, and short words for what tests do with them."""

    directory: Path
    clock: ShiftedClock
    double: LndDouble
    ledger: MemoryLedger
    settings: dict[str, object] = field(default_factory=dict)
    _sources: list[LndSource] = field(default_factory=list)

    @property
    def node(self) -> Node:
        return self.double.node

    @property
    def source(self) -> LndSource:
        """The source, made when it is first needed."""
        return self._sources[-1] if self._sources else self.restart()

    def restart(self, **settings: object) -> LndSource:
        """A new process of lnwatch: nothing is left of the last but the ledger."""
        block = {
            "address": self.double.address,
            "tls_cert_file": str(self.double.certificate),
            "macaroon_file": str(self.double.macaroon),
            **self.settings,
            **settings,
        }
        if "macaroon" in block:
            del block["macaroon_file"]
        place = Place("main", "ln", self.clock, Door(clock=self.clock))
        source = SOURCE.open(place, SOURCE.settings.model_validate(block))
        assert isinstance(source, LndSource)
        self._sources.append(source)
        return source

    def collector(self, name: str) -> Collector:
        return next(one for one in self.source.collectors if one.name == name)

    def stream(self, name: str) -> Stream:
        return next(one for one in self.source.streams if one.name == name)

    async def read(self, name: str, *, store: bool = True) -> Reading:
        """One run that waits for no slot, stored as the daemon would."""
        self.source._node.hints.expect([name])
        reading = await self.collector(name).collect(self.ledger)
        return self.ledger.take(reading) if store else reading

    async def drain(self, name: str) -> list[Reading]:
        """Runs until there is no more."""
        readings = [await self.read(name)]
        while readings[-1].more:
            readings.append(await self.read(name))
        return readings

    def asked(self, method: str) -> int:
        """How often the double was asked for the call of this name."""
        return sum(count for path, count in self.double.calls.items() if path.endswith(f"/{method}"))

    async def close(self) -> None:
        for source in self._sources:
            await source.close()
        await self.double.stop()


class Builder(Protocol):
    """`await build(channels=3, invoices=10, release="0.20.1")`; `born` is the site's birth, now unless given."""

    async def __call__(self, *, release: str = "0.21.2", born: float | None = None, **scale: int) -> Bench: ...

"""A simulated merchant's bitcoind and LND, and who is told, on real sockets in a thread of their own, for a daemon that
is a process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain
from lnwatch.simulator.bitcoind import Node as BitcoindNode
from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.lnd import Node as LndNode
from lnwatch.simulator.lnd.node import Scale
from tests.audience import Audience


class World(Audience):
    """The doubles of what is watched, beside those that are told."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        super().__init__()
        clock = SystemClock()
        self.bitcoind = BitcoindDouble(BitcoindNode(Chain(clock)), cookie=folder / ".cookie", login_delay=0.0)
        self.lnd = LndDouble(LndNode(now=clock.now, scale=scale), folder)

    @property
    def chain(self) -> Chain:
        return self.bitcoind.node.chain

    @property
    def node(self) -> LndNode:
        return self.lnd.node

    def freeze_bitcoind(self) -> None:
        """It takes connections and answers nothing."""
        self.bitcoind.node.faults.hang = asyncio.Event()

    def thaw_bitcoind(self) -> None:
        """It answers again, also what was asked meanwhile."""
        faults = self.bitcoind.node.faults
        held, faults.hang = faults.hang, None
        if held is not None:
            held.set()

    def settings(self) -> dict[str, object]:
        """The blocks of a site that reads both."""
        lnd = {"address": self.lnd.address, "tls_cert_file": self.lnd.certificate, "macaroon_file": self.lnd.macaroon}
        pace = {"node_interval": "1s", "channels_interval": "1s"}
        core = {"url": self.bitcoind.url, "cookie_file": self.bitcoind.cookie, "interval": "1s", "deadline": "800ms"}
        return {"bitcoind": {"core": core}, "lnd": {"ln1": {**lnd, **pace}}}

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.bitcoind, super().opened():
            await self.lnd.start()
            yield
            await self.lnd.stop()

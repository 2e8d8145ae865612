"""A simulated merchant's bitcoind and LND on real sockets, in a thread of their own, for a daemon that is a process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from lnwatch.clock import SystemClock
from lnwatch.simulator.bitcoind import BitcoindDouble, Chain
from lnwatch.simulator.bitcoind import Node as BitcoindNode
from lnwatch.simulator.lnd import LndDouble
from lnwatch.simulator.lnd import Node as LndNode
from lnwatch.simulator.lnd.node import Scale

T = TypeVar("T")


class World:
    """Both doubles; `do` runs what a test wants of them where they live."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        clock = SystemClock()
        self.bitcoind = BitcoindDouble(BitcoindNode(Chain(clock)), cookie=folder / ".cookie", login_delay=0.0)
        self.lnd = LndDouble(LndNode(now=clock.now, scale=scale), folder)
        self._loop = asyncio.new_event_loop()
        self._up, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    @property
    def chain(self) -> Chain:
        return self.bitcoind.node.chain

    @property
    def node(self) -> LndNode:
        return self.lnd.node

    def do(self, job: Callable[[], T]) -> T:
        """Run `job` in the doubles' own thread and return its answer."""

        async def wrapped() -> T:
            return job()

        return asyncio.run_coroutine_threadsafe(wrapped(), self._loop).result(10)

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

    async def _serve(self) -> None:
        async with self.bitcoind:
            await self.lnd.start()
            self._up.set()
            await self._end.wait()
            await self.lnd.stop()

    @contextmanager
    def running(self) -> Iterator["World"]:
        """Listen until the end of the block."""
        self._thread.start()
        assert self._up.wait(20), "the doubles did not start"
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(20)
            self._loop.close()

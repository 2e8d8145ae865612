"""A second node that probes the way to a merchant: in a simulated world, and over the real bed."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from lnwatch.simulator.world import shops
from lnwatch.simulator.world.stage import Stage
from tests.adapters.nodes import Door, door_of
from tests.real.testbed.bed import Bed
from tests.real.testbed.waiting import until

LEFT = 1_000_000  # satoshis that are taken out of the way
RESERVE = 60_000  # that stay at the merchant


class Reach(Protocol):
    """A merchant, and somebody who wants to know whether it can be paid. Amounts are satoshis."""

    second: Door
    merchant: Door

    async def invoice(self, amount: int) -> str:
        """A payment request of the merchant; over 0 the payer chooses."""

    async def narrow(self) -> int:
        """Less can come in than the second node could send: an amount that is too much now."""

    async def widen(self) -> None:
        """As it was before."""

    async def take_down(self) -> None:
        """The merchant's node is gone, and its peers know."""

    async def bring_back(self) -> None:
        """It is there again."""

    def freeze(self) -> None:
        """Who stands between does not answer any more, and is still connected."""

    def thaw(self) -> None:
        """It answers again."""


class DoubledReach:
    """A world's."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._network = stage.world.scene.network
        self.second = Door(stage.second.address, stage.second.certificate, stage.second.directory)
        self.merchant = Door(stage.lnd.address, stage.lnd.certificate, stage.lnd.directory)

    async def invoice(self, amount: int) -> str:
        return (await self._stage.ways[0].create(amount * 1_000 or None, 3_600, "a ticket")).bolt11

    async def narrow(self) -> int:
        for each in self._network.channels.values():
            each.local, each.remote = each.local + LEFT * 1_000, each.remote - LEFT * 1_000
        return self._network.largest // 1_000 + 1

    async def widen(self) -> None:
        for each in self._network.channels.values():
            each.local, each.remote = each.local - LEFT * 1_000, each.remote + LEFT * 1_000

    async def take_down(self) -> None:
        self._stage.node_gate.running = False

    async def bring_back(self) -> None:
        self._stage.node_gate.running = True

    def freeze(self) -> None:
        for peer in self._network.peers.values():
            peer.frozen = True

    def thaw(self) -> None:
        for peer in self._network.peers.values():
            peer.frozen = False


class RealReach:
    """The bed's customer, and its merchant behind the hub."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self.second, self.merchant = door_of(bed.customer), door_of(bed.merchant)

    async def invoice(self, amount: int) -> str:
        return str((await asyncio.to_thread(self._bed.merchant.add_invoice, amount))["payment_request"])

    async def narrow(self) -> int:
        await asyncio.to_thread(self._bed.pay, await self.invoice(LEFT), self._bed.hub)
        return 4_500_000  # of the 5,000,000 in the customer's channel and in the hub's

    async def widen(self) -> None:
        request = (await asyncio.to_thread(self._bed.hub.add_invoice, LEFT - RESERVE))["payment_request"]
        (over,) = [one["chan_id"] for one in self._bed.merchant.channels() if one["capacity"] == "5000000"]
        payment = await asyncio.to_thread(self._bed.merchant.pay, request, over=over)
        assert payment["status"] == "SUCCEEDED", payment

    async def take_down(self) -> None:
        self._bed.merchant.process.kill()
        # An HTLC that the hub still hands to a dead connection hangs there until the merchant is back.
        await asyncio.to_thread(until, "the hub has lost the merchant", self._lost)

    def _lost(self) -> bool:
        return not self._bed.hub.knows(self._bed.merchant)

    async def bring_back(self) -> None:
        self._bed.merchant.start()  # it ends with the thread that started it
        await asyncio.to_thread(self._bed.merchant.ready)
        await asyncio.to_thread(self._bed.whole)

    def freeze(self) -> None:
        self._bed.hub.process.freeze()

    def thaw(self) -> None:
        self._bed.hub.process.thaw()


@asynccontextmanager
async def doubled(folder: Path) -> AsyncIterator[Reach]:
    """A small shop's, where nothing dies on its way by chance."""
    spec = replace(shops("reach", int(time.time() * 1_000), books=60), upstream=0.0)
    stage = Stage(spec, folder)
    async with stage.opened():
        yield DoubledReach(stage)

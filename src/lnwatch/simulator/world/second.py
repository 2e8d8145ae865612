"""A second node, elsewhere in the network, that can be asked whether the merchant's is reached from there."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.simulator.kestrel import Gate
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.estimates import INCORRECT_DETAILS, NO_ROUTE
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.world.channels import Channel
from lnwatch.simulator.world.lnd_side import LndSide
from lnwatch.simulator.world.scene import Scene

_SEED: Final = 2
_CHANNELS: Final = 6
_REMEMBERED: Final = 87.0  # seconds until LND thinks a way that failed worth another try
_LOOKS_EVERY: Final = 0.1  # seconds, at a peer from whom nothing comes back


class ToMerchant:
    """The way from there to the merchant's node. `gate` is that node as others meet it, `invoiced` knows its invoices
    by their payment hash.

    As in LND a failure is remembered: so much, or more, is not sent that way again for a while.
    """

    between = 2  # the neighbour of the one who asks, and the merchant's peer

    def __init__(self, scene: Scene, side: LndSide, gate: Gate, invoiced: Callable[[str], bool]) -> None:
        """Open as far as the world lets it."""
        self._scene, self._side, self._gate, self._invoiced = scene, side, gate, invoiced
        self._luck = scene.rng("second node")
        self._failed: tuple[int, float] | None = None  # what did not get through, and until when that is remembered

    def lead_to(self, key: str) -> bool:
        """Nobody else is looked for."""
        return key == self._side.node.public_key

    def payee(self, payment_hash: str) -> str | None:
        """The merchant, or somebody whom nobody knows."""
        return self._side.node.public_key if self._invoiced(payment_hash) else None

    async def probe(self, key: str, msat: int) -> int:
        """It meets what customers' payments meet, and arrives like one that the node has no invoice for."""
        del key
        if self._failed is not None and msat >= self._failed[0] and self._side.node.now() < self._failed[1]:
            return NO_ROUTE
        channel = None if self._scene.dies_upstream(self._luck.random(), msat) else await self._last(msat)
        if channel is None:
            return self._remember(msat)
        if not await self._arrives():
            return self._remember(0)
        self._side.probed(channel.id, msat)
        return INCORRECT_DETAILS

    def forget(self) -> None:
        """ResetMissionControl."""
        self._failed = None

    def _remember(self, msat: int) -> int:
        self._failed = msat, self._side.node.now() + _REMEMBERED
        return NO_ROUTE

    async def _arrives(self) -> bool:
        """Whether somebody is there to whom it can be handed, once they answer."""
        try:
            await self._gate.wait()
        except ConnectionError:
            return False
        return self._side.node.state == sim.SERVER_ACTIVE

    async def _last(self, msat: int) -> Channel | None:
        """The channel over which it would come in. A peer that hangs keeps it until it answers or is gone."""
        while True:
            channels = self._scene.network.channels.values()
            able = [each for each in channels if each.peer.online and each.inbound >= msat]
            through = [each for each in able if not each.peer.frozen]
            if through or not able:
                return max(through, key=lambda each: (each.inbound, -each.id), default=None)
            await asyncio.sleep(_LOOKS_EVERY)


def second_node(now: Callable[[], float], ways: ToMerchant, height: int, folder: Path, *, listens: bool) -> LndDouble:
    """A node with money on its side of every channel; what it needs to be called lies in `folder`."""
    node = Node(now=now, seed=_SEED, scale=Scale(channels=_CHANNELS), height=height, alias="elsewhere")
    for one in node.channels:
        one.local_balance, one.remote_balance = one.local_balance + one.remote_balance, 0
    node.ways = ways
    folder.mkdir(exist_ok=True)
    return LndDouble(node, folder, listens=listens)

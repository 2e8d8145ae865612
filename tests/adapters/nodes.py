"""An LND as the suite sees it: the simulator's, or the merchant's of the real bed, and what happens at it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.node import Scale
from tests.real.testbed.bed import Bed, HoldInvoice
from tests.real.testbed.lnd import Lnd

TOO_MUCH = 20_000_000  # satoshis, more than any node of either side has


@dataclass(frozen=True, slots=True)
class Door:
    """Where a node is called, and what it takes to be let in."""

    address: str
    certificate: Path
    folder: Path  # its macaroons are there

    def macaroon(self, name: str = "readonly") -> bytes:
        """One that LND wrote at its start."""
        return (self.folder / f"{name}.macaroon").read_bytes()


@dataclass(frozen=True, slots=True)
class Made:
    """An invoice of the node. `held` is what a hold invoice needs to settle."""

    index: int
    payment_hash: str
    request: str
    held: HoldInvoice | None = None


class Lightning(Protocol):
    """One merchant's node. Amounts are satoshis."""

    door: Door
    carrier: Door  # of a node that forwards
    peer: str  # the public key of somebody with whom it has channels

    def backup(self) -> bytes:
        """Its `channel.backup`."""

    async def bake(self, *paths: str, root_key: int) -> bytes:
        """A macaroon for these calls alone."""

    async def revoke(self, root_key: int) -> None:
        """What was baked with a root key is void."""

    async def invoice(self, amount: int) -> Made:
        """AddInvoice."""

    async def paid(self, made: Made) -> None:
        """A customer paid it."""

    async def cancel(self, made: Made) -> None:
        """Nobody shall pay it any more."""

    async def held(self, amount: int) -> Made:
        """A hold invoice, whose money has arrived."""

    async def settle(self, made: Made) -> None:
        """What is held is taken."""

    async def send(self, amount: int) -> str:
        """Pay somebody. The payment hash."""

    async def fail_to_send(self) -> str:
        """Pay somebody more than there is. The payment hash."""

    async def forward(self, amount: int) -> None:
        """The carrier carries a payment for others."""


class DoubledLightning:
    """The simulator's."""

    def __init__(self, double: LndDouble) -> None:
        self._node = double.node
        self.door = self.carrier = Door(double.address, double.certificate, double.directory)
        self.peer = self._node.channels[0].remote_pubkey

    def backup(self) -> bytes:
        return self._node.backup()

    async def bake(self, *paths: str, root_key: int) -> bytes:
        return self._node.bakery.bake([f"uri:{path}" for path in paths], str(root_key))

    async def revoke(self, root_key: int) -> None:
        self._node.bakery.revoke(str(root_key))

    async def invoice(self, amount: int) -> Made:
        made = self._node.invoices.add(amount * 1_000)
        return Made(made.add_index, made.r_hash.hex(), made.payment_request)

    async def paid(self, made: Made) -> None:
        self._node.receive(made.index)

    async def cancel(self, made: Made) -> None:
        self._node.give_back(made.index)

    async def held(self, amount: int) -> Made:
        made = await self.invoice(amount)
        self._node.hold(made.index)
        return made

    async def settle(self, made: Made) -> None:
        self._node.release_held(made.index)

    async def send(self, amount: int) -> str:
        payment = self._node.payments.send(amount * 1_000)
        self._node.payments.finish(payment)
        return payment.payment_hash

    async def fail_to_send(self) -> str:
        payment = self._node.payments.send(TOO_MUCH * 1_000)
        self._node.payments.finish(payment, succeeded=False)
        return payment.payment_hash

    async def forward(self, amount: int) -> None:
        self._node.forwards.forward(amount * 1_000)


class RealLightning:
    """The merchant of the bed; its hub pays and carries."""

    def __init__(self, bed: Bed, folder: Path) -> None:
        self._bed = bed
        self._folder = folder
        self.door, self.carrier = door_of(bed.merchant), door_of(bed.hub)
        self.peer = bed.hub.key

    def backup(self) -> bytes:
        return self._bed.merchant.backup.read_bytes()

    async def bake(self, *paths: str, root_key: int) -> bytes:
        made = await asyncio.to_thread(
            self._bed.merchant.bake, self._folder / "baked.macaroon", *paths, root_key=root_key
        )
        return made.read_bytes()

    async def revoke(self, root_key: int) -> None:
        await asyncio.to_thread(self._bed.merchant.revoke, root_key)

    async def invoice(self, amount: int) -> Made:
        made = await asyncio.to_thread(self._bed.merchant.add_invoice, amount)
        return Made(int(made["add_index"]), made["r_hash"], made["payment_request"])

    async def paid(self, made: Made) -> None:
        await asyncio.to_thread(self._bed.pay, made.request, self._bed.hub)

    async def cancel(self, made: Made) -> None:
        await asyncio.to_thread(self._bed.merchant.cancel, made.payment_hash)

    async def held(self, amount: int) -> Made:
        held = await asyncio.to_thread(self._bed.hold_invoice, amount)
        paying = asyncio.create_task(asyncio.to_thread(self._bed.hub.pay, held.request, timeout=60))
        self._paying = paying
        await asyncio.to_thread(self._bed.accepted, held)
        invoice = await asyncio.to_thread(self._bed.merchant.invoice, held.payment_hash)
        return Made(int(invoice["add_index"]), held.payment_hash, held.request, held)

    async def settle(self, made: Made) -> None:
        assert made.held is not None
        await asyncio.to_thread(self._bed.merchant.settle, made.held.preimage)
        await self._paying

    async def send(self, amount: int) -> str:
        request = (await asyncio.to_thread(self._bed.hub.add_invoice, amount))["payment_request"]
        payment = await asyncio.to_thread(self._bed.merchant.pay, request)
        assert payment["status"] == "SUCCEEDED", payment
        return str(payment["payment_hash"])

    async def fail_to_send(self) -> str:
        request = (await asyncio.to_thread(self._bed.hub.add_invoice, TOO_MUCH))["payment_request"]
        payment = await asyncio.to_thread(self._bed.merchant.pay, request)
        assert payment["status"] == "FAILED", payment
        return str(payment["payment_hash"])

    async def forward(self, amount: int) -> None:
        request = (await self.invoice(amount)).request
        await asyncio.to_thread(self._bed.pay, request)


def door_of(node: Lnd) -> Door:
    """Of a real node."""
    return Door(node.address, node.certificate, node.macaroon().parent)


@asynccontextmanager
async def doubled(folder: Path) -> AsyncIterator[DoubledLightning]:
    """The simulator's, with two channels and no past."""
    double = LndDouble(Node(now=time.time, scale=Scale(channels=2)), folder)
    await double.start()
    try:
        yield DoubledLightning(double)
    finally:
        await double.stop()

"""The merchant's money as BTCPay reaches it: a Lightning node and an on-chain wallet, here simulated ones.

The two protocols are the seam: whatever makes real BOLT11 and addresses, and tells of payments to them,
stands in for `SimulatedLightning` and `SimulatedCoins`.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from lnwatch.clock import Clock
from lnwatch.simulator.btcpay.encoding import Ids, bolt11, bolt11_hash, bolt11_msat
from lnwatch.simulator.kestrel import Gate


class PaymentError(Exception):
    """A Lightning payment that did not go through, in the node's words."""


@dataclass(slots=True)
class NodeInvoice:
    """An invoice as the node has it; `msat` None where the payer chooses."""

    id: str
    bolt11: str
    payment_hash: str
    preimage: str
    msat: int | None
    expires_at: int
    paid_at: int | None = None
    received_msat: int = 0


@dataclass(frozen=True, slots=True)
class NodePayment:
    """A payment that the node sent."""

    payment_hash: str
    preimage: str
    bolt11: str
    created_at: int
    msat: int


class Lightning(Protocol):
    """A Lightning node. Each call raises OSError while the node can't be reached, and waits while it hangs."""

    uri: str
    listener: Callable[[NodeInvoice], None] | None  # told of each invoice that settles

    async def create(self, msat: int | None, expires_in: int, description: str | bytes) -> NodeInvoice:
        """A new invoice; a description in bytes is a hash."""
        ...

    async def find(self, payment_hash: str) -> NodeInvoice | None:
        """The invoice of a payment hash."""
        ...

    async def invoices(self) -> list[NodeInvoice]:
        """All of them, oldest first."""
        ...

    async def payments(self) -> list[NodePayment]:
        """All that were sent, oldest first."""
        ...

    async def pay(self, invoice: str) -> NodePayment:
        """Pay somebody. Raises PaymentError."""
        ...

    async def info(self) -> dict[str, Any]:
        """As BTCPay shows it."""
        ...

    async def balance(self) -> dict[str, Any]:
        """As BTCPay shows it: satoshis on-chain, millisatoshis in channels, as strings."""
        ...

    async def channels(self) -> list[dict[str, Any]]:
        """As BTCPay shows them."""
        ...


@dataclass(slots=True)
class SimulatedLightning:
    """A node with one channel. `gate` is the node, `reach` BTCPay's way to it, `refusal` what the socket says."""

    clock: Clock
    height: Callable[[], int]
    seed: str = "node"
    local_msat: int = 100_004_000
    remote_msat: int = 4_899_996_000
    refusal: str = "Connection refused"
    gate: Gate = field(default_factory=Gate)
    reach: Gate = field(default_factory=Gate)
    listener: Callable[[NodeInvoice], None] | None = None
    sent: list[NodePayment] = field(default_factory=list)
    _invoices: dict[str, NodeInvoice] = field(default_factory=dict)
    _elsewhere: dict[str, NodeInvoice] = field(default_factory=dict)
    _ids: Ids = field(init=False)
    _peer: str = field(init=False)
    _outpoint: str = field(init=False)
    public_key: str = field(init=False)
    uri: str = field(init=False)

    def __post_init__(self) -> None:
        """Draw its keys."""
        self._ids = Ids(self.seed)
        self.public_key = "03" + self._ids.hash("key")
        self.uri = f"{self.public_key}@127.0.0.1:9838"
        self._peer, self._outpoint = "03" + self._ids.hash("peer"), f"{self._ids.hash('funding')}-0"

    async def _answer(self) -> None:
        if not (self.gate.running and self.reach.running):
            raise ConnectionRefusedError(self.refusal)
        await self.gate.wait()
        await self.reach.wait()

    async def create(self, msat: int | None, expires_in: int, description: str | bytes) -> NodeInvoice:
        """A new invoice."""
        await self._answer()
        made = self._make(msat, expires_in, description)
        self._invoices[made.payment_hash] = made
        return made

    async def find(self, payment_hash: str) -> NodeInvoice | None:
        """The invoice of a payment hash."""
        await self._answer()
        return self._invoices.get(payment_hash)

    async def invoices(self) -> list[NodeInvoice]:
        """All of them, oldest first."""
        await self._answer()
        return list(self._invoices.values())

    async def payments(self) -> list[NodePayment]:
        """All that were sent, oldest first."""
        await self._answer()
        return list(self.sent)

    async def pay(self, invoice: str) -> NodePayment:
        """Pay somebody, out of the channel. Raises PaymentError."""
        await self._answer()
        msat = bolt11_msat(invoice) or 0
        theirs = self._elsewhere.get(bolt11_hash(invoice))
        if theirs is None or msat > self.local_msat:
            raise PaymentError("Ran out of routes to try")
        self.local_msat, self.remote_msat = self.local_msat - msat, self.remote_msat + msat
        payment = NodePayment(theirs.payment_hash, theirs.preimage, invoice, int(self.clock.now()), msat)
        self.sent.append(payment)
        return payment

    async def info(self) -> dict[str, Any]:
        """All counts are 0, as with Core Lightning."""
        await self._answer()
        return {
            "nodeURIs": [self.uri],
            "blockHeight": self.height(),
            "alias": "dave",
            "color": self.public_key[:6],
            "version": "v26.06-258-g090f4b0e6",
            "peersCount": 0,
            "activeChannelsCount": 0,
            "inactiveChannelsCount": 0,
            "pendingChannelsCount": 0,
        }

    async def balance(self) -> dict[str, Any]:
        """The whole remote balance, its reserve included."""
        await self._answer()
        sides = {"opening": "0", "local": str(self.local_msat), "remote": str(self.remote_msat), "closing": "0"}
        return {"onchain": {"confirmed": "0", "unconfirmed": "0", "reserved": "0"}, "offchain": sides}

    async def channels(self) -> list[dict[str, Any]]:
        """The one channel."""
        await self._answer()
        channel = {
            "remoteNode": self._peer,
            "isPublic": True,
            "isActive": True,
            "capacity": str(self.local_msat + self.remote_msat),
            "localBalance": str(self.local_msat),
            "channelPoint": self._outpoint,
        }
        return [channel]

    def stop(self) -> None:
        """The node ends, and its streams with it."""
        self.gate.running, self.listener = False, None

    def start(self) -> None:
        """The node is there again; nobody listens to it yet."""
        self.gate.running = True

    def cut_off(self, refusal: str = "Connection refused") -> None:
        """BTCPay can't reach the node any more; its customers can."""
        self.reach.running, self.listener, self.refusal = False, None, refusal

    def reconnect(self) -> None:
        """BTCPay can reach the node again; it does not listen to it yet."""
        self.reach.running = True

    def elsewhere(self, msat: int) -> str:
        """A BOLT11 of a customer's own node, to be paid out to."""
        made = self._make(msat, 3600, "refund")
        self._elsewhere[made.payment_hash] = made
        return made.bolt11

    def receive(self, invoice: str, msat: int | None = None) -> NodeInvoice:
        """A customer pays a BOLT11 of this node. Raises PaymentError, as the customer's node would say it."""
        found = self._invoices.get(bolt11_hash(invoice))
        if found is None or not self.gate.well:
            raise PaymentError("no answer from the recipient")
        if found.paid_at is not None:
            raise PaymentError("already paid")
        if self.clock.now() >= found.expires_at:
            raise PaymentError("invoice expired")
        amount = found.msat if found.msat is not None else msat or 0
        if not 0 < amount <= self.remote_msat:
            raise PaymentError("Ran out of routes to try")
        self.local_msat, self.remote_msat = self.local_msat + amount, self.remote_msat - amount
        found.paid_at, found.received_msat = int(self.clock.now()), amount
        if self.listener is not None and self.reach.well:
            self.listener(found)
        return found

    def _make(self, msat: int | None, expires_in: int, description: str | bytes) -> NodeInvoice:
        preimage = self._ids.hash("preimage")
        payment_hash = hashlib.sha256(bytes.fromhex(preimage)).hexdigest()
        now = int(self.clock.now())
        text = bolt11(msat, payment_hash, now, expires_in, description)
        return NodeInvoice(self._ids.make("invoice", 20), text, payment_hash, preimage, msat, now + expires_in)


@dataclass(slots=True)
class Coin:
    """A transaction that pays one address of the wallet, or leaves it (negative); `height` once it is in a block."""

    txid: str
    address: str
    satoshis: int
    seen_at: int | None = None  # by the indexer
    height: int | None = None
    block: str | None = None
    replaceable: bool = False
    replaced: bool = False
    relayed: bool = False
    output: int = 0

    @property
    def outpoint(self) -> str:
        """As BTCPay names a payment."""
        return f"{self.txid}-{self.output}"

    def confirmations(self, height: int) -> int:
        """Seen from a height."""
        return 0 if self.height is None or self.height > height else height - self.height + 1


class Coins(Protocol):
    """An on-chain wallet. Calls raise OSError while NBXplorer can't be reached, and wait while it hangs."""

    listener: Callable[[Coin], None] | None  # told of each transaction that is seen
    blocks: Callable[[], None] | None  # told after each new block

    @property
    def height(self) -> int:
        """Blocks indexed."""
        ...

    async def new_address(self) -> tuple[str, int]:
        """The next address and its index."""
        ...

    def seen(self) -> Iterable[Coin]:
        """What was seen, oldest first; also what was replaced."""
        ...

    async def fee_rate(self, target: int) -> Decimal:
        """Satoshis per virtual byte."""
        ...

    async def pay(self, address: str, satoshis: int) -> Coin:
        """Pay somebody."""
        ...

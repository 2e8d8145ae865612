"""What happens in the world, one frozen value each, and how it is written down.

Amounts are millisatoshis, fees satoshis per virtual byte, prices hundredths of the store's currency.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields

Parts = tuple[tuple[int, int], ...]  # channel and amount of each part


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


@dataclass(frozen=True, slots=True)
class OrderPlaced(Event):
    """A customer wants something; `kind` is sale, donation or request, `about` the order id that the shop notes."""

    order: str
    store: str
    kind: str
    about: str
    cents: int


@dataclass(frozen=True, slots=True)
class InvoiceMade(Event):
    """The shop asks for the money; a donation (`cents` 0) leaves the amount open."""

    invoice: str
    order: str
    store: str
    kind: str
    about: str
    cents: int
    msat: int
    expires: int
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LightningFailed(Event):
    """A payment died on its way, before the merchant's node: nothing of it is seen there."""

    order: str
    invoice: str
    msat: int
    why: str


@dataclass(frozen=True, slots=True)
class HtlcsAdded(Event):
    """Parts of a payment arrived; `whole` is whether they are all of it."""

    invoice: str
    parts: Parts
    whole: bool
    method: str = "BTC-LN"


@dataclass(frozen=True, slots=True)
class HtlcsSettled(Event):
    """The node took them."""

    invoice: str
    parts: Parts
    method: str = "BTC-LN"


@dataclass(frozen=True, slots=True)
class HtlcsFailed(Event):
    """The node gave them back; LND tells `why` and no payment hash."""

    invoice: str
    parts: Parts
    why: str


@dataclass(frozen=True, slots=True)
class CoinsSent(Event):
    """A transaction pays an invoice's address; `replaces` is one that it takes the place of."""

    tx: str
    invoice: str
    msat: int
    fee_rate: float
    replaceable: bool
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class CoinsTakenBack(Event):
    """The customer spent the same coins elsewhere before they confirmed."""

    tx: str


@dataclass(frozen=True, slots=True)
class BlockMined(Event):
    """A block, with those of the merchant's transactions that are in it."""

    height: int
    txs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reorganised(Event):
    """The newest blocks are gone; what they held waits again."""

    depth: int
    txs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeesMoved(Event):
    """What the next block costs, and how many transactions wait."""

    next_block: float
    waiting: int


@dataclass(frozen=True, slots=True)
class RateMoved(Event):
    """What a bitcoin costs, in hundredths."""

    currency: str
    cents: int


@dataclass(frozen=True, slots=True)
class PeerWent(Event):
    """A peer came or went; its channels with it."""

    peer: str
    online: bool


@dataclass(frozen=True, slots=True)
class PaidOut(Event):
    """The node paid somebody: a swap out, or a refund."""

    channel: int
    msat: int
    fee: int
    purpose: str


@dataclass(frozen=True, slots=True)
class PaidElsewhere(Event):
    """Somebody paid the node over a channel for what no store sold."""

    channel: int
    msat: int


@dataclass(frozen=True, slots=True)
class HtlcStuck(Event):
    """A payment of the node is on its way and gets nowhere; at height `expires` it closes the channel by force."""

    channel: int
    msat: int
    expires: int


@dataclass(frozen=True, slots=True)
class HtlcFreed(Event):
    """What was stuck came back."""

    channel: int
    msat: int


@dataclass(frozen=True, slots=True)
class Swept(Event):
    """Coins of the wallet were put aside or given back."""

    msat: int
    purpose: str


@dataclass(frozen=True, slots=True)
class ChannelOpened(Event):
    """A peer opened a channel to us, all of it inbound."""

    channel: int
    peer: str
    capacity: int


@dataclass(frozen=True, slots=True)
class ChannelClosed(Event):
    """A channel ended; what was ours in it comes to the wallet, at once or after a delay."""

    channel: int
    peer: str
    msat: int
    forced: bool


@dataclass(frozen=True, slots=True)
class RefundDue(Event):
    """A customer wants their money back."""

    order: str
    invoice: str
    msat: int


@dataclass(frozen=True, slots=True)
class Probed(Event):
    """A second node tried whether ours can be paid."""

    msat: int
    reached: bool


@dataclass(frozen=True, slots=True)
class Bought(Event):
    """The order is paid in full: the truth of it."""

    order: str
    store: str
    rail: str


@dataclass(frozen=True, slots=True)
class Left(Event):
    """The customer is gone without having paid in full, and why: the truth of it."""

    order: str
    store: str
    why: str


Listener = Callable[[int, Event], None]


_NAMES = {kind: tuple(each.name for each in fields(kind)) for kind in Event.__subclasses__()}
_encode = json.JSONEncoder(separators=(",", ":")).encode


def line(at: int, event: Event) -> str:
    """One line of the log."""
    kind = type(event)
    return _encode({"at": at, "what": kind.__name__, **{name: getattr(event, name) for name in _NAMES[kind]}})

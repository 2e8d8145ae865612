"""How the world reaches the ledger: a Snapshot is what one collector saw at one instant; an Event
happened, with its own time and a stable id; a Reading carries both, with the cursors they move."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lnwatch.model.btcpay import BtcpayStatus, Invoices, Payouts, Rates, Store, StoreBalance, Webhooks
from lnwatch.model.chain import BitcoindStatus, Block, MempoolSighting, NbxplorerStatus, Network, Reorganisation
from lnwatch.model.host import HostStatus
from lnwatch.model.lightning import (
    BackupFile,
    ChannelEvent,
    Channels,
    ClosedChannel,
    Forward,
    HtlcEvent,
    LightningInvoice,
    LightningPayment,
    NodeStatus,
    Peers,
    PendingChannels,
    Policies,
    Wallet,
    Watchtower,
)
from lnwatch.model.merchant import (
    BtcpayInvoice,
    InvoiceGone,
    PaymentRequest,
    Payout,
    PullPayment,
    WebhookDelivery,
    WebhookEvent,
)
from lnwatch.model.probe import ProbeStatus


@dataclass(frozen=True, slots=True)
class StreamGap:
    """A stream that does not replay was away from `start` to `end`: what happened in between is unknown."""

    stream: str
    start: float
    end: float
    reason: str


Facts = (
    BitcoindStatus
    | NbxplorerStatus
    | ProbeStatus
    | HostStatus
    | NodeStatus
    | Channels
    | Policies
    | PendingChannels
    | Peers
    | Wallet
    | Watchtower
    | BackupFile
    | BtcpayStatus
    | Store
    | Invoices
    | Payouts
    | Rates
    | StoreBalance
    | Webhooks
)
Event = (
    Block
    | Reorganisation
    | MempoolSighting
    | LightningInvoice
    | LightningPayment
    | Forward
    | ClosedChannel
    | HtlcEvent
    | ChannelEvent
    | StreamGap
    | BtcpayInvoice
    | InvoiceGone
    | Payout
    | PullPayment
    | PaymentRequest
    | WebhookEvent
    | WebhookDelivery
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one collector saw at `at` (seconds since the epoch)."""

    site: str
    source: str
    collector: str
    at: float
    facts: Facts


@dataclass(frozen=True, slots=True)
class Backfill:
    """How far a collector is with its history: `done` of `total` rows, `total` None while unknown."""

    done: int
    total: int | None
    finished: bool


class TargetState(StrEnum):
    """How a system that we read is doing, as seen from outside."""

    UP = "up"
    STARTING = "starting"
    LOCKED = "locked"
    SYNCING = "syncing"
    HANGING = "hanging"
    REJECTED = "rejected"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What a source's leading collector says of the system as a whole.

    `detail` is one sentence where the state is not plainly `up`; `supported` is False outside the
    version range that lnwatch was tested with.
    """

    state: TargetState
    version: str
    supported: bool
    network: Network | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of a collector, or one message of a stream, brings to the ledger.

    `cursors` are stored in the transaction of `events`, and name everything up to and including them.
    `wakes` names collectors of the same source that have something to prove now; `more` asks for the
    next run at once, because a page was full; `history` marks events read by back-fill, which may
    wait behind live data.
    """

    facts: Facts | None = None
    target: TargetReport | None = None
    events: tuple[Event, ...] = ()
    cursors: Mapping[str, str] = field(default_factory=dict)
    wakes: frozenset[str] = frozenset()
    more: bool = False
    history: bool = False
    backfill: Backfill | None = None

"""What a Lightning node tells, whichever implementation it is. Amounts in millisatoshis (`_msat`)."""

from dataclasses import dataclass
from enum import StrEnum

from lnwatch.model.chain import Network
from lnwatch.model.money import Msat


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """Facts of the collector `node`: who the node is and how far it is."""

    public_key: str
    alias: str
    version: str
    network: Network
    block_height: int
    block_hash: str
    best_header_time: int
    synced_to_chain: bool
    synced_to_graph: bool
    wallet_synced: bool | None  # None before LND 0.21
    peers: int
    channels_active: int
    channels_inactive: int
    channels_pending: int
    rpc_seconds: float


@dataclass(frozen=True, slots=True)
class Constraints:
    """What one side demands of the HTLCs that it offers: owned by the side that offers, as in LND."""

    reserve_msat: Msat
    dust_limit_msat: Msat
    max_pending_msat: Msat
    min_htlc_msat: Msat
    max_accepted_htlcs: int
    csv_delay: int


@dataclass(frozen=True, slots=True)
class Htlc:
    """A pending HTLC of a channel. `index` is unique per channel and direction."""

    incoming: bool
    index: int
    amount_msat: Msat
    payment_hash: str
    expiry_height: int
    forwarding_channel: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """An open channel as our node sees it.

    `point` is the funding outpoint `TXID:N`, `channel_id` the short channel id as BOLT 7 writes it
    (`820000x12x1`; an alias for an unconfirmed zero-conf channel). Balances are net of HTLCs in flight.
    `anchors` tells whether the commitment has anchor outputs, from which the commit weight follows.
    """

    point: str
    channel_id: str
    peer: str
    active: bool
    private: bool
    initiator: bool
    capacity_msat: Msat
    local_msat: Msat
    remote_msat: Msat
    commit_fee_msat: Msat
    fee_per_kw: int
    anchors: bool
    unsettled_msat: Msat
    local: Constraints
    remote: Constraints
    htlcs: tuple[Htlc, ...]
    sent_msat: Msat
    received_msat: Msat
    zero_conf: bool
    status_flags: str


@dataclass(frozen=True, slots=True)
class Channels:
    """Facts of the collector `channels`."""

    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """One direction's gossip: `max_htlc_msat` 0 where it is not announced."""

    disabled: bool
    base_fee_msat: Msat
    fee_rate_ppm: int
    min_htlc_msat: Msat
    max_htlc_msat: Msat
    time_lock_delta: int
    last_update: int


@dataclass(frozen=True, slots=True)
class ChannelPolicies:
    """Both directions of one announced channel; None where that side never announced."""

    channel_id: str
    ours: ChannelPolicy | None
    theirs: ChannelPolicy | None


@dataclass(frozen=True, slots=True)
class Policies:
    """Facts of the collector `policies`: our own announced channels; private ones are not in it."""

    channels: tuple[ChannelPolicies, ...]


class PendingState(StrEnum):
    """Why a channel is not an open one."""

    OPENING = "opening"
    CLOSING = "closing"  # waiting for the closing transaction to confirm
    FORCE_CLOSING = "force_closing"  # confirmed, outputs not all swept


@dataclass(frozen=True, slots=True)
class PendingChannel:
    """A channel on its way in or out. `limbo_msat` is what we still have to get back.

    `cooperative` tells of a closing one whether both sides agreed to it; None where the node does not say.
    """

    point: str
    peer: str
    state: PendingState
    initiator: bool | None
    capacity_msat: Msat
    local_msat: Msat
    limbo_msat: Msat
    recovered_msat: Msat
    closing_txid: str | None
    maturity_height: int | None
    blocks_to_maturity: int | None
    confirmations_until_active: int | None
    cooperative: bool | None = None


@dataclass(frozen=True, slots=True)
class PendingChannels:
    """Facts of the collector `pending`."""

    channels: tuple[PendingChannel, ...]
    limbo_msat: Msat


class CloseKind(StrEnum):
    """How a channel ended."""

    COOPERATIVE = "cooperative"
    LOCAL_FORCE = "local_force"
    REMOTE_FORCE = "remote_force"
    BREACH = "breach"
    FUNDING_CANCELED = "funding_canceled"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class ClosedChannel:
    """A channel that is no more; the natural id is its funding outpoint."""

    point: str
    channel_id: str
    peer: str
    kind: CloseKind
    closing_txid: str
    close_height: int
    capacity_msat: Msat
    settled_msat: Msat
    time_locked_msat: Msat


@dataclass(frozen=True, slots=True)
class Peer:
    """A connected peer. `ping_seconds` is None before the first pong."""

    public_key: str
    address: str
    inbound: bool
    flaps: int
    last_flap_at: float | None
    ping_seconds: float | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Peers:
    """Facts of the collector `peers`."""

    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Wallet:
    """Facts of the collector `wallet`; `anchor_reserve_msat` is what anchors need to stay there."""

    confirmed_msat: Msat
    unconfirmed_msat: Msat
    locked_msat: Msat
    anchor_reserve_msat: Msat


@dataclass(frozen=True, slots=True)
class Watchtower:
    """Facts of the collector `watchtower`: None of a figure means that the client is off."""

    enabled: bool
    backups: int
    pending_backups: int
    failed_backups: int
    sessions_acquired: int
    sessions_exhausted: int


@dataclass(frozen=True, slots=True)
class BackupFile:
    """Facts of the collector `backup`: the channel-backup file on disk, proved against the open set.

    `missing` are open channels that the file does not cover, None where the node could not say.
    """

    path: str
    modified_at: float
    size: int
    sha256: str
    channels: int | None
    missing: tuple[str, ...] | None


class InvoiceState(StrEnum):
    """The states of a node's own invoice; `expired` is derived locally, LND has no such state."""

    OPEN = "open"
    ACCEPTED = "accepted"
    SETTLED = "settled"
    CANCELED = "canceled"
    EXPIRED = "expired"


INVOICE_FINAL = frozenset({InvoiceState.SETTLED, InvoiceState.CANCELED, InvoiceState.EXPIRED})


@dataclass(frozen=True, slots=True)
class InvoiceHtlc:
    """One part that reached an invoice; times in whole seconds, as LND keeps them."""

    channel_id: str
    index: int
    amount_msat: Msat
    accept_time: int
    resolve_time: int
    settled: bool
    canceled: bool
    expiry_height: int = 0


@dataclass(frozen=True, slots=True)
class LightningInvoice:
    """An invoice of the node; the natural id is the payment hash. Times in seconds since the epoch.

    `final_at` is when it became final: settle time, or the end of its life. `add_index` and
    `settle_index` are the node's own cursors (0: not settled).
    """

    payment_hash: str
    add_index: int
    settle_index: int
    state: InvoiceState
    value_msat: Msat
    paid_msat: Msat
    created_at: int
    expires_at: int
    final_at: int | None
    keysend: bool
    amp: bool
    private: bool
    htlcs: tuple[InvoiceHtlc, ...]


class PaymentState(StrEnum):
    """The states of an outgoing payment."""

    IN_FLIGHT = "in_flight"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LightningPayment:
    """A payment that our node made; the natural id is the payment hash, `index` the node's cursor."""

    payment_hash: str
    index: int
    state: PaymentState
    value_msat: Msat
    fee_msat: Msat
    created_at: float
    final_at: float | None
    failure: str | None
    destination: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Forward:
    """A payment that our node carried for others; the natural id is the incoming channel and HTLC."""

    at: float
    channel_in: str
    channel_out: str
    htlc_in: int
    htlc_out: int | None
    amount_in_msat: Msat
    amount_out_msat: Msat
    fee_msat: Msat


class HtlcOutcome(StrEnum):
    """What an HTLC event said."""

    FORWARDED = "forwarded"  # handed on, or for a receive: arrived
    SETTLED = "settled"
    FAILED = "failed"  # by the far side
    LINK_FAILED = "link_failed"  # by ourselves, with a detail
    FINAL_SETTLED = "final_settled"
    FINAL_FAILED = "final_failed"


class HtlcDirection(StrEnum):
    """Whose payment an HTLC belonged to."""

    SEND = "send"
    RECEIVE = "receive"
    FORWARD = "forward"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class HtlcEvent:
    """One line of the HTLC stream, which never replays. LND gives no payment hash for failures."""

    at: float
    direction: HtlcDirection
    outcome: HtlcOutcome
    channel_in: str | None
    channel_out: str | None
    htlc_in: int
    htlc_out: int
    amount_msat: Msat
    detail: str | None


class ChannelChange(StrEnum):
    """What a channel event said."""

    PENDING_OPEN = "pending_open"
    OPEN = "open"
    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"
    RESOLVED = "resolved"
    FUNDING_TIMEOUT = "funding_timeout"


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """One line of the channel stream, or a change seen between two polls."""

    at: float
    point: str
    change: ChannelChange

"""What one BTCPay Server and its stores look like at one instant: the facts of the collectors of `btcpay`.

Amounts and times are as in `merchant`; `store` is the slug of the configuration.
"""

from dataclasses import dataclass
from decimal import Decimal

from lnwatch.model.merchant import DeliveryStatus, Method, Payout, PayoutState, WebhookDelivery
from lnwatch.model.money import Msat


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a store. Of its address only the host is kept: the path may hold a secret.

    `recent` are its newest deliveries by status; `newest` the very newest, newest first, without what they told.
    """

    id: str
    host: str
    enabled: bool
    redelivers: bool
    recent: tuple[tuple[DeliveryStatus, int], ...]
    newest: tuple[WebhookDelivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Facts of the collector `webhooks_STORE`; None where the key may not see them."""

    store: str
    webhooks: tuple[Webhook, ...] | None


@dataclass(frozen=True, slots=True)
class StoreMethod:
    """A payment method that a store has set up; `id` is BTCPay's own."""

    id: str
    method: Method
    enabled: bool


@dataclass(frozen=True, slots=True)
class Store:
    """Facts of the collector `store_STORE`: the settings that judgement depends on.

    Durations in seconds; `monitoring_seconds` counts from expiry. `networkFeeMode` and `speedPolicy` are
    BTCPay's words. `limited_methods` have a lower or upper amount: an invoice may lack them without a fault.
    """

    store: str
    id: str
    archived: bool
    currency: str
    expiration_seconds: int
    monitoring_seconds: int
    speed_policy: str
    tolerance_percent: Decimal
    network_fee_mode: str
    lazy_methods: bool
    limited_methods: tuple[str, ...]
    methods: tuple[StoreMethod, ...]


@dataclass(frozen=True, slots=True)
class Invoices:
    """Facts of the collector `invoices_STORE`: how far the store was read.

    `read_until` is the watermark: whatever became of invoices that were open, or were made, up to that moment
    of BTCPay's clock was read. What changes on a final invoice (a late or second payment) is read by slower looks:
    it is no older than `trailing_until` for those whose monitoring was still on. `newest_offered` are the
    methods that the newest standard invoice with a price carries, None before the first. `utc_shift` are the
    seconds by which a host outside UTC shifts the times of payments, 0 where none is, None while unknown.
    """

    store: str
    read_until: float
    trailing_until: float | None
    open: int
    newest_created_at: int | None
    newest_offered: tuple[str, ...] | None
    utc_shift: int | None


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """What so many claim links (refunds, most of them) still promise in one currency."""

    currency: str
    amount: Decimal
    links: int


@dataclass(frozen=True, slots=True)
class Payouts:
    """Facts of the collector `payouts_STORE`: those that are not final, and the counts of all that are listed.

    `unclaimed` is what links that can still be claimed promise beyond the payouts claimed with them, None before the
    links were read.
    """

    store: str
    open: tuple[Payout, ...]
    counts: tuple[tuple[PayoutState, int], ...]
    unclaimed: tuple[Unclaimed, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """One currency's price of a bitcoin as BTCPay has it; None, with BTCPay's words for why, when it has none.

    `steady_since` is when a rate that moves came to its present value; None for one that was never seen to move
    as an exchange's does, such as a fixed one.
    """

    currency: str
    rate: Decimal | None
    errors: tuple[str, ...]
    steady_since: float | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """Facts of the collector `rates_STORE`. Without a rate BTCPay makes no invoice at all."""

    store: str
    rates: tuple[Rate, ...]


@dataclass(frozen=True, slots=True)
class LightningBalance:
    """What BTCPay says of the store's node; `remote_msat` still holds the peers' reserves."""

    local_msat: Msat
    remote_msat: Msat
    opening_msat: Msat
    closing_msat: Msat
    onchain_confirmed_msat: Msat
    onchain_unconfirmed_msat: Msat


@dataclass(frozen=True, slots=True)
class StoreBalance:
    """Facts of the collector `balances_STORE`; up to 5 minutes old, as BTCPay caches them.

    A figure is None where the store has no such wallet or the key may not see it; `unseen` says which and why.
    """

    store: str
    confirmed_msat: Msat | None
    unconfirmed_msat: Msat | None
    lightning: LightningBalance | None
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChainSync:
    """How far NBXplorer is with one chain, as BTCPay last heard, up to 60 s ago or much longer.

    `chain_height` is the tip that the indexer knows, `sync_height` its last indexed block. With bitcoind dead
    both are worthless: `chain_height` is None then, never 0.
    """

    method: str
    available: bool
    chain_height: int | None
    sync_height: int | None
    node_blocks: int | None
    node_headers: int | None
    verification_progress: Decimal | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A figure of BtcpayStatus that must not be believed now: its field's name, and why."""

    field: str
    why: str


@dataclass(frozen=True, slots=True)
class BtcpayStatus:
    """Facts of the collector `status` of btcpay: health and server info.

    `synchronized` is health's word, or server info's, which repeats the same cache. `indexer_answers` is False
    where server info fails with an empty 500, which means that NBXplorer is away and BTCPay itself is well;
    then `version` is the last one known ("" for none) and `chains` is empty. `doubts` name what is not to be
    believed, because BTCPay repeats what it once heard: for the heights, ask NBXplorer and bitcoind. Lightning
    is in none of it.
    """

    version: str
    synchronized: bool
    indexer_answers: bool
    fully_synced: bool | None
    chains: tuple[ChainSync, ...]
    supported_methods: tuple[str, ...]
    doubts: tuple[Doubt, ...]
    rpc_seconds: float
    clock_offset: float | None

    def doubted(self, field: str) -> bool:
        """Whether the figure of that name is not to be believed now."""
        return any(doubt.field == field for doubt in self.doubts)

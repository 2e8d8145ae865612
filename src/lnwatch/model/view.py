"""A View: everything that is known of one site at one instant, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lnwatch.model.kpi import Demand, KpiFigure, Payability
from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat
from lnwatch.model.order import Order, PaymentException, Rail
from lnwatch.model.snapshot import Backfill, Event, Snapshot, TargetState


@dataclass(frozen=True, slots=True)
class Fault:
    """The last failure of a collector: a FailureReason's value, and words that a person can act on."""

    at: float
    reason: str
    message: str
    permission: str | None = None


@dataclass(frozen=True, slots=True)
class CollectorHealth:
    """How one collector or stream fares. Seconds; `interval` 0 for a stream.

    `success` is that of the newest finished run; `fault` stays until the next success. `runs`,
    `errors` count since the process started; `calls` and `bytes_received` are what was asked of the
    source since then.
    """

    name: str
    interval: float
    success: bool
    last_run_at: float | None
    last_success_at: float | None
    duration: float
    runs: int
    errors: Mapping[str, int]
    fault: Fault | None
    backfill: Backfill | None

    def stale(self, now: float) -> bool:
        """Whether what it last saw is older than three intervals, and so must not be shown as true."""
        if self.last_success_at is None:
            return True
        return self.interval > 0 and now - self.last_success_at > 3 * self.interval


@dataclass(frozen=True, slots=True)
class CredentialScope:
    """What a credential may do: `missing` pairs a permission with what it costs to lack it; `excess` are
    rights that lnwatch does not need, as sentences. Never a secret."""

    missing: tuple[tuple[str, str], ...]
    excess: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TargetView:
    """One source of a site. `state` None until its first answer or failure; `since` is when it began."""

    slug: str
    kind: str
    lightning: bool
    state: TargetState | None
    since: float | None
    detail: str
    version: str
    supported: bool
    network: str | None
    calls: int
    bytes_received: int
    tls_expires_at: float | None
    collectors: Mapping[str, CollectorHealth]
    snapshots: Mapping[str, Snapshot]
    tls_begins_at: float | None = None
    credential: CredentialScope | None = None

    def fresh(self, collector: str, now: float) -> Snapshot | None:
        """The newest snapshot of a collector, or None where it is older than three intervals."""
        snapshot = self.snapshots.get(collector)
        health = self.collectors.get(collector)
        if snapshot is None or health is None:
            return None
        return None if now - snapshot.at > 3 * health.interval else snapshot


@dataclass(frozen=True, slots=True)
class NodeTotals:
    """Lifetime counters of a node's own invoices since the site's birth; final outcomes, each once."""

    outcomes: Mapping[InvoiceState, int]
    received_msat: Msat


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as the ledger has it: `source` told of it, and it happened at `at`."""

    source: str
    at: float
    event: Event


@dataclass(frozen=True, slots=True)
class StateSpan:
    """`source` came into `state` at `at`; the next span of the same source ends it."""

    source: str
    at: float
    state: TargetState
    version: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """A source's own normal: the median of `samples` hourly means."""

    median: float
    samples: int


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that was wrong with lnwatch itself from `start` to `end` (None: still); `words` for people."""

    start: float
    end: float | None
    words: str


@dataclass(frozen=True, slots=True)
class OwnHealth:
    """What lnwatch knows of itself; only in the View of the reserved site `lnwatch`.

    `deliveries` maps a channel of delivery to what keeps its messages parked; `broken_rules` a rule id to
    its error; the episodes are those of the last day. `journal` is why the journal can't be trusted, empty while it
    holds together.
    """

    deliveries: Mapping[str, Episode] = field(default_factory=dict)
    broken_rules: Mapping[str, str] = field(default_factory=dict)
    ledger: tuple[Episode, ...] = ()
    loop_stalls: tuple[Episode, ...] = ()
    clock_jumps: tuple[Episode, ...] = ()
    journal: str = ""


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice that may still be paid; `amount_msat` is what is due over Lightning, None without that method."""

    id: str
    created_at: int
    expires_at: int
    processing: bool
    amount_msat: Msat | None
    offered: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class ShopView:
    """One store as judgement sees it. `source` is its BTCPay Server's slug, `node` its Lightning node's, None while
    that is not known.

    `open_invoices` are the newest 1,000, oldest first, `open_count` all of them. `settlements` are the last 60
    settled orders of each rail, `exceptions` those on payments that are not put right (the newest 500 of
    `exception_count`). `counters` are lifetime sums since the store's birth, by the names of `domain/tally.py`.
    `read_until` is the watermark up to which BTCPay was read, None before the first reading.
    """

    store: str
    source: str
    node: str | None
    read_until: float | None
    open_invoices: tuple[OpenInvoice, ...] = ()
    open_count: int = 0
    settlements: Mapping[Rail, tuple[Order, ...]] = field(default_factory=dict)
    exceptions: tuple[PaymentException, ...] = ()
    exception_count: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    payability: tuple[Payability, ...] = ()


# The very same object for every View: who looks whether anything changed looks at that.
_NO_SHOPS: Mapping[str, ShopView] = {}
_NO_DEMAND: Mapping[str, Demand] = {}


def _no_shops() -> Mapping[str, ShopView]:
    return _NO_SHOPS


def _no_demand() -> Mapping[str, Demand]:
    return _NO_DEMAND


@dataclass(frozen=True, slots=True)
class View:
    """Everything that judgement may read about one site, at one instant.

    `events` and `states` are those of the last 24 hours, oldest first (closed channels: 30 days); `held`
    are accepted, unsettled invoices by node; `baselines` are keyed by source and series
    (`rpc_seconds`, `next_block_fee`: sat/vB, `watchtower_pending`). `shops` is keyed by store slug, `demand` by
    node slug; `kpis` are reckoned anew once a minute.
    """

    site: str
    at: float
    born_at: float | None
    targets: Mapping[str, TargetView]
    liquidity: Mapping[str, NodeLiquidity]
    totals: Mapping[str, NodeTotals]
    events: tuple[Happening, ...] = ()
    states: tuple[StateSpan, ...] = ()
    held: Mapping[str, tuple[LightningInvoice, ...]] = field(default_factory=dict)
    baselines: Mapping[tuple[str, str], Baseline] = field(default_factory=dict)
    own: OwnHealth | None = None
    shops: Mapping[str, ShopView] = field(default_factory=_no_shops)
    demand: Mapping[str, Demand] = field(default_factory=_no_demand)
    kpis: tuple[KpiFigure, ...] = ()

"""Everything that is known at one instant: a View per site, an Assessment over all; frozen, so that the
exporter and the pages read it without a lock, a query or a call."""

from collections.abc import Mapping
from dataclasses import dataclass

from lnwatch.model.lightning import InvoiceState
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Backfill, Snapshot, TargetState


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
class View:
    """Everything that judgement may read about one site, at one instant."""

    site: str
    at: float
    born_at: float | None
    targets: Mapping[str, TargetView]
    liquidity: Mapping[str, NodeLiquidity]
    totals: Mapping[str, NodeTotals]


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Whether the ledger can be written, and what stands against it."""

    writable: bool
    trouble: str
    backend: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer of one cycle over every site; `cycle` counts since the process started."""

    at: float
    cycle: int
    views: Mapping[str, View]
    ledger: LedgerHealth
    starts: int

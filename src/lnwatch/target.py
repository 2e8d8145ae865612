"""One source at run time: what its collectors last did, what it last said, and the state that follows."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.snapshot import Backfill, Reading, Snapshot, TargetReport, TargetState
from lnwatch.model.view import CollectorHealth, CredentialScope, Fault, TargetView
from lnwatch.sources import Checkup, Scope, Source, state_after

UNSEEN = TargetReport(state=TargetState.DOWN, version="", supported=True)

# While a target is in one of these, only its leading collector goes on asking. A hanging one is not among
# them: LND whose bitcoind died goes on answering everything that needs no chain, settlements above all.
UNREACHABLE = frozenset({TargetState.DOWN, TargetState.REJECTED, TargetState.LOCKED, TargetState.STARTING})


@dataclass(slots=True)
class CollectorRecord:
    """What one collector or stream did since the process started; `interval` 0 for a stream.

    `read_until` is the end of the last run that read all there was, and that was stored.
    """

    name: str
    interval: float
    success: bool = False
    last_run_at: float | None = None
    last_success_at: float | None = None
    duration: float = 0.0
    runs: int = 0
    failures_in_a_row: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None
    backfill: Backfill | None = None
    read_until: float | None = None

    def succeeded(self, at: float, duration: float) -> None:
        """A run came to a good end at `at`."""
        self.runs += 1
        self.success, self.fault, self.failures_in_a_row = True, None, 0
        self.last_run_at = self.last_success_at = at
        self.duration = duration

    def failed(self, at: float, duration: float, error: SourceError) -> None:
        """A run failed at `at`."""
        self.runs += 1
        self.success = False
        self.failures_in_a_row += 1
        self.last_run_at, self.duration = at, duration
        self.errors[error.reason.value] += 1
        self.fault = Fault(at, error.reason.value, error.message, error.permission)

    def health(self) -> CollectorHealth:
        """A frozen copy."""
        return CollectorHealth(
            name=self.name,
            interval=self.interval,
            success=self.success,
            last_run_at=self.last_run_at,
            last_success_at=self.last_success_at,
            duration=self.duration,
            runs=self.runs,
            errors=dict(self.errors),
            fault=self.fault,
            backfill=self.backfill,
        )


class Target:
    """One configured source while the daemon runs. Only the event loop's thread touches it."""

    def __init__(self, *, site: str, slug: str, kind: str, lightning: bool, source: Source) -> None:
        """Nothing is known yet: `state` is None until the first answer or failure."""
        self.site = site
        self.slug = slug
        self.kind = kind
        self.lightning = lightning
        self.source = source
        self.state: TargetState | None = None
        self.since: float | None = None
        self.report = UNSEEN
        self.detail = ""
        self.credential: CredentialScope | None = None
        self.tls_begins_at: float | None = None
        self.snapshots: dict[str, Snapshot] = {}
        self.records = {
            **{collector.name: CollectorRecord(collector.name, collector.interval) for collector in source.collectors},
            **{f"{stream.name}_stream": CollectorRecord(f"{stream.name}_stream", 0.0) for stream in source.streams},
        }

    @property
    def lead(self) -> str:
        """The collector whose failure is the target's state."""
        return self.source.collectors[0].name

    @property
    def reachable(self) -> bool:
        """Whether collectors other than the lead have anything to ask for."""
        return self.state is not None and self.state not in UNREACHABLE

    def open_door(self, name: str) -> Callable[[float, SourceError | None], None]:
        """Keep a record of what the source tells at our own door, as of a stream; call what comes back each time, with
        what was wrong with it."""
        record = self.records.setdefault(name, CollectorRecord(name, 0.0))

        def came(at: float, error: SourceError | None) -> None:
            if error is None:
                record.succeeded(at, 0.0)
            else:
                record.failed(at, 0.0, error)

        return came

    def remember(self, state: TargetState, since: float, detail: str, version: str) -> None:
        """Take over what the ledger knew from before this start; `state` itself must be seen anew."""
        self.since = since
        self.report = TargetReport(state=state, version=version, supported=True)
        self.detail = detail

    def enter(self, at: float, report: TargetReport) -> bool:
        """Take a new report; whether the state changed, the ledger's memory of it included."""
        known = self.state if self.state is not None else (self.report.state if self.since is not None else None)
        changed = report.state is not known or report.version != self.report.version
        if report.state is not known:
            self.since = at
        self.state, self.report, self.detail = report.state, report, report.detail
        return changed

    def failed_lead(self, at: float, error: SourceError) -> bool:
        """Take a failure of the leading collector; whether the state changed."""
        if error.reason is FailureReason.BUG:
            return False  # a fault of our own says nothing of the target
        last = self.report
        return self.enter(
            at, TargetReport(state_after(error.reason), last.version, last.supported, last.network, error.message)
        )

    def take(self, collector: str, at: float, reading: Reading) -> None:
        """Keep what a stored reading brought."""
        if reading.facts is not None:
            self.snapshots[collector] = Snapshot(self.site, self.slug, collector, at, reading.facts)
        if reading.backfill is not None:
            self.records[collector].backfill = reading.backfill

    def examined(self, checkup: Checkup, now: float) -> None:
        """Keep what a look at the source said of its credential and its certificate."""
        if checkup.reachable and checkup.scope is not Scope.UNKNOWN:
            self.credential = CredentialScope(checkup.missing, checkup.excess)
        end, left = checkup.tls_expires_at, checkup.tls_lifetime_left
        if end is not None and left is not None and 0 < left < 1:
            self.tls_begins_at = end - (end - now) / left

    @property
    def forbidden(self) -> frozenset[str]:
        """The collectors that may not read what they are to."""
        faults = {name: record.fault for name, record in self.records.items() if record.interval}
        refused = FailureReason.FORBIDDEN.value
        return frozenset(name for name, fault in faults.items() if fault is not None and fault.reason == refused)

    def view(self) -> TargetView:
        """A frozen copy of everything."""
        network = self.report.network
        return TargetView(
            slug=self.slug,
            kind=self.kind,
            lightning=self.lightning,
            state=self.state,
            since=self.since,
            detail=self.detail,
            version=self.report.version,
            supported=self.report.supported,
            network=network.value if network is not None else None,
            calls=self.source.cost.calls,
            bytes_received=self.source.cost.bytes_received,
            tls_expires_at=self.source.tls_expires_at,
            collectors={name: record.health() for name, record in self.records.items()},
            snapshots=dict(self.snapshots),
            tls_begins_at=self.tls_begins_at,
            credential=self.credential,
        )

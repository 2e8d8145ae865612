"""The world, read only: one module or package per system, each with its well-known name `SOURCE`.

A source is a set of collectors, which poll and are the truth, and of streams, which are hints that make
it fast. Neither may change anything outside. They know nothing of the ledger but `Memory`, and of time
only the clock that they are given.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from lnwatch.clock import Clock
from lnwatch.errors import FailureReason
from lnwatch.fields import Settings
from lnwatch.model.chain import Block, Network, WatchedTransaction
from lnwatch.model.lightning import LightningInvoice, LightningPayment
from lnwatch.model.snapshot import Reading, TargetState
from lnwatch.net import Door


class Memory(Protocol):
    """What a source may ask of the ledger about its own past."""

    async def cursor(self, name: str) -> str | None:
        """The stored cursor of that name, None before the first."""
        ...

    async def born_at(self) -> float | None:
        """The source's first good cycle; None while it has had none."""
        ...

    async def watched(self) -> tuple[WatchedTransaction, ...]:
        """The watch list of this site: entries not yet buried deep enough to be forgotten."""
        ...

    async def blocks(self, limit: int) -> tuple[Block, ...]:
        """The newest blocks of the active chain as this source last knew it, newest first."""
        ...

    async def open_invoices(self, limit: int) -> tuple[LightningInvoice, ...]:
        """This node's invoices that are not final, by rising add index."""
        ...

    async def open_payments(self, limit: int) -> tuple[LightningPayment, ...]:
        """This node's payments that are not final, by rising index."""
        ...


class Collector(Protocol):
    """One thing that a source reads, at its own pace."""

    @property
    def name(self) -> str:
        """Stable: label value, cursor prefix, snapshot key."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between starts."""
        ...

    @property
    def deadline(self) -> float:
        """Seconds after which a run is given up; shorter than the interval."""
        ...

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError; nothing else is expected."""
        ...


class Stream(Protocol):
    """Something that the source tells by itself."""

    @property
    def name(self) -> str:
        """Stable: label value, cursor prefix."""
        ...

    @property
    def replays(self) -> bool:
        """Whether the source tells again from our cursor what we missed; else gaps are recorded."""
        ...

    def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:
        """Connect and yield; the first Reading (empty or not) says that the stream stands.

        Raises SourceError when it is cut; the caller reconnects.
        """
        ...


_STATES = {
    FailureReason.TIMEOUT: TargetState.HANGING,
    FailureReason.OVERLOADED: TargetState.HANGING,
    FailureReason.TLS: TargetState.REJECTED,
    FailureReason.REJECTED: TargetState.REJECTED,
    FailureReason.FORBIDDEN: TargetState.REJECTED,
    FailureReason.CREDENTIAL_UNREADABLE: TargetState.REJECTED,
    FailureReason.STARTING: TargetState.STARTING,
    FailureReason.LOCKED: TargetState.LOCKED,
    FailureReason.SYNCING: TargetState.SYNCING,
}


def state_after(reason: FailureReason) -> TargetState:
    """What a failure of the leading collector, or of a look, says of the system as a whole."""
    return _STATES.get(reason, TargetState.DOWN)


class Scope(StrEnum):
    """How a credential's rights compare with what lnwatch needs."""

    ENOUGH = "enough"
    TOO_LITTLE = "too_little"
    TOO_MUCH = "too_much"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Checkup:
    """What one look at a source found, for `lnwatch check`. Never holds a secret.

    `missing` pairs a permission with what it costs to lack it; `excess` are rights that lnwatch does not
    need. `tls_lifetime_left` is a share (0-1), `tls_expires_at` in epoch seconds; None where there is no
    TLS. `problems` are things to mend, `warnings` things to know; both are sentences.
    """

    reachable: bool
    state: TargetState
    version: str = ""
    supported: bool | None = None
    network: Network | None = None
    scope: Scope = Scope.UNKNOWN
    missing: tuple[tuple[str, str], ...] = ()
    excess: tuple[str, ...] = ()
    tls_expires_at: float | None = None
    tls_lifetime_left: float | None = None
    clock_offset: float | None = None
    synced: bool | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Cost:
    """What was asked of a source since the process started."""

    calls: int = 0
    bytes_received: int = 0


class Source(Protocol):
    """One configured system. The first collector leads: its failure is the target's state."""

    @property
    def collectors(self) -> Sequence[Collector]:
        """At least one."""
        ...

    @property
    def streams(self) -> Sequence[Stream]:
        """May be empty."""
        ...

    @property
    def cost(self) -> Cost:
        """Counted as it goes."""
        ...

    @property
    def tls_expires_at(self) -> float | None:
        """When the certificate that it last presented ends, epoch seconds; None without TLS."""
        ...

    async def check(self) -> Checkup:
        """Look at everything once. Raises nothing that is the source's fault: it is in the answer."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source stands and what it is given."""

    site: str
    slug: str
    clock: Clock
    door: Door


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class SourceKind(Generic[S]):
    """The well-known `SOURCE` of a module in this room.

    `kind` is its name in the configuration and in labels; `lightning` marks a Lightning node, whose
    slug is the label `node`.
    """

    kind: str
    settings: type[S]
    open: Callable[[Place, S], Source]
    lightning: bool = False

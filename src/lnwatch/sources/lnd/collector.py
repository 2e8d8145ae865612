"""What all collectors of this source share: their pace, their way to the node, and what they know together."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from lnwatch.clock import Clock
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.client import LndClient
from lnwatch.sources.lnd.methods import A, Method, Q
from lnwatch.sources.lnd.pacing import Hints, Lane
from lnwatch.sources.lnd.version import UNKNOWN, Version


@dataclass(slots=True)
class Known:
    """What one collector learnt and others need. `open_points` None until the channels were listed; `held_against`
    are those of them that the newest look at the backup knew of.

    `held` are the payment hashes of HTLCs that came in and stay: their invoices may be accepted. Those that two
    lists in a row had are `staying`.
    """

    public_key: str = ""
    version: Version = UNKNOWN
    open_points: frozenset[str] | None = None
    held_against: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    staying: frozenset[str] = frozenset()
    tls_expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One LND as its collectors share it."""

    client: LndClient
    clock: Clock
    hints: Hints
    known: Known = field(default_factory=Known)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a collector runs, where its calls queue, and how long one may take; seconds."""

    interval: float
    lane: Lane
    call_timeout: float


class Turn:
    """One run's way to the node: each call waits for its slot, unless the run is urgent.

    `waited` are the seconds spent in the queue, `took` those of the last call, `busy` those of all.
    """

    def __init__(self, node: Node, pace: Pace, *, urgent: bool) -> None:
        self._node = node
        self._pace = pace
        self._urgent = urgent
        self.waited = 0.0
        self.took = 0.0
        self.busy = 0.0

    @property
    def share(self) -> float:
        """How much of its time limit the last call used."""
        return self.took / self._pace.call_timeout

    async def call(self, method: Method[Q, A], request: Q, *, paced: bool = True) -> A:
        """Ask the node. A call that is not `paced` goes at once: something has happened that it proves."""
        if paced and not self._urgent:
            self.waited += await self._pace.lane.take()
        asked = self._node.clock.monotonic()
        try:
            return await self._node.client.call(method, request, seconds=self._pace.call_timeout)
        finally:
            self.took = self._node.clock.monotonic() - asked
            self.busy += self.took


class Polled(ABC):
    """A collector; `read` is its work."""

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        self.name = name
        self.node = node
        self.pace = pace
        self._waited = 0.0

    @property
    def interval(self) -> float:
        """Seconds between starts. What the last run waited is added: its call, not its start, sets the
        beat, or collectors that begin together would queue in every round anew."""
        return self.pace.interval + self._waited

    @property
    def deadline(self) -> float:
        """Nearly the whole interval: a slow collector may have to wait for its slot."""
        return 0.95 * self.pace.interval

    async def collect(self, memory: Memory) -> Reading:
        """Read once. Raises SourceError."""
        turn = Turn(self.node, self.pace, urgent=self.node.hints.take(self.name))
        try:
            reading = await self.read(memory, turn)
        finally:
            self._waited = turn.waited
            self.node.hints.spent(self.name, turn.busy)
        if reading.more:
            self.node.hints.expect([self.name])
        return reading

    @abstractmethod
    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """What the node says now."""

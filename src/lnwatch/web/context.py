"""What every route may use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lnwatch.clock import Clock
from lnwatch.model.assessment import Assessment
from lnwatch.model.case import Case, Fingerprint
from lnwatch.store import CaseRecord
from lnwatch.web.settings import WebSettings


class Exposition(Protocol):
    """Where scrapes are answered from; nothing here waits."""

    def metrics(self, *, openmetrics: bool) -> bytes:
        """The body of `/metrics`."""
        ...

    def channels(self, *, openmetrics: bool, gzip: bool) -> bytes:
        """The body of `/metrics/channels`, compressed where asked."""
        ...


class Archive(Protocol):
    """What the ledger still knows of cases, read apart from whoever writes it. Raises LedgerError where it can't be."""

    async def case(self, fingerprint: Fingerprint) -> CaseRecord | None:
        """A case with its newest steps and messages; None where nothing is known of it."""
        ...

    async def cases_between(self, since: float, until: float) -> tuple[Case, ...]:
        """Openings that were open at some time from `since` up to `until`, the newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """`current` gives the newest Assessment, None before the first; `started` is in the clock's monotonic seconds."""

    settings: WebSettings
    exposition: Exposition
    current: Callable[[], Assessment | None]
    archive: Archive
    clock: Clock
    started: float

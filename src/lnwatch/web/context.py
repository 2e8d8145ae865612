"""What every route may use."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lnwatch.clock import Clock
from lnwatch.model.assessment import Assessment
from lnwatch.web.settings import WebSettings


class Exposition(Protocol):
    """Where scrapes are answered from; nothing here waits."""

    def metrics(self, *, openmetrics: bool) -> bytes:
        """The body of `/metrics`."""
        ...

    def channels(self, *, openmetrics: bool, gzip: bool) -> bytes:
        """The body of `/metrics/channels`, compressed where asked."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """`current` gives the newest Assessment, None before the first; `started` is in the clock's monotonic seconds."""

    settings: WebSettings
    exposition: Exposition
    current: Callable[[], Assessment | None]
    clock: Clock
    started: float

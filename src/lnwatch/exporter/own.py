"""lnwatch's own live metrics: its process, how late its event loop runs, what became of its messages."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

from lnwatch.exporter.notifications import Notifications, Tally
from lnwatch.exporter.thresholds import Thresholds

# The bar is 50 ms; what lies far above says how bad it was.
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class OwnMetrics:
    """Registers them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        ProcessCollector(namespace="lnwatch", registry=registry)
        self._lag = Histogram(
            "lnwatch_loop_lag_seconds",
            "How much later than asked for the event loop woke a sleeper.",
            buckets=_BUCKETS,
            registry=registry,
        )

    def tell_notifications(self, tally: Tally, edges: Sequence[float], paging: str) -> None:
        """Tell what delivery counts from now on, and who pages (`lnwatch` or `alertmanager`)."""
        self._registry.register(Notifications(tally, edges, paging))

    def tell_thresholds(self, thresholds: Mapping[str, Mapping[str, Any]]) -> None:
        """Tell the limits that rules judge by, by site and rule."""
        self._registry.register(Thresholds(thresholds))

    def lagged(self, seconds: float) -> None:
        """Somebody who slept was woken so much later than asked for."""
        self._lag.observe(seconds)

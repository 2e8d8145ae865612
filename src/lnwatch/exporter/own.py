"""lnwatch's own live metrics: its process, and how late its event loop runs."""

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector

from lnwatch.clock import Clock

_PAUSE = 0.25  # seconds between two looks at the loop
# The bar is 50 ms; what lies far above says how bad it was.
_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class OwnMetrics:
    """Registers them, and measures the loop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ProcessCollector(namespace="lnwatch", registry=registry)
        self._lag = Histogram(
            "lnwatch_loop_lag_seconds",
            "How much later than asked for the event loop woke a sleeper.",
            buckets=_BUCKETS,
            registry=registry,
        )

    async def watch_loop(self, clock: Clock) -> None:
        """Measure until cancelled."""
        while True:
            before = clock.monotonic()
            await clock.sleep(_PAUSE)
            self._lag.observe(max(0.0, clock.monotonic() - before - _PAUSE))

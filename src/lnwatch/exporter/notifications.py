"""What became of the messages that were to be told, from the plain numbers that delivery counts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Latency(Protocol):
    """Counts between the edges, not cumulated, and the sum of all seconds."""

    @property
    def counts(self) -> Sequence[int]: ...  # noqa: D102 - the class says it
    @property
    def total(self) -> float: ...  # noqa: D102 - likewise


class Tally(Protocol):
    """Counts by channel and outcome, latencies by channel."""

    @property
    def outcomes(self) -> Mapping[tuple[str, str], int]: ...  # noqa: D102 - the class says it
    @property
    def latencies(self) -> Mapping[str, Latency]: ...  # noqa: D102 - likewise


class Notifications(Collector):
    """Reads `tally` at each scrape. `edges` are its latencies' buckets; `paging` is who pages."""

    def __init__(self, tally: Tally, edges: Sequence[float], paging: str) -> None:
        self._tally = tally
        self._edges = [*map(floatToGoString, edges), "+Inf"]
        self._paging = paging

    def collect(self) -> Iterator[Metric]:
        """Three families."""
        yield InfoMetricFamily("lnwatch_routing", "Who pages; always 1.", value={"paging": self._paging})
        outcomes = CounterMetricFamily(
            "lnwatch_notifications",
            "What became of notices, each counted once in a digest too.",
            labels=("channel", "outcome"),
        )
        for labels, count in self._tally.outcomes.items():
            outcomes.add_metric(labels, count)
        yield outcomes
        latencies = HistogramMetricFamily(
            "lnwatch_notification_latency_seconds",
            "From the change of a case until the service took the message.",
            labels=("channel",),
        )
        for channel, latency in self._tally.latencies.items():
            buckets = list(zip(self._edges, accumulate(latency.counts), strict=True))
            latencies.add_metric((channel,), buckets, latency.total)
        yield latencies

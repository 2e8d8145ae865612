"""What delivery counts, as plain numbers for the exporter."""

from bisect import bisect_left
from dataclasses import dataclass, field

OUTCOMES = ("sent", "retried", "parked")
EDGES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0)  # seconds from a change to its receipt


@dataclass(slots=True)
class Latency:
    """A histogram: `counts` per edge of EDGES, the last one for what took longer; not cumulated."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(EDGES) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        seconds = max(0.0, seconds)  # the wall clock may have been set back since
        self.counts[bisect_left(EDGES, seconds)] += 1
        self.total += seconds


class Tally:
    """Since the process started, by channel; every channel and outcome is there from the start, at 0.

    Counted are notices: a digest of thirty is thirty sent. What needed no message is not counted.
    """

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.outcomes = {(channel, outcome): 0 for channel in channels for outcome in OUTCOMES}
        self.latencies = {channel: Latency() for channel in channels}

    def count(self, channel: str, outcome: str, number: int = 1) -> None:
        """Add to one counter."""
        self.outcomes[channel, outcome] += number

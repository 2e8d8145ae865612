"""What one order adds to the sums and counters of its site."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Share:
    """`n` events of a series at `at` (epoch seconds), with `amount` (msat, or ms for latencies) in all.

    `subject` is `store:SLUG`. The series' name says rail and outcome; `domain/tally.py` has them all.
    """

    subject: str
    series: str
    at: float
    n: int = 1
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Sum:
    """What the shares of a series came to in one bucket, which begins at `start`, or over several of them."""

    subject: str
    series: str
    start: int
    n: int
    amount: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What an order, as it stands, adds: the ledger applies the difference to what it added before.

    `shares` go into the buckets, from history too, and are corrected by what comes after finality. `counters`
    (by name, of the store) move once, in the transaction that gives a live order its sequence number, and are
    never corrected. `later` are those with a moment of their own (refunds): each name moves once per order.
    """

    shares: tuple[Share, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    later: Mapping[str, int] = field(default_factory=dict)

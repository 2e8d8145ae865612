"""Sums that every batch adds to: windows of 5 minutes and of an hour, lifetime counters, figures by hour.

All of them are commutative whole numbers, so that late, shuffled and back-filled events just add up.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Table

from lnwatch.model.lightning import InvoiceState
from lnwatch.model.money import MAX_MSAT
from lnwatch.model.tally import Share
from lnwatch.store import tables
from lnwatch.store.upsert import Row, greatest, least, merge, plus

FIVE_MINUTES = 300
HOUR = 3_600

RECEIVED = "received_msat"
OUTCOMES = {
    InvoiceState.SETTLED: "invoices_settled",
    InvoiceState.EXPIRED: "invoices_expired",
    InvoiceState.CANCELED: "invoices_canceled",
}
LIFETIME = (*OUTCOMES.values(), RECEIVED)  # of a Lightning node: there from its birth on, at 0


def start_of(at: float, width: int) -> int:
    """First second of the UTC window of `width` seconds that holds `at`."""
    return int(at // width) * width


@dataclass(frozen=True, slots=True)
class Summand:
    """`n` events of a series at `at`, with `amount` msat in all; both negative to take them back."""

    series: str
    at: float
    amount: int
    n: int = 1


class Rollups:
    """What one batch adds; `write` brings it into the ledger in the batch's transaction.

    `keep` is how long 5-minute buckets are kept, in seconds: what is older when it is told goes into
    hours alone, or back-fill would write windows that the next pruning removes.
    """

    def __init__(self, keep: float) -> None:
        """Nothing is added yet."""
        self._keep = keep
        self._buckets: dict[tuple[str, str, str, int, int], list[int]] = defaultdict(lambda: [0, 0])
        self._counters: dict[tuple[str, str, str], int] = defaultdict(int)
        self._hours: dict[tuple[str, str, str, str, int], list[int]] = {}

    def count(self, key: tuple[str, str], told_at: float, summand: Summand) -> None:
        """Add to the windows of the node `key` (site, source) what it told at `told_at`."""
        self._count(key[0], f"node:{key[1]}", told_at, summand)

    def share(self, site: str, told_at: float, share: Share, sign: int = 1) -> None:
        """Add to the windows of its subject what came to be known at `told_at`; with the sign -1 take it back."""
        self._count(site, share.subject, told_at, Summand(share.series, share.at, sign * share.amount, sign * share.n))

    def _count(self, site: str, subject: str, told_at: float, summand: Summand) -> None:
        # There is no amount above all bitcoin; a few that lie would overflow the sum.
        amount = summand.amount if abs(summand.amount) <= MAX_MSAT else 0
        for width in (FIVE_MINUTES, HOUR):
            start = start_of(summand.at, width)
            if width == HOUR or start > told_at - self._keep:
                sums = self._buckets[site, subject, summand.series, width, start]
                sums[0] += summand.n
                sums[1] += amount

    def add(self, key: tuple[str, str], name: str, amount: int = 1) -> None:
        """Move a lifetime counter on."""
        self._counters[*key, name] += amount if 0 <= amount <= MAX_MSAT else 0

    def figure(self, key: tuple[str, str], series: str, subject: str, at: float, value: int) -> None:
        """Note one figure of the hour that holds `at`."""
        hour = (*key, series, subject, start_of(at, HOUR))
        if (sums := self._hours.get(hour)) is None:
            self._hours[hour] = [1, value, value, value]
        else:
            sums[:] = sums[0] + 1, sums[1] + value, min(sums[2], value), max(sums[3], value)

    def write(self, connection: Connection) -> None:
        """Add everything to what is stored."""
        buckets = ((*key, *sums) for key, sums in self._buckets.items() if any(sums))
        merge(connection, tables.bucket, _rows(tables.bucket, buckets), {"n": plus, "sum": plus})
        counters = ((*key, value) for key, value in self._counters.items() if value)
        merge(connection, tables.counter, _rows(tables.counter, counters), {"value": plus})
        hours = ((*key, *sums) for key, sums in self._hours.items())
        folds = {"n": plus, "sum": plus, "min": least, "max": greatest}
        merge(connection, tables.hourly, _rows(tables.hourly, hours), folds)


def _rows(table: Table, values: Iterable[tuple[object, ...]]) -> list[Row]:
    names = table.columns.keys()
    return [dict(zip(names, each, strict=True)) for each in values]

"""Sums and counters of stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from lnwatch.model.tally import Sum
from lnwatch.store.orders.commit import OF_STORE
from lnwatch.store.tables import bucket, counter

_OF_STORES = bucket.c.subject.between(OF_STORE, "store;")  # the colon's successor


@dataclass(frozen=True, slots=True)
class Span:
    """The buckets of `width` seconds of a site that begin from `since` up to, not at, `until`.

    `series` and `subjects` name those that are wanted, all without any; a series' name that ends in `/` stands for
    all that begin so. With both of them named in full, what is read does not grow with the ledger.
    """

    site: str
    since: float
    until: float
    width: int
    series: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()

    def conditions(self) -> Sequence[ColumnElement[Any]]:
        """The same for a query."""
        row = bucket.c
        beginnings = [row.series.startswith(name, autoescape=True) for name in self.series if name.endswith("/")]
        return (
            row.site == self.site,
            row.width == self.width,
            row.start >= self.since,
            row.start < self.until,
            row.subject.in_(self.subjects) if self.subjects else _OF_STORES,
            *([or_(row.series.in_(self.series), *beginnings)] if self.series else []),
        )


def sums(connection: Connection, span: Span) -> tuple[Sum, ...]:
    """What stands in each bucket."""
    row = bucket.c
    query = select(row.subject, row.series, row.start, row.n, row.sum).where(*span.conditions())
    return tuple(Sum(*each) for each in connection.execute(query.order_by(row.subject, row.series, row.start)))


def totals(connection: Connection, span: Span) -> tuple[Sum, ...]:
    """What the buckets of each series come to together; `start` is that of the first."""
    row = bucket.c
    query = (
        select(row.subject, row.series, func.min(row.start), func.sum(row.n), func.sum(row.sum))
        .where(*span.conditions())
        .group_by(row.subject, row.series)
        .order_by(row.subject, row.series)
    )
    # PostgreSQL sums whole numbers into decimal ones.
    return tuple(
        Sum(subject, series, int(start), int(n), int(amount))
        for subject, series, start, n, amount in connection.execute(query)
    )


def counters(connection: Connection) -> Mapping[tuple[str, str], Mapping[str, int]]:
    """The lifetime counters of each store, by site and store."""
    row = counter.c
    query = select(row.site, row.source, row.name, row.value).where(row.source.startswith(OF_STORE))
    found: dict[tuple[str, str], dict[str, int]] = {}
    for site, source, name, value in connection.execute(query):
        found.setdefault((site, source.removeprefix(OF_STORE)), {})[name] = value
    return found

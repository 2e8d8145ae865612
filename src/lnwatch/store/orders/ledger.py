"""The orders of a ledger: which groups to look at, their stories, and what became of them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection, select

from lnwatch.clock import Clock
from lnwatch.model.kpi import PayabilitySpan
from lnwatch.model.order import Order, Rail
from lnwatch.model.tally import Sum
from lnwatch.model.view import OpenInvoice
from lnwatch.store.order_tables import merchant_order, stale_group, waiting
from lnwatch.store.orders import figures, find, payability, standing
from lnwatch.store.orders.commit import commit, slices
from lnwatch.store.orders.joins import Shop
from lnwatch.store.orders.order_rows import kept_of
from lnwatch.store.orders.stories import stories
from lnwatch.store.orders.values import Exceptions, Gathered, Group, GroupChange
from lnwatch.store.orders.windows import Window, windows, windows_at
from lnwatch.store.workers import Workers


class OrderLedger:
    """What the ledger knows of orders. Everything raises LedgerError."""

    def __init__(self, workers: Workers, clock: Clock, keep: float) -> None:
        """`keep`: for how long 5-minute buckets are kept, in seconds."""
        self._workers = workers
        self._clock = clock
        self._keep = keep

    async def stale(self, limit: int) -> tuple[Group, ...]:
        """Groups of which something was told since their orders were made: live before history, oldest first."""
        row = stale_group.c
        query = select(row.site, row.store, row.group_key).order_by(row.history, row.since).limit(limit)
        return await self._workers.read(lambda connection: _groups(connection.execute(query)))

    async def due(self, site: str, store: str, until: float, limit: int) -> tuple[Group, ...]:
        """Groups with an order that is to be looked at again by `until`, the most urgent first."""
        row = merchant_order.c
        query = (
            select(row.site, row.store, row.group_key)
            .where(row.site == site, row.store == store, waiting, row.due_at <= until)
            .order_by(row.due_at)
            .limit(limit)
        )
        return await self._workers.read(lambda connection: _groups(connection.execute(query)))

    async def gather(self, groups: Iterable[Group]) -> tuple[Gathered, ...]:
        """The stories and orders of groups; a few hundred groups at a time."""
        return await self._workers.read(partial(_gather, groups=tuple(groups)))

    async def commit(self, changes: Sequence[GroupChange]) -> int:
        """Store what became of groups, each in one transaction; returns how many orders became final.

        The difference of what each order adds to the sums is applied; a live order that is final gets the next
        place in the sequence of its site, and moves its counters, once. A group of which more was told since it
        was gathered is left as it is, and stays among those that are stale. Told again it changes nothing. Raises
        LedgerError, and then some groups may be stored, of none a part.
        """
        finals = 0
        for part in slices(changes):
            job = partial(commit, changes=part, now=self._clock.now(), keep=self._keep)
            finals += await self._workers.write(job)
        return finals

    async def exceptions(self, site: str, newest: int) -> Exceptions:
        """What is wrong with payments of live orders and not put right, the `newest` of each store."""
        return await self._workers.read(partial(standing.exceptions, site=site, newest=newest))

    async def troubled(self, site: str, since: float, limit: int) -> tuple[Order, ...]:
        """Orders made since then with something wrong on a payment, history among them, the newest first."""
        return await self._workers.read(partial(standing.troubled_since, site=site, since=since, limit=limit))

    async def settlements(self, site: str) -> Mapping[tuple[str, Rail], tuple[Order, ...]]:
        """The last 60 settled orders of each store and rail, oldest first."""
        return await self._workers.read(partial(standing.settlements, site=site))

    async def open_invoices(self, site: str, newest: int) -> Mapping[str, tuple[tuple[OpenInvoice, ...], int]]:
        """The `newest` open invoices of each store, oldest first, and how many there are."""
        return await self._workers.read(partial(standing.open_invoices, site=site, newest=newest))

    async def counters(self) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Lifetime counters by site and store."""
        return await self._workers.read(figures.counters)

    async def sums(self, span: figures.Span) -> tuple[Sum, ...]:
        """What stands in each bucket of stores."""
        return await self._workers.read(partial(figures.sums, span=span))

    async def totals(self, span: figures.Span) -> tuple[Sum, ...]:
        """What the buckets of each series come to together."""
        return await self._workers.read(partial(figures.totals, span=span))

    async def payability(self, site: str, since: float) -> tuple[PayabilitySpan, ...]:
        """Whether customers could pay: spans that began at `since` or later, and those in force then; oldest first."""
        return await self._workers.read(partial(payability.payability_since, site=site, since=since))

    async def note_payability(self, site: str, spans: Sequence[PayabilitySpan]) -> None:
        """Store spans that began; told again they change nothing."""
        await self._workers.write(partial(payability.note_payability, site=site, spans=spans))

    async def find(self, words: str) -> tuple[Gathered, ...]:
        """The orders that an order id, invoice id, payment hash, transaction, address or BOLT11 leads to.

        Of each its group from about that invoice on; what comes back can't be committed.
        """
        return await self._workers.read(partial(_find, words=words))


def _groups(rows: Iterable[tuple[str, str, str]]) -> tuple[Group, ...]:
    return tuple(dict.fromkeys(Group(site, store, key) for site, store, key in rows))


def _gather(connection: Connection, groups: Sequence[Group]) -> tuple[Gathered, ...]:
    by_store: dict[tuple[str, str], list[str]] = defaultdict(list)
    for group in dict.fromkeys(groups):
        by_store[group.site, group.store].append(group.key)
    return tuple(
        gathered
        for (site, store), keys in by_store.items()
        for gathered in _told(Shop(connection, site, store), windows(connection, site, store, keys))
    )


def _told(shop: Shop, found: Sequence[Window]) -> Iterator[Gathered]:
    told = iter(stories(shop, [row for window in found for row in window.invoices]))
    for window in found:
        yield Gathered(
            window.group,
            window.taken,
            tuple(next(told) for _ in window.invoices),
            tuple(kept_of(row) for row in window.orders),
        )


def _find(connection: Connection, words: str) -> tuple[Gathered, ...]:
    return tuple(
        gathered
        for (site, store), marks in find.marks_of(connection, words).items()
        for gathered in _told(Shop(connection, site, store), windows_at(connection, site, store, marks))
    )

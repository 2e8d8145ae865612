"""What nothing calls for: the history of before birth, and slow looks back, since money may come at any age.

Each is a walk down the time of creation, a page a run. Looks back come before history: a trailing one over
the invoices that BTCPay still watches, and once a day one far back, for late payments on dead invoices.
"""

from dataclasses import dataclass, field
from typing import Final

from lnwatch.errors import SourceError
from lnwatch.model.snapshot import Backfill, Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.pages import Page, Pages, needs_single
from lnwatch.sources.btcpay.position import HistoryPosition, Span, SweepPosition

PAGE: Final = 1_000
OLD_PAGE: Final = 100  # where each invoice's payments must be asked for singly
LONGEST_REST: Final = 10.0  # seconds between two pages of history
TRAILING: Final = "trailing"
RESCAN: Final = "rescan"


@dataclass(frozen=True, slots=True)
class Looks:
    """How often the slow looks are due, and how far back the far one goes; seconds."""

    trailing_every: float
    rescan_every: float
    rescan_depth: float


@dataclass(slots=True)
class HistoryCollector:
    """Back-fill, and the looks back, one page a run; asks nothing while neither is due."""

    shop: Shop
    looks: Looks
    interval: float
    deadline: float
    pages: Pages = field(init=False)
    _rest: float = 0.0

    def __post_init__(self) -> None:
        """Begin with full pages."""
        self.pages = Pages(self.shop, self.name, PAGE)

    @property
    def name(self) -> str:
        """One for each store; the cursor of back-fill, too."""
        return f"history_{self.shop.slug}"

    @property
    def sweep(self) -> str:
        """The cursor of the looks back."""
        return f"sweep_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """The next page of whatever is due. Raises SourceError."""
        stored = await memory.cursor(self.name)
        if stored is None:
            return Reading(backfill=Backfill(done=0, total=None, finished=False))
        history = HistoryPosition.model_validate_json(stored)
        swept = await memory.cursor(self.sweep)
        self.shop.server.ledgered.confirm(self.sweep, swept, self.shop.server.now())
        now = self.shop.server.clock.now()
        if swept is None:
            position = SweepPosition(trailing_at=now, rescan_at=now, at=now)
        else:
            position = SweepPosition.model_validate_json(swept)
        if self._begin_look(position, history, now):
            return await self._look_back(position, history)
        if history.rest is not None:
            return await self._fill(history, history.rest)
        cursors = {self.sweep: position.text()} if swept is None else {}
        return Reading(cursors=cursors, backfill=_progress(history))

    def _begin_look(self, position: SweepPosition, history: HistoryPosition, now: float) -> bool:
        """Whether a look back is under way, which may have become due now."""
        if position.rest is not None:
            return True
        since = now - position.trailing_at
        if since >= self.looks.trailing_every:
            position.kind, depth, position.trailing_at = TRAILING, self.shop.life + since, now
        elif history.rest is None and now - position.rescan_at >= self.looks.rescan_every:
            position.kind, depth, position.rescan_at = RESCAN, self.looks.rescan_depth, now
        else:
            return False
        there = self.shop.sight(self.shop.server.now()).there
        newest = min(there, self.shop.newest or there)
        position.rest, position.began = Span(start=max(0, int(newest - depth)), end=None), now
        return True

    async def _look_back(self, position: SweepPosition, history: HistoryPosition) -> Reading:
        if position.rest is None:
            return Reading(backfill=_progress(history))
        page = await self._paced(position.rest)
        ledgered = self.shop.server.ledgered
        news = [invoice for invoice in page.invoices if ledgered.lacks(invoice)]
        hidden = [invoice.id for invoice in news if needs_single(invoice, 0, self.shop.fee_mode)]
        self.shop.hinted.update(hidden)
        position.rest = None if page.rest is None else Span.of(page.rest)
        position.at = self.shop.server.clock.now()
        if position.rest is None and position.kind == TRAILING:
            self.shop.trailing_until = position.began
        cursor = position.text()
        if position.kind == TRAILING:  # old ones would crowd out those that still change
            ledgered.promise(self.sweep, cursor, news)
        return Reading(
            events=tuple(news),
            cursors={self.sweep: cursor},
            more=position.rest is not None,
            wakes=frozenset({f"invoices_{self.shop.slug}"} if hidden else ()),
            backfill=_progress(history),
        )

    async def _fill(self, history: HistoryPosition, rest: Span) -> Reading:
        page = await self._paced(rest)
        invoices = list(page.invoices)
        for place, invoice in enumerate(invoices):
            if needs_single(invoice, 0, self.shop.fee_mode):
                invoices[place] = await self.pages.completed(invoice)
        history.rest = None if page.rest is None else Span.of(page.rest)
        history.done += page.rows
        return Reading(
            events=tuple(invoices),
            cursors={self.name: history.text()},
            more=history.rest is not None,
            history=True,
            backfill=_progress(history),
        )

    async def _paced(self, rest: Span) -> Page:
        """A page, after the server was given as long a rest as the last one took it."""
        clock = self.shop.server.clock
        if self._rest > 0:
            await clock.sleep(self._rest)
        self.pages.most = PAGE if self.shop.server.methods_in_lists else OLD_PAGE
        asked = clock.monotonic()
        self._rest = LONGEST_REST  # should no answer come before the deadline
        try:
            page = await self.pages.read(rest.window())
        except SourceError:
            self._rest = min(clock.monotonic() - asked, LONGEST_REST)
            raise
        self._rest = min(page.seconds, LONGEST_REST)
        return page


def _progress(history: HistoryPosition) -> Backfill:
    """BTCPay tells no total: it is known at the end."""
    finished = history.rest is None
    return Backfill(done=history.done, total=history.done if finished else None, finished=finished)

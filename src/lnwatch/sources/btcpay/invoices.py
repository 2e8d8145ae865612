"""The truth about invoices: new ones by a window of creation time, open ones read again until they are final.

BTCPay has no "changed since". Where all open invoices were made lately, one question does it all; the others
are asked for by their status now and then, and whichever is missing there has become final, and is read.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from lnwatch.errors import SourceError
from lnwatch.model.btcpay import Invoices
from lnwatch.model.merchant import OPEN_STATUSES, BtcpayInvoice, InvoiceGone, InvoiceType
from lnwatch.model.snapshot import Event, Reading
from lnwatch.sources import Memory
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.pages import OF_ONE_INVOICE, Page, Pages, Window, needs_single
from lnwatch.sources.btcpay.position import HistoryPosition, OpenInvoice, Position, Span

PAGE: Final = 250
OVERLAP: Final = 300  # seconds: an invoice is stored some time after the moment that it is dated
HOT: Final = 7_200  # seconds: open invoices that are younger are read with the new ones
OPEN_EVERY: Final = 90.0  # seconds between looks at older open invoices; one more run, and the watermark follows
OPEN_PAGES: Final = 20  # of one such look
OPEN_LIMIT: Final = 5_000  # open invoices that are kept in mind; slower looks find the rest
SINGLES: Final = 40  # invoices that one run reads by their id


@dataclass(slots=True)
class Run:
    """What one run learnt. `due` are invoices that it must still read singly.

    `news` is all that the ledger has not got, of which the last of each invoice is told.
    """

    position: Position
    news: list[BtcpayInvoice] = field(default_factory=list)
    gone: list[InvoiceGone] = field(default_factory=list)
    due: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True)
class InvoicesCollector:
    """Facts of how far the store was read; its invoices as events, changed ones alone."""

    shop: Shop
    interval: float
    deadline: float
    pages: Pages = field(init=False)
    _window_at: float = float("-inf")
    _wide: bool = True
    _offered: tuple[int, tuple[str, ...]] | None = None

    def __post_init__(self) -> None:
        """Begin with full pages."""
        self.pages = Pages(self.shop, self.name, PAGE)

    @property
    def name(self) -> str:
        """One for each store."""
        return f"invoices_{self.shop.slug}"

    async def collect(self, memory: Memory) -> Reading:
        """New invoices, and what became of open ones. Raises SourceError."""
        stored = await memory.cursor(self.name)
        self.shop.server.ledgered.confirm(self.name, stored, self.shop.server.now())
        if stored is None:
            return await self._begin()
        run = Run(Position.model_validate_json(stored))
        hinted = await self._read_hinted(run)
        if not hinted or self._window_due():
            if run.position.gaps and not self._window_due():
                await self._fill_gap(run)
            else:
                await self._read_window(run)
            await self._read_older(run)
        await self._read_due(run)
        return self._reading(run)

    async def _begin(self) -> Reading:
        """The birth of this store's watch: what is open is live, everything else is history."""
        newest = await self.pages.read(Window(), take=1)
        birth = max((invoice.created_at for invoice in newest.invoices), default=0)
        run = Run(Position(newest=birth, window_at=newest.at, complete_at=newest.at, at=newest.at))
        await self._list_open(run, None)
        reading = self._reading(run)
        history = HistoryPosition(birth=birth, rest=Span(start=None, end=birth) if newest.rows else None)
        cursors = {**reading.cursors, f"history_{self.shop.slug}": history.text()}
        return Reading(
            facts=reading.facts,
            events=reading.events,
            cursors=cursors,
            wakes=frozenset({f"history_{self.shop.slug}"}),
            more=reading.more,
        )

    async def _read_hinted(self, run: Run) -> bool:
        """What a webhook spoke of, first and alone; whether there was any."""
        hinted = list(self.shop.hinted)[:SINGLES]
        for invoice in hinted:
            await self._read_single(run, invoice)
        self.shop.hinted.difference_update(hinted)
        return bool(hinted)

    def _window_due(self) -> bool:
        return self.shop.server.clock.monotonic() - self._window_at >= self.interval / 2

    async def _read_window(self, run: Run) -> None:
        position = run.position
        must = max(0, position.newest - OVERLAP)
        hot = [each.made for each in position.open.values() if each.made >= position.newest - HOT]
        page = await self.pages.read(Window(min([must, *hot] if self._wide else [must])))
        self._window_at = self.shop.server.clock.monotonic()
        self._take(run, page)
        self._wide = page.rest is None
        if page.rest is not None and (page.rest.end is None or page.rest.end >= must):
            position.gaps.append(Span(start=must, end=page.rest.end, skip=page.rest.skip))
        position.newest = max([position.newest, *(invoice.created_at for invoice in page.invoices)])
        position.window_at = page.at

    async def _fill_gap(self, run: Run) -> None:
        """After a long absence, or a rush: one page of what was made in between."""
        page = await self.pages.read(run.position.gaps[-1].window())
        self._take(run, page)
        run.position.gaps[-1:] = [] if page.rest is None else [Span.of(page.rest)]

    async def _read_older(self, run: Run) -> None:
        """Open invoices that no window showed lately: asked for by status, and those missing there by their ids."""
        position = run.position
        if position.gaps:
            return
        position.complete_at = position.window_at
        stale = position.window_at - OPEN_EVERY
        late = [name for name, each in position.open.items() if each.seen <= stale]
        if late:
            await self._list_open(run, max(position.open[name].made for name in late))
            run.due |= dict.fromkeys(
                name for name in late if name in position.open and position.open[name].seen <= stale
            )

    async def _list_open(self, run: Run, newest: int | None) -> None:
        window: Window | None = Window(end=newest)
        for _ in range(OPEN_PAGES):
            if window is None:
                break
            page = await self.pages.read(window, open_only=True)
            self._take(run, page)
            window = page.rest

    async def _read_due(self, run: Run) -> None:
        due = list(run.due)
        for invoice in due[:SINGLES]:
            await self._read_single(run, invoice)
        self.shop.hinted.update(due[SINGLES:])

    async def _read_single(self, run: Run, invoice_id: str) -> None:
        run.due.pop(invoice_id, None)
        try:
            found = await self.pages.single(invoice_id)
        except SourceError as error:
            if error.reason not in OF_ONE_INVOICE:
                raise
            text = f"store {self.shop.slug}: an invoice can't be read ({invoice_id}): {error.message}"
            self.shop.server.remarks.say(f"single {self.shop.slug}", text)
            if (known := run.position.open.get(invoice_id)) is not None:
                known.seen = self.shop.server.now()  # one that can't be read holds up no other
            return
        if found is not None:
            self._note(run, found)
            run.news += [found] if self.shop.server.ledgered.lacks(found) else []
        elif invoice_id in run.position.open:
            await self._lose(run, invoice_id)

    async def _lose(self, run: Run, invoice_id: str) -> None:
        """BTCPay denies an invoice. Only a key that still may read the store proves that it is gone."""
        if not run.gone:
            await self.pages.read(Window(), take=1)
        del run.position.open[invoice_id]
        run.gone.append(InvoiceGone(self.shop.slug, invoice_id, self.shop.server.now()))

    def _take(self, run: Run, page: Page) -> None:
        """Note a page, and of its invoices those that are news; some must then be read alone."""
        for invoice in page.invoices:
            known = run.position.open.get(invoice.id)
            before = known.payments if known is not None else 0
            if self.shop.server.ledgered.lacks(invoice):
                run.news.append(invoice)
                if needs_single(invoice, before, self.shop.fee_mode) or _unnamed(invoice, known):
                    run.due[invoice.id] = None
            self._note(run, invoice)

    def _note(self, run: Run, invoice: BtcpayInvoice) -> None:
        if invoice.status in OPEN_STATUSES:
            known = run.position.open.get(invoice.id)
            payments = known.payments if known is not None and invoice.methods is None else len(invoice.payments)
            run.position.open[invoice.id] = OpenInvoice(
                made=invoice.created_at, payments=payments, seen=round(invoice.seen_at, 1)
            )
        else:
            run.position.open.pop(invoice.id, None)
        if invoice.type is InvoiceType.STANDARD and invoice.amount > 0:
            newest = self._offered[0] if self._offered is not None else invoice.created_at
            if invoice.created_at >= newest:
                self._offered = (invoice.created_at, invoice.offered)

    def _reading(self, run: Run) -> Reading:
        shop, position = self.shop, run.position
        self._bound(position)
        position.at = shop.server.now()
        shop.newest = position.newest or None
        cursor = position.text()
        shop.server.ledgered.promise(self.name, cursor, run.news)
        last = {invoice.id: invoice for invoice in run.news}
        events = sorted(last.values(), key=lambda invoice: (invoice.created_at, invoice.id))
        facts = Invoices(
            store=shop.slug,
            read_until=position.read_until,
            trailing_until=shop.trailing_until,
            open=len(position.open),
            newest_created_at=shop.newest,
            newest_offered=self._offered[1] if self._offered is not None else None,
            utc_shift=shop.server.zone.shift,
        )
        told: Iterable[Event] = (*events, *run.gone)
        more = bool(position.gaps or shop.hinted)
        return Reading(facts=facts, events=tuple(told), cursors={self.name: cursor}, more=more)

    def _bound(self, position: Position) -> None:
        """Keep the newest in mind; a shop with more open invoices is told so."""
        excess = len(position.open) - OPEN_LIMIT
        text = None
        if excess > 0:
            text = f"store {self.shop.slug} has over {OPEN_LIMIT:,} open invoices: the oldest are read once a day only"
            for each in sorted(position.open, key=lambda name: position.open[name].made)[:excess]:
                del position.open[each]
        self.shop.server.remarks.say(f"open {self.shop.slug}", text)


def _unnamed(invoice: BtcpayInvoice, known: OpenInvoice | None) -> bool:
    """Whether its methods are still to be asked for, where lists leave them out: when it is new, and when it ended.

    Nothing else tells which BOLT11 leads to it, the one that a wallet had made last among them.
    """
    return invoice.methods is None and (known is None) == (invoice.status in OPEN_STATUSES)

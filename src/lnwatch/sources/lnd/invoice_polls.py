"""The truth about invoices: new ones by a cursor, open ones read again until they are final."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.invoices import GRACE, Observer
from lnwatch.sources.lnd.methods import LIST_INVOICES
from lnwatch.sources.lnd.ranges import Pages, Range, cover, gone

ADD_INDEX = "invoices.add_index"  # cursor: everything up to it was read
SWEEP = "invoices.sweep"  # cursor: where the next look at old open invoices begins
PAGE = 500
DUE_PAGES = 10  # of one run, for open invoices that must have ended or hold an HTLC
OPEN_LIMIT = 50_000


@dataclass(slots=True)
class Findings:
    """What one run learnt: the newest state of each invoice that is new or was open."""

    cursor: int
    events: dict[str, LightningInvoice] = field(default_factory=dict)
    covered: set[int] = field(default_factory=set)

    def left(self, waiting: Iterable[int]) -> list[int]:
        """Those of `waiting` that no page held yet."""
        return [index for index in waiting if index not in self.covered]


class InvoicesCollector(Polled):
    """ListInvoices from the cursor on. Where all open invoices are among the newest, one call does it all.

    Others are read by ranges of their index: those whose life is over, or to which an HTLC is pending, in
    each run; the rest in turns, a page a run.
    """

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Begin with full pages."""
        super().__init__(name, node, pace)
        self._pages = Pages(PAGE)

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """New invoices, and what became of open ones."""
        stored = await memory.cursor(ADD_INDEX)
        if stored is None:
            return await self._begin(turn)
        found = Findings(cursor=int(stored))
        waiting = {invoice.add_index: invoice for invoice in await memory.open_invoices(OPEN_LIMIT)}
        now = self.node.clock.now()
        page = Range(self._start(found.cursor, waiting), self._pages.size)
        rows = await self._take(turn, page, waiting, found, paced=True)
        if not rows and page.offset < found.cursor:
            found.cursor = min(found.cursor, await newest(turn))  # the node was set back, or forgot its newest
        more = rows == page.size  # then an open invoice may lie beyond rows that were never read
        due = [index for index in found.left(waiting) if self._due(waiting[index], now)]
        for due_page in cover(due, self._pages.size, DUE_PAGES):
            if more := more or len(found.events) >= PAGE:
                break  # what was learnt is stored first: a transaction must stay short
            await self._take(turn, due_page, waiting, found, paced=False)
        cursors = {ADD_INDEX: str(found.cursor)}
        if not more:
            cursors |= await self._sweep(memory, turn, waiting, found)
        return Reading(events=tuple(found.events.values()), cursors=cursors, more=more)

    async def _begin(self, turn: Turn) -> Reading:
        """The site's birth: what is there already is history, newest first."""
        last = await newest(turn)
        cursors = {ADD_INDEX: str(last), "invoice_history.index": str(last + 1), "invoice_history.birth": str(last + 1)}
        return Reading(cursors=cursors, wakes=self.node.hints.wake("invoice_history"))

    def _start(self, cursor: int, waiting: Mapping[int, LightningInvoice]) -> int:
        """Where the first page begins: one row early, to see that the node still knows our last one, and
        earlier where that takes in open invoices."""
        near = (index - 1 for index in waiting if cursor - self._pages.size // 2 < index <= cursor)
        return max(0, min(near, default=cursor - 1))

    async def _take(
        self, turn: Turn, page: Range, waiting: Mapping[int, LightningInvoice], found: Findings, *, paced: bool
    ) -> int:
        """Read one page into `found`; how many rows it had."""
        request = ln.ListInvoiceRequest(index_offset=page.offset, num_max_invoices=page.size)
        answer = await self._pages.ask(turn, LIST_INVOICES, request, paced=paced)
        now = self.node.clock.now()
        observer = Observer(now=now, seen_at=now)
        invoices = await in_chunks(answer.invoices, observer.read)
        present = [invoice.add_index for invoice in invoices]
        lost = gone(waiting, page, present)
        for invoice in (*invoices, *(observer.deleted(waiting[index]) for index in sorted(lost))):
            if _is_news(invoice, waiting.get(invoice.add_index), found.cursor):
                found.events[invoice.payment_hash] = invoice
        found.cursor = max((found.cursor, *present))
        found.covered.update(present, lost)
        return len(present)

    def _due(self, invoice: LightningInvoice, now: float) -> bool:
        """Whether an open invoice must have ended by now, or has an HTLC pending."""
        held = invoice.state is InvoiceState.OPEN and invoice.payment_hash in self.node.known.held
        return held or invoice.expires_at + GRACE <= now

    async def _sweep(
        self, memory: Memory, turn: Turn, waiting: Mapping[int, LightningInvoice], found: Findings
    ) -> Mapping[str, str]:
        """One page of the open invoices that nothing else led to; the moved cursor."""
        rest = found.left(waiting)
        if not rest:
            return {}
        last = int(await memory.cursor(SWEEP) or 0)
        ahead = [index for index in rest if index > last] or rest
        (page,) = cover(ahead, self._pages.size, 1)
        await self._take(turn, page, waiting, found, paced=True)
        return {SWEEP: str(page.offset + page.size)}


async def newest(turn: Turn) -> int:
    """The newest add index, 0 where the node never made an invoice."""
    answer = await turn.call(LIST_INVOICES, ln.ListInvoiceRequest(num_max_invoices=1, reversed=True))
    return answer.last_index_offset


def _is_news(invoice: LightningInvoice, known: LightningInvoice | None, cursor: int) -> bool:
    """Whether the ledger has not got it as it stands now."""
    return invoice != known if known is not None else invoice.add_index > cursor

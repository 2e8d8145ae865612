"""What happened before the site's birth, read backwards, newest first, a page a run, by a stored cursor."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.snapshot import Backfill, Event, Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.invoices import Observer
from lnwatch.sources.lnd.methods import LIST_INVOICES, LIST_PAYMENTS
from lnwatch.sources.lnd.payments import read_payment
from lnwatch.sources.lnd.ranges import Pages
from lnwatch.sources.lnd.version import OMIT_HOPS

INVOICE_PAGE = 500
LONGEST_REST = 15.0  # seconds between two pages
PAYMENT_PAGE = 100  # each brings all its attempts and their routes


class Part(NamedTuple):
    """One page: its events, the lowest index in it, and whether there was room for more."""

    events: Sequence[Event]
    lowest: int
    last: bool


class HistoryCollector(Polled):
    """Reads downwards from the birth index, which the collector of the living stores.

    The cursor `NAME.index` stands above what is still to be read, at 1 when nothing is. The node is given
    as long a rest after each page as it took.
    """

    def __init__(self, name: str, node: Node, pace: Pace, page: int) -> None:
        """Ask for `page` rows at most."""
        super().__init__(name, node, pace)
        self.pages = Pages(page)
        self._rest = 0.0

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """The next page; nothing is asked once the history is told."""
        stored = await memory.cursor(f"{self.name}.index")
        if stored is None:
            return Reading(backfill=Backfill(done=0, total=None, finished=False))
        index, birth = int(stored), int(await memory.cursor(f"{self.name}.birth") or stored)
        if index <= 1:
            return Reading(backfill=Backfill(done=birth - 1, total=birth - 1, finished=True))
        await self.node.clock.sleep(self._rest)
        part = await self.page(memory, turn, index)
        self._rest = min(turn.took, LONGEST_REST)
        reached = 1 if part.last else part.lowest
        return Reading(
            events=tuple(part.events),
            cursors={f"{self.name}.index": str(reached)},
            more=reached > 1,
            history=True,
            backfill=Backfill(done=birth - reached, total=birth - 1, finished=reached <= 1),
        )

    @abstractmethod
    async def page(self, memory: Memory, turn: Turn, index: int) -> Part:
        """The rows right below `index`."""


class InvoiceHistoryCollector(HistoryCollector):
    """ListInvoices, reversed."""

    async def page(self, memory: Memory, turn: Turn, index: int) -> Part:
        """Invoices below `index`. One that was cancelled before its expiry counts as cancelled before birth."""
        size = self.pages.size
        request = ln.ListInvoiceRequest(index_offset=index, num_max_invoices=size, reversed=True)
        answer = await self.pages.ask(turn, LIST_INVOICES, request, paced=False)
        now = self.node.clock.now()
        born_at = await memory.born_at()
        observer = Observer(now=now, seen_at=now if born_at is None else born_at - 1)
        invoices = await in_chunks(answer.invoices, observer.read)
        return Part(invoices, answer.first_index_offset, last=len(invoices) < size)


class PaymentHistoryCollector(HistoryCollector):
    """ListPayments, reversed; without routes where the release can leave them out."""

    async def page(self, memory: Memory, turn: Turn, index: int) -> Part:  # noqa: ARG002 - the contract's
        """Payments below `index`."""
        size = self.pages.size
        request = ln.ListPaymentsRequest(
            include_incomplete=True,
            index_offset=index,
            max_payments=size,
            reversed=True,
            omit_hops=self.node.known.version >= OMIT_HOPS,
        )
        answer = await self.pages.ask(turn, LIST_PAYMENTS, request, paced=False)
        payments = await in_chunks(answer.payments, read_payment)
        return Part(payments, answer.first_index_offset, last=len(payments) < size)

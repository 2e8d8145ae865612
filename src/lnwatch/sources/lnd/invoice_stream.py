"""LND's invoice stream: settlements within a second. What it misses, the polls find."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.collector import Node
from lnwatch.sources.lnd.invoice_polls import ADD_INDEX
from lnwatch.sources.lnd.invoices import Observer, settle_index
from lnwatch.sources.lnd.methods import LIST_INVOICES, SUBSCRIBE_INVOICES

STREAM_ADD_INDEX = "invoices.stream_add_index"
SETTLE_INDEX = "invoices.settle_index"
NEWEST = 100  # invoices among which the newest settlement is looked for at birth
TIMEOUT = 30.0
BIRTH_POLL = 1.0  # seconds


class InvoiceStream:
    """SubscribeInvoices from two stored cursors: the newest invoice and the newest settlement that it told.

    LND reads the backlog of each cursor into memory before it sends anything, so the polls' cursor is used
    where it is ahead. It sends open and settled invoices alone; an index of 0 means no backlog.
    """

    name = "invoices"
    replays = True

    def __init__(self, node: Node) -> None:
        self._node = node

    async def listen(self, memory: Memory) -> AsyncGenerator[Reading, None]:
        """Invoices as they are made and settled, each list with the cursors that it moved."""
        while (born_at := await memory.born_at()) is None:
            await self._node.clock.sleep(BIRTH_POLL)  # what comes before is history, whose bound must be known
        added = max([int(await memory.cursor(name) or 0) for name in (ADD_INDEX, STREAM_ADD_INDEX)])
        stored = await memory.cursor(SETTLE_INDEX)
        settled = int(stored) if stored is not None else await self._newest_settlement()
        request = ln.InvoiceSubscription(add_index=added, settle_index=settled)
        async with aclosing(self._node.client.stream(SUBSCRIBE_INVOICES, request)) as batches:
            async for batch in batches:
                for message in batch:
                    # What is new comes in its present state, settled ones too, before settlements that are
                    # older than its own: only what is told again moves the other cursor.
                    if message.add_index > added:
                        added = message.add_index
                    else:
                        settled = max(settled, settle_index(message))
                cursors = {STREAM_ADD_INDEX: str(added), SETTLE_INDEX: str(settled)}
                yield Reading(events=self._events(batch, born_at), cursors=cursors)

    def _events(self, batch: Iterable[ln.Invoice], born_at: float) -> tuple[LightningInvoice, ...]:
        """The newest of each. One that was settled before birth is left to the pages of the history, which
        count it once."""
        now = self._node.clock.now()
        observer = Observer(now=now, seen_at=now)
        newest = {invoice.payment_hash: invoice for invoice in map(observer.read, batch)}
        return tuple(
            invoice
            for invoice in newest.values()
            if invoice.state is not InvoiceState.SETTLED or (invoice.final_at or 0) >= born_at
        )

    async def _newest_settlement(self) -> int:
        """The highest settle index among the newest invoices. An older invoice that was settled later comes
        again with the backlog, which does no harm."""
        request = ln.ListInvoiceRequest(num_max_invoices=NEWEST, reversed=True)
        answer = await self._node.client.call(LIST_INVOICES, request, seconds=TIMEOUT)
        return max(map(settle_index, answer.invoices), default=0)

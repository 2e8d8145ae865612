"""The invoices of a node: a history that is reckoned from its index when it is asked for, and those made since.

A million historic invoices cost no memory: index and seed give everything. Three of four were settled 20 s
after they were made, the fourth was left to expire.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim

OPEN, SETTLED, CANCELED, ACCEPTED = range(4)
HTLC_ACCEPTED, HTLC_SETTLED, HTLC_CANCELED = range(3)
SPACING = 30  # seconds between two historic invoices
THINKING = 20  # seconds until a customer has paid
EXPIRY = 3_600
DEFAULT_PAGE = 100  # what LND gives where no number is asked for


class InvoiceBook:
    """Add indices begin at 1 and have gaps only where invoices were deleted."""

    def __init__(self, *, seed: int, history: int, now: Callable[[], float]) -> None:
        """`history` invoices were made before `now`."""
        self.collect_garbage = False  # LND's `gc-canceled-invoices-on-the-fly`
        self._seed = seed
        self._history = history
        self._now = now
        self._started = now()
        self._known: dict[int, sim.Invoice] = {}  # made since, or historic and changed
        self._last = history
        self._settlements: list[int] = []  # add indices, in the order in which they were settled since
        self._deleted: set[int] = set()
        self._listeners: list[asyncio.Queue[sim.Invoice]] = []

    @property
    def last_index(self) -> int:
        """The newest add index that was ever given."""
        return self._last

    @property
    def last_settle_index(self) -> int:
        """The newest settle index."""
        return _settled_up_to(self._history) + len(self._settlements)

    def get(self, index: int) -> sim.Invoice | None:
        """The invoice as it stands now; None where there is none, or no longer."""
        if not 1 <= index <= self._last or index in self._deleted:
            return None
        invoice = self._known.get(index) or self._historic(index)
        if invoice.state == OPEN and self._now() >= invoice.creation_date + invoice.expiry:
            self.cancel(index, invoice)
        return None if index in self._deleted else invoice

    def add(
        self,
        value_msat: int,
        *,
        expiry: int = EXPIRY,
        private: bool = False,
        amp: bool = False,
        bolt11: Callable[[str], str] | None = None,
    ) -> sim.Invoice:
        """Make an invoice; `bolt11` writes it, of its payment hash."""
        self._last += 1
        invoice = self._made(self._last, int(self._now()), value_msat, expiry)
        if bolt11 is not None:
            invoice.payment_request = bolt11(invoice.r_hash.hex())
        invoice.private = private
        invoice.is_amp = amp
        self._known[self._last] = invoice
        self._tell(invoice)
        return invoice

    def keysend(self, value_msat: int, channel: int, *, amp: bool = False) -> sim.Invoice:
        """A payment without an invoice, for which LND makes one as it comes in; AMP gives it no hash."""
        invoice = self.add(value_msat, amp=amp)
        invoice.is_keysend = not amp
        invoice.payment_request = ""
        invoice.expiry = 0
        if amp:
            invoice.ClearField("r_hash")
        return self.settle(invoice.add_index, channel)

    def accept(
        self, index: int, channel: int, *, htlc_index: int = 0, share: float = 1.0, msat: int | None = None
    ) -> sim.Invoice:
        """An HTLC arrives and is held; the invoice is accepted when the parts make up its value."""
        invoice = self._changing(index)
        amount = int(invoice.value_msat * share) if msat is None else msat
        invoice.htlcs.add(
            chan_id=channel,
            htlc_index=htlc_index,
            amt_msat=amount,
            accept_time=int(self._now()),
            accept_height=800_000,
            expiry_height=800_144,
            state=HTLC_ACCEPTED,
            mpp_total_amt_msat=invoice.value_msat,
        )
        held = sum(part.amt_msat for part in invoice.htlcs if part.state == HTLC_ACCEPTED)
        if held >= invoice.value_msat:
            invoice.state = ACCEPTED
            invoice.amt_paid = invoice.amt_paid_msat = held
            invoice.amt_paid_sat = held // 1_000
        return invoice

    def settle(self, index: int, channel: int = 1 << 40) -> sim.Invoice:
        """The money is there; an HTLC is made up where none arrived before."""
        invoice = self._changing(index)
        if invoice.state == OPEN:
            self.accept(index, channel)
        number = self.last_settle_index + 1
        self._settlements.append(index)
        invoice.state, invoice.settled = SETTLED, True
        for part in invoice.htlcs:
            if part.state == HTLC_ACCEPTED:
                part.state, part.resolve_time = HTLC_SETTLED, int(self._now())
        if invoice.is_amp:  # LND keeps the settlements of an AMP invoice in its parts alone
            invoice.amp_invoice_state[f"{number:064x}"].CopyFrom(
                sim.AMPInvoiceState(
                    state=HTLC_SETTLED,
                    settle_index=number,
                    settle_time=int(self._now()),
                    amt_paid_msat=invoice.amt_paid_msat,
                )
            )
        else:
            invoice.settle_index, invoice.settle_date = number, int(self._now())
        self._tell(invoice)
        return invoice

    def cancel(self, index: int, invoice: sim.Invoice | None = None) -> None:
        """Nobody is told: LND keeps cancellations to itself."""
        canceled = invoice or self._changing(index)
        canceled.state = CANCELED
        for part in canceled.htlcs:
            if part.state == HTLC_ACCEPTED:
                part.state, part.resolve_time = HTLC_CANCELED, int(self._now())
        if self.collect_garbage:
            self.delete(index)

    def time_out(self, index: int) -> None:
        """The other parts did not come in time: those that did go back, and the invoice stays open."""
        for part in self._changing(index).htlcs:
            if part.state == HTLC_ACCEPTED:
                part.state, part.resolve_time = HTLC_CANCELED, int(self._now())

    def delete(self, index: int) -> None:
        """Forget an invoice."""
        self._deleted.add(index)
        self._known.pop(index, None)

    def page(self, request: sim.ListInvoiceRequest) -> sim.ListInvoiceResponse:
        """ListInvoices: the offset is exclusive, in both directions; the answer is always rising."""
        wanted = request.num_max_invoices or DEFAULT_PAGE
        found: list[sim.Invoice] = []
        for index in self._walk(request.index_offset, backwards=request.reversed):
            if len(found) == wanted:
                break
            invoice = self.get(index)
            if invoice is not None and _matches(invoice, request):
                found.append(invoice)
        if request.reversed:
            found.reverse()
        answer = sim.ListInvoiceResponse(invoices=found)
        if found:
            answer.first_index_offset, answer.last_index_offset = found[0].add_index, found[-1].add_index
        return answer

    async def subscribe(self, request: sim.InvoiceSubscription) -> AsyncIterator[sim.Invoice]:
        """SubscribeInvoices: backlogs first, then what happens; open and settled invoices alone."""
        live: asyncio.Queue[sim.Invoice] = asyncio.Queue()
        self._listeners.append(live)
        added, settled = request.add_index, request.settle_index
        try:
            for invoice in self._backlog(request):
                if invoice.state in (OPEN, SETTLED):
                    added, settled = _reached(invoice, added, settled)
                    yield invoice
            while True:
                invoice = await live.get()
                number = _settle_number(invoice)
                if (invoice.state == SETTLED and number <= settled) or (
                    invoice.state == OPEN and invoice.add_index <= added
                ):
                    continue  # the backlog told it
                added, settled = _reached(invoice, added, settled)
                yield invoice
        finally:
            self._listeners.remove(live)

    def _backlog(self, request: sim.InvoiceSubscription) -> Iterator[sim.Invoice]:
        last, last_settled = self._last, self.last_settle_index
        if request.add_index:
            begin = request.add_index
            while begin <= last and self.get(begin) is None:
                begin += 1  # LND steps over the row where its cursor comes to rest, whether it was told or not
            yield from filter(None, (self.get(index) for index in range(begin + 1, last + 1)))
        if request.settle_index:
            for number in range(request.settle_index + 1, last_settled + 1):
                invoice = self.get(self._index_of(number))
                if invoice is not None:
                    yield invoice

    def _index_of(self, settle_index: int) -> int:
        historic = _settled_up_to(self._history)
        return self._settlements[settle_index - historic - 1] if settle_index > historic else _nth_settled(settle_index)

    def _walk(self, offset: int, *, backwards: bool) -> range:
        if not backwards:
            return range(offset + 1, self._last + 1)
        return range(self._last if offset == 0 else min(offset - 1, self._last), 0, -1)

    def _changing(self, index: int) -> sim.Invoice:
        invoice = self._known.get(index) or self._historic(index)
        self._known[index] = invoice
        return invoice

    def _tell(self, invoice: sim.Invoice) -> None:
        snapshot = sim.Invoice()
        snapshot.CopyFrom(invoice)
        for listener in self._listeners:
            listener.put_nowait(snapshot)

    def _historic(self, index: int) -> sim.Invoice:
        created = int(self._started) - (self._history - index + 1) * SPACING - THINKING
        digest = hashlib.sha256(f"{self._seed}/{index}".encode()).digest()
        value = (1_000 + int.from_bytes(digest[:3], "big") % 1_000_000) * 1_000
        invoice = self._made(index, created, value, EXPIRY)
        if index % 4 == 3:
            return invoice
        paid = created + THINKING
        invoice.state, invoice.settled, invoice.settle_date = SETTLED, True, paid
        invoice.settle_index = _settled_up_to(index)
        invoice.amt_paid = invoice.amt_paid_msat = value
        invoice.amt_paid_sat = value // 1_000
        invoice.htlcs.add(
            chan_id=(800_000 << 40) | (index % 50 << 16),
            htlc_index=index,
            amt_msat=value,
            accept_time=paid,
            resolve_time=paid,
            expiry_height=800_144,
            state=HTLC_SETTLED,
            mpp_total_amt_msat=value,
        )
        return invoice

    def _made(self, index: int, created: int, value_msat: int, expiry: int) -> sim.Invoice:
        preimage = hashlib.sha256(f"preimage {self._seed}/{index}".encode()).digest()
        return sim.Invoice(
            memo=f"order {index}",
            r_preimage=preimage,
            r_hash=hashlib.sha256(preimage).digest(),
            payment_addr=hashlib.sha256(preimage + b"address").digest(),
            value=value_msat // 1_000,
            value_msat=value_msat,
            creation_date=created,
            expiry=expiry,
            cltv_expiry=80,
            add_index=index,
            payment_request="lnbcrt" + preimage.hex() * 4,
        )


def _matches(invoice: sim.Invoice, request: sim.ListInvoiceRequest) -> bool:
    if request.pending_only and invoice.state not in (OPEN, ACCEPTED):
        return False
    if invoice.creation_date < request.creation_date_start:
        return False
    return not request.creation_date_end or invoice.creation_date <= request.creation_date_end


def _settled_up_to(index: int) -> int:
    """How many of the historic invoices 1 to `index` were settled."""
    return index - (index + 1) // 4


def _nth_settled(number: int) -> int:
    """The historic invoice with this settle index."""
    index = number * 4 // 3
    while _settled_up_to(index) < number:
        index += 1
    while index % 4 == 3 or _settled_up_to(index) > number:
        index -= 1
    return index


def _settle_number(invoice: sim.Invoice) -> int:
    return max([invoice.settle_index, *(part.settle_index for part in invoice.amp_invoice_state.values())])


def _reached(invoice: sim.Invoice, added: int, settled: int) -> tuple[int, int]:
    if invoice.state == SETTLED:
        return added, _settle_number(invoice)
    return invoice.add_index, settled

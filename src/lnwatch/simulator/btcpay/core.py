"""BTCPay's process and what its database holds, with its timers and its cached view of NBXplorer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from lnwatch.clock import Clock
from lnwatch.simulator.btcpay.encoding import Ids
from lnwatch.simulator.btcpay.invoice import Invoice
from lnwatch.simulator.btcpay.keys import Credentials
from lnwatch.simulator.btcpay.store import Store
from lnwatch.simulator.btcpay.wallet import Coin
from lnwatch.simulator.btcpay.watcher import Event, examine, mark
from lnwatch.simulator.btcpay.webhooks import Dispatcher
from lnwatch.simulator.kestrel import Gate
from lnwatch.simulator.nbxplorer import Indexer

_POLL_READY: Final = 60  # seconds between looks at NBXplorer, also while it can't be reached
_POLL_SYNCING: Final = 10
_GRACE: Final = 120  # seconds by which expiry is late after a restart
_PASSES: Final = 6  # at most, of the watcher over one invoice
_CLEANED_EVERY: Final = 3600
_CLEANED_AFTER: Final = 183 * 86_400
_CLEANED_AT_ONCE: Final = 1000
_NOTED: Final = {
    "InvoiceSettled": ("invoice_confirmed", "is settled"),
    "InvoiceInvalid": ("invoice_failedtoconfirm", "has payments that failed to confirm on time"),
    "InvoicePaidAfterExpiration": ("invoice_paidafterexpiration", "was paid after expiration"),
    "InvoiceExpiredPaidPartial": ("invoice_expiredpaidpartial", "expired with partial payments"),
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What money may be claimed on; `methods` are those that may be claimed by. Without a start: now."""

    name: str
    description: str
    amount: Decimal
    currency: str
    auto_approve: bool
    methods: tuple[str, ...]
    starts_at: int | None = None
    expires_at: int | None = None


@dataclass(slots=True)
class PullPayment:
    """A link by which money may be claimed."""

    id: str
    store: str
    terms: Terms
    starts_at: int
    archived: bool = False


@dataclass(slots=True)
class Payout:
    """A claim. `amount` is in the currency of the pull payment, `paid` in BTC once it is approved."""

    id: str
    store: str
    pull_payment: str | None
    created_at: int
    destination: str
    method: str
    amount: Decimal
    currency: str
    paid: Decimal | None = None
    state: str = "AwaitingApproval"
    revision: int = 0
    proof: dict[str, Any] | None = None
    coin: Coin | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class PaymentRequest:
    """A bill that may be paid by several invoices."""

    id: str
    store: str
    amount: Decimal
    currency: str
    title: str
    created_at: int
    custom_amounts: bool
    expires_at: int | None = None
    description: str | None = None
    email: str | None = None
    reference: str | None = None
    status: str = "Pending"
    archived: bool = False
    invoices: list[str] = field(default_factory=list)


class Btcpay:
    """All that is behind the API. `gate` is its process, `database` PostgreSQL; `utc_offset` the host's, in seconds."""

    def __init__(self, clock: Clock, indexer: Indexer, *, version: str = "2.4.1", seed: str = "btcpay") -> None:
        """An empty server that does not run."""
        self.clock = clock
        self.indexer = indexer
        self.version = version
        self.ids = Ids(seed)
        self.gate = Gate()
        self.gate.running = False
        self.database = Gate()
        self.url = ""
        self.utc_offset = 0
        self.credentials = Credentials()
        self.stores: dict[str, Store] = {}
        self.invoices: dict[str, Invoice] = {}
        self.prompted: dict[str, tuple[str, str]] = {}  # payment hash or address -> invoice and method
        self.pull_payments: dict[str, PullPayment] = {}
        self.payouts: dict[str, Payout] = {}
        self.requests: dict[str, PaymentRequest] = {}
        self.notifications: list[dict[str, Any]] = []
        self.dispatcher = Dispatcher(clock, self.ids, version, self.awake)
        self.summary: dict[str, Any] | None = None  # NBXplorer's status as last seen
        self._work: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._working = False
        self._tasks: set[asyncio.Task[None]] = set()

    # -- the process ------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Look at NBXplorer, then watch what was pending."""
        restarted = bool(self.invoices)
        self.gate.running = True
        self._work = asyncio.Queue()
        self.dispatcher.start()
        self.spawn(self._run())
        self.spawn(self._follow_indexer())
        self.spawn(self._clean_up())
        for invoice in self.invoices.values():
            if invoice.pending:
                self.watch_over(invoice, restarted=restarted)
        for _ in range(3):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """As a killed process: what was only in memory is lost."""
        self.gate.running = False
        self.summary = None
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.dispatcher.stop()

    async def awake(self) -> None:
        """Wait until the process and its database answer."""
        await self.gate.wait()
        await self.database.wait()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run something until the process ends."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def later(self, job: Callable[[], Awaitable[None]]) -> None:
        """Queue a job; jobs run one after the other."""
        if self.gate.running:
            self._work.put_nowait(job)

    @property
    def resting(self) -> bool:
        """Whether nothing happens before time passes or somebody calls."""
        held = not self.gate.well or self.database.frozen
        return (held or (self._work.empty() and not self._working)) and (held or self.dispatcher.resting)

    async def _run(self) -> None:
        while True:
            self._working = False
            job = await self._work.get()
            self._working = True
            await self.awake()
            await job()

    async def _follow_indexer(self) -> None:
        while True:
            try:
                self.summary = await self.indexer.status()
            except OSError:
                self.summary = None
            syncing = self.summary is not None and not self.summary["isFullySynched"]
            await self.clock.sleep(_POLL_SYNCING if syncing else _POLL_READY)
            await self.gate.wait()

    async def _clean_up(self) -> None:
        while True:
            await self.clock.sleep(_CLEANED_EVERY)
            await self.awake()
            self.clean_up()

    def clean_up(self) -> None:
        """Delete what expired unpaid half a year ago, as the hourly job does."""
        old = self.clock.now() - _CLEANED_AFTER
        doomed = [
            each.id
            for each in self.invoices.values()
            if each.status == "Expired" and each.additional == "None" and each.created_at < old
        ]
        for invoice in doomed[:_CLEANED_AT_ONCE]:
            del self.invoices[invoice]

    @property
    def synchronized(self) -> bool:
        """As the cache has it."""
        return self.summary is not None and bool(self.summary["isFullySynched"])

    # -- invoices ---------------------------------------------------------------------------------------------

    def watch_over(self, invoice: Invoice, *, restarted: bool = False) -> None:
        """Look at it when it expires, and when its monitoring ends."""
        self.spawn(self._watch_over(invoice, _GRACE if restarted else 1))

    async def _watch_over(self, invoice: Invoice, grace: int) -> None:
        for due in (invoice.expires_at + grace, invoice.monitored_until + 1):
            await self.clock.sleep(max(0.0, due - self.clock.now()))
            await self.awake()
            if not invoice.pending:
                return
            self.examine(invoice)

    def examine(self, invoice: Invoice) -> None:
        """Passes of the watcher until one changes nothing: what falls back to New after its expiry expires at once."""
        for _ in range(_PASSES):
            before = invoice.status, invoice.additional
            for event in examine(invoice, self.clock.now()):
                self.tell(invoice, event)
            if (invoice.status, invoice.additional) == before:
                break
        self._examine_request(invoice)

    def mark(self, invoice: Invoice, status: str) -> None:
        """By hand."""
        self.tell(invoice, mark(invoice, status))
        self._examine_request(invoice)

    def tell(self, invoice: Invoice, event: Event) -> None:
        """Send an event of an invoice to the webhooks of its store."""
        last = {"invoiceId": invoice.id, "metadata": invoice.metadata}
        self.dispatcher.publish(invoice.store, event.type, event.fields, last)
        noted = _NOTED.get(event.type)
        if noted is not None and not event.fields.get("manuallyMarked"):
            text = f"Invoice {invoice.id[:5]}.. {noted[1]}"
            self.notify(invoice.store, "invoicestate", noted[0], text, f"/invoices/{invoice.id}")

    def notify(self, store: str, kind: str, identifier: str, text: str, link: str) -> None:
        """Leave a notification to the owner."""
        notification = {
            "id": self.ids.uuid("notification"),
            "identifier": identifier,
            "type": kind,
            "body": text,
            "storeId": store,
            "seen": False,
            "link": link,
            "createdTime": int(self.clock.now()),
        }
        self.notifications.append(notification)

    # -- payment requests -------------------------------------------------------------------------------------

    def tell_request(self, request: PaymentRequest, kind: str) -> None:
        """Send an event of a payment request."""
        last = {"paymentRequestId": request.id, "status": request.status}
        self.dispatcher.publish(request.store, kind, {}, last)

    def _examine_request(self, invoice: Invoice) -> None:
        request = self.requests.get(str(invoice.metadata.get("paymentRequestId")))
        if request is None or invoice.id not in request.invoices:
            return
        mine = [self.invoices[each] for each in request.invoices if each in self.invoices]
        settled = sum((each.paid(settled=True) for each in mine if each.status == "Settled"), Decimal(0))
        status = request.status
        if settled >= request.amount:
            status = "Completed"
        elif sum((each.paid() for each in mine), Decimal(0)) >= request.amount:
            status = "Processing"
        elif request.expires_at is not None and request.expires_at <= self.clock.now():
            status = "Expired"
        else:
            status = "Pending"
        if status != request.status:
            request.status = status
            self.tell_request(request, "PaymentRequestStatusChanged")
            if status == "Completed":
                self.tell_request(request, "PaymentRequestCompleted")

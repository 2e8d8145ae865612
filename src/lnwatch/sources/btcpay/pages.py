"""Pages of a store's invoices, newest first, by windows of the time at which they were made."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.merchant import BtcpayInvoice, InvoiceStatus, Method
from lnwatch.sources.btcpay.answers import InvoiceAnswer, MethodAnswer
from lnwatch.sources.btcpay.desk import Shop
from lnwatch.sources.btcpay.errors import AbsentError
from lnwatch.sources.btcpay.invoice_reading import given_methods, read_invoice
from lnwatch.sources.btcpay.parsing import first_fault
from lnwatch.sources.btcpay.permissions import INVOICES

_INVOICE: Final = TypeAdapter(InvoiceAnswer)
_METHODS: Final = TypeAdapter(tuple[MethodAnswer, ...])
_LARGE: Final = 4 * 1024 * 1024  # bytes of one page: from here on fewer invoices are asked for
_FEWEST: Final = 10
_SECOND_PAYMENTS: Final = "MultiplePaymentsOnly"  # networkFeeMode
# What may be wrong with one invoice alone; anything else is wrong with the server, or the way to it.
OF_ONE_INVOICE: Final = frozenset({FailureReason.MALFORMED, FailureReason.FAILED, FailureReason.UNSUPPORTED})
_TOO_MUCH: Final = frozenset({FailureReason.TIMEOUT, FailureReason.MALFORMED, FailureReason.OVERLOADED})


@dataclass(frozen=True, slots=True)
class Window:
    """Invoices made from `start` to `end` (both inclusive, BTCPay's clock), the first `skip` of them left out."""

    start: int | None = None
    end: int | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """What a window held: `rows` counts those too that could not be read; `at` is when it was answered, `seconds` what
    that took.

    `rest` is what the page had no room for, None where it held everything.
    """

    invoices: tuple[BtcpayInvoice, ...]
    rows: int
    at: float
    seconds: float
    rest: Window | None


@dataclass(frozen=True, slots=True)
class _Unread:
    """An invoice in a shape that is not BTCPay's; the others of its page count all the same."""

    name: str
    fault: str
    created: int | None


@dataclass(slots=True)
class Pages:
    """Reads one store's invoices for `reader`, `most` a page, fewer where they are large or the server is slow."""

    shop: Shop
    reader: str
    most: int
    size: int = 0

    def __post_init__(self) -> None:
        """Begin with the most."""
        self.size = self.most

    async def read(self, window: Window, *, take: int | None = None, open_only: bool = False) -> Page:
        """One page of a window. Raises SourceError; FORBIDDEN says whether the key or the store is to blame."""
        limit = min(take or self.size, self.size)
        query: dict[str, str | int | float | bool | list[str] | None] = {
            "take": limit,
            "skip": window.skip,
            "includeArchived": "true",
            "includePaymentMethods": "true",
        }
        # Only statuses that every version knows: BTCPay drops others from the filter, down to none at all.
        query |= {"status": ["New", "Processing"]} if open_only else {}
        query |= {"startDate": window.start} if window.start is not None else {}
        query |= {"endDate": window.end} if window.end is not None else {}
        what = f"the invoices of store {self.shop.slug}"
        try:
            told = await self.shop.server.client.list(self.shop.path("invoices"), self._convert, what, query=query)
        except SourceError as error:
            if error.reason in _TOO_MUCH:
                self.size = max(_FEWEST, self.size // 2)
            raise await self.shop.explained(error, INVOICES) from error
        self._learn(told.size)
        self._remark([item for item in told.value if isinstance(item, _Unread)])
        return Page(
            invoices=tuple(item for item in told.value if isinstance(item, BtcpayInvoice)),
            rows=len(told.value),
            at=told.at,
            seconds=told.seconds,
            rest=rest_of(window, [_made(item) for item in told.value], limit),
        )

    async def single(self, invoice_id: str) -> BtcpayInvoice | None:
        """One invoice with all its payments, replaced ones too; None where BTCPay denies it."""
        client, path = self.shop.server.client, self.shop.path(f"invoices/{invoice_id}")
        what = f"an invoice of store {self.shop.slug}"
        try:
            told = await client.ask(path, _INVOICE, what, query={"includePaymentMethods": "false"}, single=True)
            methods = await client.ask(
                f"{path}/payment-methods",
                _METHODS,
                f"the payments of {what}",
                query={"onlyAccountedPayments": "false"},
                single=True,
            )
        except AbsentError:
            return None
        return read_invoice(told.value, self.shop.sight(told.at), methods=methods.value, accounted_only=False)

    async def completed(self, invoice: BtcpayInvoice) -> BtcpayInvoice:
        """A list's invoice with all its payments, as far as BTCPay tells them of this one."""
        try:
            return await self.single(invoice.id) or invoice
        except SourceError as error:
            if error.reason not in OF_ONE_INVOICE:
                raise
            return invoice

    def _convert(self, item: Any, at: float) -> BtcpayInvoice | _Unread:  # noqa: ANN401 - decoded JSON
        try:
            answer = _INVOICE.validate_python(item)
        except ValidationError as error:
            known = item if isinstance(item, dict) else {}
            created = known.get("createdTime")
            created = created if isinstance(created, int) and not isinstance(created, bool) else None
            return _Unread(str(known.get("id"))[:40], first_fault(error), created)
        return read_invoice(answer, self.shop.sight(at), methods=given_methods(answer), accounted_only=True)

    def _learn(self, received: int) -> None:
        if received > _LARGE:
            self.size = max(_FEWEST, self.size * _LARGE // (2 * received))
        elif received < _LARGE // 4:
            self.size = min(self.most, self.size * 2)

    def _remark(self, unread: Sequence[_Unread]) -> None:
        text = None
        if unread:
            first, count = unread[0], len(unread)
            text = f"store {self.shop.slug}: {count} invoices can't be read, {first.name} first ({first.fault})"
        self.shop.server.remarks.say(f"unread {self.reader}", text)


def _made(item: BtcpayInvoice | _Unread) -> int | None:
    return item.created_at if isinstance(item, BtcpayInvoice) else item.created


def rest_of(window: Window, made: Sequence[int | None], limit: int) -> Window | None:
    """The window below a page of `limit` at most, None where it was not full; `made` dates its invoices.

    The oldest second is read again, as the page may have cut it; one that holds more than a page by skipping.
    """
    if len(made) < limit:
        return None
    oldest = min((at for at in made if at is not None), default=window.end)
    if oldest is None or oldest == window.end:
        return replace(window, skip=window.skip + len(made))
    return Window(window.start, oldest)


def needs_single(invoice: BtcpayInvoice, payments_before: int, fee_mode: str) -> bool:
    """Whether a list leaves out what matters of an invoice: its payments, or one that was replaced.

    Lists hide replaced payments; the fee for a second one, with no first in sight, gives them away.
    """
    if invoice.methods is None:
        untouched = invoice.status in (InvoiceStatus.NEW, InvoiceStatus.EXPIRED) and not invoice.paid
        return not untouched
    if not invoice.accounted_only:
        return False
    asks_fee = any(method.method is Method.CHAIN and method.fee > 0 for method in invoice.methods)
    hidden = fee_mode == _SECOND_PAYMENTS and asks_fee and not invoice.payments
    return hidden or len(invoice.payments) < payments_before

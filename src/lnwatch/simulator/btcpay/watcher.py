"""The watcher: the pass over one invoice that moves its state, and the mark by hand that overrides it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lnwatch.simulator.btcpay.invoice import Invoice


@dataclass(frozen=True, slots=True)
class Event:
    """What a webhook will tell of."""

    type: str
    fields: Mapping[str, Any] = field(default_factory=dict)


def examine(invoice: Invoice, now: float) -> list[Event]:
    """Move an invoice to where it belongs now. Expiry is tested before payment, within one pass."""
    events: list[Event] = []
    if invoice.top_up and invoice.pending:
        invoice.price = invoice.paid() or None
    if invoice.status == "New" and invoice.expires_at <= now:
        invoice.status = "Expired"
        partial = invoice.additional == "PaidPartial"
        events.append(Event("InvoiceExpired", {"partiallyPaid": partial}))
        if partial:
            events.append(Event("InvoiceExpiredPaidPartial"))
    if invoice.status == "New":
        events += _new(invoice)
    elif invoice.status == "Expired":
        events += _expired(invoice)
    if invoice.status == "Processing":
        events += _processing(invoice, now)
    return events


def _new(invoice: Invoice) -> list[Event]:
    if invoice.is_paid:
        over = invoice.is_over_paid
        invoice.status, invoice.additional = "Processing", "PaidOver" if over else "None"
        return [Event("InvoiceProcessing", {"overPaid": over})]
    if any(each.accounted for each in invoice.payments):
        invoice.additional = "PaidPartial"
    return []


def _expired(invoice: Invoice) -> list[Event]:
    if invoice.additional not in ("None", "PaidPartial"):
        return []
    if invoice.is_paid:
        invoice.additional = "PaidLate"
        return [Event("InvoicePaidAfterExpiration")]
    if any(each.accounted for each in invoice.payments):
        invoice.additional = "PaidPartial"
    return []


def _processing(invoice: Invoice, now: float) -> list[Event]:
    if not invoice.is_paid:
        partly = any(each.accounted for each in invoice.payments)
        invoice.status, invoice.additional = "New", "PaidPartial" if partly else "None"
        return []
    invoice.additional = "PaidOver" if invoice.is_over_paid else "None"
    if invoice.missing(settled=True) <= 0:
        invoice.status = "Settled"
        over = invoice.additional == "PaidOver"
        return [Event("InvoiceSettled", {"manuallyMarked": False, "overPaid": over})]
    if invoice.monitored_until < now:
        invoice.status = "Invalid"
        return [Event("InvoiceInvalid", {"manuallyMarked": False})]
    return []


def mark(invoice: Invoice, status: str) -> Event:
    """By hand: what stood in `additionalStatus` is lost."""
    invoice.status, invoice.additional = status, "Marked"
    if status == "Settled":
        return Event("InvoiceSettled", {"manuallyMarked": True, "overPaid": False})
    return Event("InvoiceInvalid", {"manuallyMarked": True})

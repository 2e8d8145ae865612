"""Which invoices are one purchase, and when it is over."""

from collections.abc import Iterator, Sequence
from math import floor

from lnwatch.domain.fate import Fate
from lnwatch.model.merchant import BtcpayInvoice

MOST_INVOICES = 200
PAYMENT_REQUEST = "PAY_REQUEST_"


def purchases(fates: Sequence[Fate], retry_window: float) -> Iterator[list[Fate]]:
    """Invoices in the order of their creation, cut where the ones before had come to an end."""
    current: dict[str, list[Fate]] = {}
    for fate in fates:
        shared = shared_id(fate.invoice)
        if shared is None:
            yield [fate]
            continue
        before = current.get(shared)
        if before is not None and _belongs(fate, before, retry_window):
            before.append(fate)
            continue
        if before is not None:
            yield before
        current[shared] = [fate]
    yield from current.values()


def shared_id(invoice: BtcpayInvoice) -> str | None:
    """The order id that makes invoices one purchase; each instalment of a payment request is one of its own."""
    if invoice.payment_request_id is not None or (invoice.order_id or "").startswith(PAYMENT_REQUEST):
        return None
    return invoice.order_id or None


def _belongs(fate: Fate, before: Sequence[Fate], retry_window: float) -> bool:
    if len(before) >= MOST_INVOICES:
        return False
    final = final_moment(before, retry_window)
    return final is None or fate.invoice.created_at < over_at(final)


def over_at(final: float) -> int:
    """From when on an invoice is of another order. BTCPay tells when one was made to the second: what was made in the
    second in which an order became final may have been made before."""
    return floor(final) + 1


def final_moment(fates: Sequence[Fate], retry_window: float) -> float | None:
    """When an order of these invoices is final by the sources' times; None while one may still be paid."""
    settled = [fate.settled_at for fate in fates if fate.settled_at is not None]
    if settled:
        return min(settled)
    ended = [fate.ended_at for fate in fates if fate.ended_at is not None]
    return max(ended) + retry_window if len(ended) == len(fates) else None

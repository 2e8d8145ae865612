"""What is wrong with the money of an order and not yet put right: six troubles, each with its figures.

Put right is: the money went back (nearly all of it, by completed payouts), the invoice was accepted by hand, or
BTCPay came to see it as it should.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from lnwatch.domain.fate import Fate, node_settled_at
from lnwatch.domain.purchases import shared_id
from lnwatch.domain.refunds import NEARLY_ALL, returned_worth
from lnwatch.domain.wording import clause, duration, moment
from lnwatch.domain.worth import (
    arrived_worth,
    bitcoin_worth,
    due_of,
    hair_missing,
    minor,
    net_of,
    rounded,
    written,
)
from lnwatch.model.merchant import AdditionalStatus, InvoiceStatus, InvoiceType, PaymentStatus
from lnwatch.model.money import format_msat
from lnwatch.model.order import KnownPayment, PaymentException, Trouble

_ZERO = Decimal(0)
_PAYMENTS_SHOWN = 5


def exceptions_of(fates: Sequence[Fate], read_until: float | None, *, shared: bool) -> tuple[PaymentException, ...]:
    """The troubles of the invoices of one order, oldest first.

    `read_until` is up to when BTCPay was read. Not `shared`: its id is that of many purchases, so that two of its
    invoices may both be paid.
    """
    found = [each for fate in fates if fate.priced for each in _of_invoice(fate, _settling(fate, fates), read_until)]
    found.extend(_twice(fates, shared=shared))
    return tuple(sorted(found, key=lambda each: (each.since, each.trouble, each.subject)))


def _settling(fate: Fate, fates: Sequence[Fate]) -> Fate | None:
    """The other invoice with which the order was settled."""
    return next((each for each in fates if each is not fate and each.settled_at is not None), None)


def _of_invoice(fate: Fate, other: Fate | None, read_until: float | None) -> Iterator[PaymentException]:
    returned = returned_worth(fate.story)
    for trouble in (_not_settled(fate, read_until), _late(fate), _partial(fate), _over(fate), _regressed(fate)):
        if trouble is None or _went_back(trouble.owed, returned):
            continue
        if other is not None and not trouble.owed:
            continue  # nothing of it is held, and the order was paid after all
        yield _exception(fate, other, trouble, returned)


def _went_back(owed: Decimal, returned: Decimal) -> bool:
    return owed > 0 and returned >= owed * NEARLY_ALL


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What is wrong: `what` follows the invoice's name in its sentence; `owed` would put it right by going back."""

    trouble: Trouble
    since: float
    owed: Decimal
    what: str


def _not_settled(fate: Fate, read_until: float | None) -> _Trouble | None:
    """The node has the money, BTCPay does not know. While it may still come to know, only once it was asked since."""
    if not fate.strays or fate.settled_at is not None or fate.accepted:
        return None
    stray = fate.strays[0]
    since, paid = node_settled_at(stray), sum(each.invoice.paid_msat for each in fate.strays)
    if fate.ended_at is None and (read_until is None or read_until <= since):
        return None
    invoice = fate.invoice
    shown = f"{_state(fate)} with {written(fate.credited, invoice.currency)} of {_due(fate)}"
    what = f"was paid with {format_msat(paid)} at node:{stray.node} at {moment(since)}, but BTCPay shows it {shown}"
    return _Trouble(Trouble.PAID_NOT_SETTLED, since, rounded(bitcoin_worth(invoice, paid), invoice.currency), what)


def _late(fate: Fate) -> _Trouble | None:
    if fate.status is not InvoiceStatus.EXPIRED or not fate.full or fate.accepted or not fate.completing:
        return None
    expired, at = float(fate.invoice.expires_at), fate.completing[-1].received_at
    when = f"{duration(at - expired)} after it had expired" if at > expired else "just before it expired, unnoticed"
    return _Trouble(Trouble.PAID_LATE, max(at, expired), fate.gross, f"was paid {when}: {_money(fate)}")


def _partial(fate: Fate) -> _Trouble | None:
    open_until_marked = fate.mark is not None and fate.status is InvoiceStatus.NEW
    if fate.status is not InvoiceStatus.EXPIRED and not open_until_marked:
        return None
    if fate.full or fate.accepted or not fate.arrived or fate.ended_at is None:
        return None
    since, why = max(fate.ended_at, fate.arrived[-1].received_at), ""
    if fate.gross >= _asked(fate) and fate.gross > fate.credited:
        why = " (for each further on-chain payment it keeps a network fee)"
    why += hair_missing(fate.invoice, fate.credited)
    return _Trouble(Trouble.PAID_PARTIAL, since, fate.gross, f"ended partly paid: {_money(fate)}{why}")


def _over(fate: Fate) -> _Trouble | None:
    """More than the price in the payments that made it up; one that came on top of them is a second payment."""
    invoice = fate.invoice
    if fate.ended_at is None or not fate.full or not fate.completing or invoice.type is InvoiceType.TOP_UP:
        return None
    total = sum((net_of(invoice, known.payment) for known in fate.completing), _ZERO)
    if fate.settled_at is None:
        total = fate.credited
    excess = rounded(total - _asked(fate), invoice.currency)
    flagged = _additional(fate) is AdditionalStatus.PAID_OVER and not fate.further and excess > 0
    if not flagged and excess <= minor(invoice.currency):
        return None
    at = fate.completing[-1].received_at
    return _Trouble(
        Trouble.PAID_OVER, at, excess, f"was paid {written(excess, invoice.currency)} too much: {_money(fate)}"
    )


def _regressed(fate: Fate) -> _Trouble | None:
    """It counted as paid, and does not any more."""
    story, held = fate.story, fate.gross
    if fate.accepted or (fate.mark is not None and not held):
        return None
    if fate.status is InvoiceStatus.INVALID and fate.ended_at is not None:
        confirmed = [known for known in fate.arrived if known.payment.status is PaymentStatus.SETTLED]
        now = (
            "It is confirmed by now" if confirmed and len(confirmed) == len(fate.arrived) else "It is not confirmed yet"
        )
        what = f"was paid in time, but became Invalid before its payment was confirmed: {_money(fate)}. {now}"
        return _Trouble(Trouble.INVOICE_REGRESSED, fate.ended_at, held, what)
    since = story.regressed_at
    if since is None and fate.replaced:
        since = fate.replaced[-1].seen_at
    if since is None or fate.full:
        return None
    if story.history and story.ended_seen_at == story.first_seen_at:
        since = min(since, float(fate.invoice.expires_at))  # it was over before anybody looked: no news
    left = f"{written(fate.credited, fate.invoice.currency)} of {_due(fate)} is left"
    what = f"counted as paid until its payment was replaced or spent elsewhere: {left}. Goods may be on their way"
    return _Trouble(Trouble.INVOICE_REGRESSED, since, held, what)


def _exception(fate: Fate, other: Fate | None, trouble: _Trouble, returned: Decimal) -> PaymentException:
    invoice = fate.invoice
    order = f" (order {clause(invoice.order_id)})" if invoice.order_id else ""
    more = f" Its order was settled with invoice {other.invoice.id}." if other is not None else ""
    more += f" {written(returned, invoice.currency)} went back so far." if returned else ""
    return PaymentException(
        trouble=trouble.trouble,
        store=invoice.store,
        subject=f"invoice:{invoice.id}",
        invoice=invoice.id,
        order_id=invoice.order_id,
        since=trouble.since,
        currency=invoice.currency,
        due=due_of(invoice, fate.credited),
        credited=fate.credited,
        gross=fate.gross,
        sentence=f"Invoice {invoice.id} of store:{invoice.store}{order} {trouble.what}.{more}",
        facts=_facts([fate], returned),
        evidence=_evidence([fate], returned) + (f" beside {other.invoice.id}" if other is not None else ""),
    )


def _twice(fates: Sequence[Fate], *, shared: bool) -> Iterator[PaymentException]:
    """An order that was settled, and for which money came once more: on the same invoice or on another of it."""
    settled = sorted(
        (fate for fate in fates if fate.settled_at is not None and fate.invoice.type is not InvoiceType.TOP_UP),
        key=lambda fate: (fate.settled_at, fate.invoice.id),
    )
    if not settled:
        return
    first = settled[0]
    if len(settled) == 1 and not first.further and not first.strays:
        return
    invoice, currency = first.invoice, first.invoice.currency
    paid = [fate for fate in settled if fate.invoice.currency == currency] if shared else [first]
    extra = {fate.invoice.id: _further_worth(fate) if fate is first else fate.gross for fate in paid}
    owed, returned = sum(extra.values(), _ZERO), sum((returned_worth(fate.story) for fate in paid), _ZERO)
    if owed <= minor(currency) or _went_back(owed, returned):
        return
    due, gross = due_of(invoice, first.credited), sum((fate.gross for fate in paid), _ZERO)
    name = shared_id(invoice) or invoice.id
    again = [fate for fate in paid if extra[fate.invoice.id] > 0]
    back = f" {written(returned, currency)} went back so far." if returned else ""
    yield PaymentException(
        trouble=Trouble.PAID_TWICE,
        store=invoice.store,
        subject=f"order:{invoice.store}/{name}",
        invoice=again[-1].invoice.id,
        order_id=invoice.order_id,
        since=max(_paid_again_at(fate, fate is first) for fate in again),
        currency=currency,
        due=due,
        credited=sum((fate.credited for fate in paid), _ZERO),
        gross=gross,
        sentence=f"Order {clause(name)} of store:{invoice.store} was paid again after it was settled: "
        f"{written(gross, currency)} came for {written(due, currency)}.{back}",
        facts=_facts(paid, returned),
        evidence=_evidence(paid, returned),
    )


def _further_worth(fate: Fate) -> Decimal:
    strays = sum(stray.invoice.paid_msat for stray in fate.strays)
    return arrived_worth(fate.invoice, [known.payment for known in fate.further], strays)


def _paid_again_at(fate: Fate, first: bool) -> float:  # noqa: FBT001 - of the invoice that settled the order
    came = fate.further if first else fate.arrived
    moments = [*(known.received_at for known in came), *(node_settled_at(stray) for stray in fate.strays)]
    return max(moments, default=fate.settled_at or fate.story.first_seen_at)


def _asked(fate: Fate) -> Decimal:
    return due_of(fate.invoice, fate.credited)


def _due(fate: Fate) -> str:
    return written(_asked(fate), fate.invoice.currency)


def _additional(fate: Fate) -> AdditionalStatus:
    return fate.mark.additional if fate.mark is not None else fate.invoice.additional


def _state(fate: Fate) -> str:
    return fate.invoice.status.value.capitalize()


def _money(fate: Fate) -> str:
    """What came for what was asked, and what BTCPay counts where that is another figure."""
    currency = fate.invoice.currency
    came = f"{written(fate.gross, currency)} came"
    if fate.invoice.type is not InvoiceType.TOP_UP:
        came += f" for {_due(fate)}"
    if rounded(fate.credited, currency) == rounded(fate.gross, currency):
        return came
    return f"{came}, of which BTCPay credits {written(fate.credited, currency)}"


def _facts(fates: Sequence[Fate], returned: Decimal) -> dict[str, str]:
    invoice = fates[0].invoice
    payments = [known for fate in fates for known in fate.arrived]
    facts = {
        "store": invoice.store,
        "order": invoice.order_id or "none",
        "invoice": ", ".join(fate.invoice.id for fate in fates),
        "asked": _due(fates[0]),
        "credited by BTCPay": written(sum((fate.credited for fate in fates), _ZERO), invoice.currency),
        "arrived": written(sum((fate.gross for fate in fates), _ZERO), invoice.currency),
    }
    for number, known in enumerate(payments[-_PAYMENTS_SHOWN:], 1):
        facts[f"payment {number}"] = _payment_fact(known)
    strays = [stray for fate in fates for stray in fate.strays]
    for number, stray in enumerate(strays[-_PAYMENTS_SHOWN:], 1):
        hashed, paid = stray.invoice.payment_hash, format_msat(stray.invoice.paid_msat)
        facts[f"at node:{stray.node} {number}"] = f"{paid}, settled {moment(node_settled_at(stray))}, hash {hashed}"
    if returned:
        facts["went back"] = written(returned, invoice.currency)
    return facts


def _payment_fact(known: KnownPayment) -> str:
    payment = known.payment
    amount = format_msat(payment.value_msat) if payment.value_msat is not None else f"{payment.value}"
    return f"{payment.method} {amount}, {payment.status}, {moment(known.received_at)}, {payment.id}"


def _evidence(fates: Sequence[Fate], returned: Decimal) -> str:
    """What somebody who closed the case looked at: more money, or money that went back, is news."""
    return "; ".join(
        f"{fate.invoice.id} {fate.credited.normalize():f} {fate.gross.normalize():f} "
        f"{sum(known.payment.status is PaymentStatus.SETTLED for known in fate.arrived)}/{len(fate.arrived)}"
        for fate in fates
    ) + (f" back {returned.normalize():f}" if returned else "")

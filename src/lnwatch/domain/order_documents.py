"""Orders and their timelines as JSON tells them: amounts as text in their currency, times in epoch seconds."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from lnwatch.domain.fate import fate_of
from lnwatch.domain.legs import unseen_legs
from lnwatch.domain.timeline import timeline
from lnwatch.model.order import InvoiceStory, LegTime, Order, PaymentException


@dataclass(frozen=True, slots=True)
class Told:
    """An order of a site, with the stories that are at hand: those of its invoices among them."""

    site: str
    order: Order
    stories: tuple[InvoiceStory, ...]


def told_document(told: Told) -> dict[str, object]:
    """An order with everything that is known of it."""
    order = told.order
    return {
        **summary(told.site, order),
        "offered": [str(method) for method in order.offered],
        "evidence": [{**asdict(each), "proof": str(each.proof), "rail": str(each.rail)} for each in order.evidence],
        "legs": [_leg(each) for each in order.legs],
        "unseen_legs": [{"leg": str(leg), "why": why} for leg, why in unseen(told)],
        "timeline": [asdict(step) for step in timeline(order, told.stories)],
    }


def summary(site: str, order: Order) -> dict[str, object]:
    """An order in short, with what is wrong with its payments."""
    return {
        "site": site,
        "store": order.store,
        "order": order.id,
        "order_id": order.order_id,
        "invoices": list(order.invoices),
        "outcome": str(order.outcome),
        "rail": str(order.rail),
        "methods": [str(method) for method in order.methods],
        "currency": order.currency,
        "due": str(order.due),
        "paid": str(order.paid),
        "paid_msat": order.paid_msat,
        "created_at": order.created_at,
        "settled_at": order.settled_at,
        "final_at": order.final_at,
        "refunded_at": order.refunded_at,
        "sequence": order.sequence,
        "history": order.history,
        "business": order.business,
        "exceptions": [exception_document(each) for each in order.exceptions],
    }


def exception_document(exception: PaymentException) -> dict[str, object]:
    """What is wrong with one payment."""
    return {
        "rule": str(exception.trouble),
        "subject": exception.subject,
        "invoice": exception.invoice,
        "order_id": exception.order_id,
        "since": exception.since,
        "currency": exception.currency,
        "due": str(exception.due),
        "credited": str(exception.credited),
        "gross": str(exception.gross),
        "sentence": exception.sentence,
        "facts": dict(exception.facts),
    }


def unseen(told: Told) -> Iterable[tuple[str, str]]:
    """The legs of its payments that can't be measured, each once, and why."""
    mine = (story for story in told.stories if story.invoice.id in told.order.invoices)
    return dict.fromkeys((str(leg), why) for story in mine for leg, why in unseen_legs(fate_of(story)))


def _leg(leg: LegTime) -> dict[str, object]:
    return {**asdict(leg), "leg": str(leg.leg), "rail": str(leg.rail)}

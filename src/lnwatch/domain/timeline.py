"""One purchase as it went through all systems: each step with its time and with who tells of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.wording import count, duration, moment
from lnwatch.domain.worth import written
from lnwatch.model.lightning import InvoiceState, LightningPayment
from lnwatch.model.merchant import (
    LIGHTNING_METHODS,
    AdditionalStatus,
    InvoiceStatus,
    PaymentStatus,
    WebhookEvent,
)
from lnwatch.model.money import format_msat
from lnwatch.model.order import ChainSide, InvoiceStory, KnownPayment, NodeInvoice, Order, Outcome, Refund

CHAIN = "bitcoind"
NODE = "node"
WEBHOOK = "webhook"
OURSELVES = "lnwatch"


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened at `at` (epoch seconds); `source` told of it: a source's slug, `bitcoind` for the
    chain, `webhook`, or `lnwatch` for what follows from the rest. `invoice` "" where it is of the whole order."""

    at: float
    source: str
    invoice: str
    what: str


def timeline(order: Order, stories: Iterable[InvoiceStory]) -> tuple[Step, ...]:
    """The steps of an order, the earliest first; `stories` of other invoices are left out."""
    steps = [step for story in stories if story.invoice.id in order.invoices for step in _steps(story)]
    # Most systems date by whole seconds: within one, what follows from something else stands after it.
    return tuple(sorted((*steps, *_conclusion(order)), key=lambda step: int(step.at)))


def _steps(story: InvoiceStory) -> Iterator[Step]:
    yield _made(story)
    for known in story.payments:
        if (chain := story.chain.get(known.payment.txid or "")) is not None:
            yield from _chain(story, known, chain)
    for side in story.node.values():
        yield from _node(story, side)
    for known in story.payments:
        yield _payment(story, known)
    yield from _became(story)
    for hook in sorted(story.hooks, key=lambda hook: (hook.at, hook.seen_at)):
        yield Step(hook.at, WEBHOOK, story.invoice.id, _told(hook))
    for refund in story.refunds:
        yield from _refund(story, refund)


def _made(story: InvoiceStory) -> Step:
    invoice = story.invoice
    offered = ", ".join(sorted(invoice.offered_methods)) or "no method at all"
    asked = f"invoice over {written(invoice.amount, invoice.currency)}"
    lives = duration(invoice.expires_at - invoice.created_at)
    return Step(invoice.created_at, story.source, invoice.id, f"{asked} by {offered}, expires after {lives}")


def _became(story: InvoiceStory) -> Iterator[Step]:
    """What BTCPay made of the invoice itself."""
    invoice, more = story.invoice, _more(story.invoice.additional)

    def step(at: float, what: str) -> Step:
        return Step(at, story.source, invoice.id, what)

    if story.mark is not None:
        before = f"{story.mark.status}{_more(story.mark.additional)}"
        yield step(story.mark.at, f"marked by hand, {invoice.status} now; before that it was {before}")
    elif story.settled_seen_at is not None:
        yield step(story.settled_seen_at, f"settled{more}")
    elif invoice.status is InvoiceStatus.EXPIRED:
        yield step(invoice.expires_at, f"expired{more}")
    elif invoice.status is InvoiceStatus.INVALID and story.ended_seen_at is not None:
        yield step(story.ended_seen_at, f"invalid{more}")
    if story.regressed_at is not None:
        yield step(story.regressed_at, "fell back: what had been paid counts no more")
    if story.gone_at is not None:
        yield step(story.gone_at, "not in BTCPay any more")


def _payment(story: InvoiceStory, known: KnownPayment) -> Step:
    payment = known.payment
    name = payment.payment_hash if payment.method in LIGHTNING_METHODS else payment.id
    amount = format_msat(payment.value_msat) if payment.value_msat is not None else str(payment.value)
    now = payment.status if known.accounted else PaymentStatus.INVALID
    what = f"payment of {amount} by {payment.method} ({name}), {now} now"
    return Step(known.received_at, story.source, story.invoice.id, what)


def _node(story: InvoiceStory, side: NodeInvoice) -> Iterator[Step]:
    invoice = side.invoice

    def step(at: float, what: str) -> Step:
        return Step(at, side.node, story.invoice.id, f"{what} ({invoice.payment_hash})")

    if invoice.created_at:
        yield step(invoice.created_at, f"node's invoice over {format_msat(invoice.value_msat)}")
    for part in invoice.htlcs:
        yield step(part.accept_time, f"HTLC of {format_msat(part.amount_msat)} accepted over channel {part.channel_id}")
        if part.canceled:
            yield step(part.resolve_time, f"HTLC of {format_msat(part.amount_msat)} failed back")
    if invoice.final_at is None:
        return
    if invoice.state is InvoiceState.SETTLED:
        parts = f" in {count(len(invoice.htlcs), 'part')}" if invoice.htlcs else ""
        yield step(invoice.final_at, f"node received {format_msat(invoice.paid_msat)}{parts}")
    else:
        yield step(invoice.final_at, f"node's invoice {invoice.state}")


def _chain(story: InvoiceStory, known: KnownPayment, side: ChainSide) -> Iterator[Step]:
    transaction = side.transaction

    def step(at: float, what: str) -> Step:
        return Step(at, CHAIN, story.invoice.id, f"transaction {known.payment.txid} {what}")

    if transaction.first_seen_at is not None:
        yield step(transaction.first_seen_at, "in the mempool")
    if side.confirmed_at is not None:
        yield step(side.confirmed_at, f"confirmed in block {transaction.block_height}")


def _refund(story: InvoiceStory, refund: Refund) -> Iterator[Step]:
    link = refund.pull_payment

    def step(at: float, source: str, what: str) -> Step:
        return Step(at, source, story.invoice.id, what)

    sure = "" if refund.proven else ", by its name"
    archived = ", archived since" if link.archived else ""
    yield step(link.starts_at, story.source, f"refund link over {written(link.amount, link.currency)}{sure}{archived}")
    for payout in refund.payouts:
        asked = written(payout.asked, payout.asked_currency)
        yield step(
            payout.created_at, story.source, f"refund of {asked} claimed by {payout.method}, {_words(payout.state)} now"
        )
        yield from _repaid(story, payout.payment_hash or payout.txid or "")


def _repaid(story: InvoiceStory, proof: str) -> Iterator[Step]:
    side = story.repaid.get(proof)
    if isinstance(side, LightningPayment) and side.final_at is not None:
        fee = format_msat(side.fee_msat)
        what = f"node's payment of {format_msat(side.value_msat)}, fee {fee}: {side.state} ({proof})"
        yield Step(side.final_at, NODE, story.invoice.id, what)
    elif isinstance(side, ChainSide) and side.confirmed_at is not None:
        what = f"refund's transaction {proof} confirmed in block {side.transaction.block_height}"
        yield Step(side.confirmed_at, CHAIN, story.invoice.id, what)


def _conclusion(order: Order) -> Iterator[Step]:
    for evidence in order.evidence:
        yield Step(evidence.at, evidence.source, evidence.invoice, f"evidence: {evidence.sentence}")
    for exception in order.exceptions:
        yield Step(exception.since, OURSELVES, exception.invoice, f"{exception.trouble}: {exception.sentence}")
    if order.final_at is not None and order.outcome is not Outcome.OPEN:
        place = f", number {order.sequence:,} of its site" if order.sequence is not None else ""
        history = ", from before lnwatch watched this store" if order.history else ""
        yield Step(order.final_at, OURSELVES, "", f"order final: {order.outcome}, rail {order.rail}{place}{history}")


def _told(hook: WebhookEvent) -> str:
    words = [hook.type]
    if hook.payment is not None:
        words.append(f"{hook.payment.method} {hook.payment.status}")
    flags = {
        "after expiry": hook.after_expiration,
        "overpaid": hook.over_paid,
        "partly paid": hook.partially_paid,
        "marked by hand": hook.manually_marked,
        "delivered again": hook.redelivery,
    }
    words += [name for name, flag in flags.items() if flag]
    late = hook.seen_at - hook.at
    words += [f"reached lnwatch {duration(late)} later, at {moment(hook.seen_at)}"] if late >= 60 else []
    return ", ".join(words)


def _more(additional: AdditionalStatus) -> str:
    silent = additional in (AdditionalStatus.NONE, AdditionalStatus.MARKED)
    return "" if silent else f" ({_words(additional)})"


def _words(value: str) -> str:
    return value.replace("_", " ")

"""Why an order failed, as far as anything tells: money that came and did not settle it, and what stood in its way.

Most payments that fail do so before they reach the merchant. So without evidence nothing is called a failure, and
with evidence nothing is called a change of mind.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lnwatch.domain.fate import RAILS, Fate, node_settled_at
from lnwatch.domain.wording import duration, moment
from lnwatch.domain.worth import asked_msat, due_of, hair_missing, written
from lnwatch.model.conditions import Conditions, FailedHtlc
from lnwatch.model.merchant import LIGHTNING_METHODS, InvoiceStatus, Method
from lnwatch.model.money import Msat, format_msat
from lnwatch.model.order import Evidence, KnownPayment, Proof, Rail

MOST = 0.5  # the share of its life from which on an invoice could not be paid
_ROUNDED_UP = 1.01  # wallets may send a little more than was asked

MONEY = frozenset({Proof.PAID_AT_NODE, Proof.PAID_LATE, Proof.PAID_PARTIAL, Proof.UNCONFIRMED, Proof.REPLACED})
TRIED = frozenset({Proof.HTLC_FAILED, Proof.PROBE_FAILED})
# Strongest first: the rail of a failed order is that of its strongest evidence.
STRENGTH = (
    Proof.PAID_AT_NODE,
    Proof.PAID_LATE,
    Proof.PAID_PARTIAL,
    Proof.UNCONFIRMED,
    Proof.REPLACED,
    Proof.HTLC_FAILED,
    Proof.PROBE_FAILED,
    Proof.NOT_RECEIVABLE,
    Proof.NODE_DOWN,
    Proof.CHAIN_DOWN,
    Proof.METHOD_MISSING,
)


def money_evidence(fate: Fate) -> tuple[Evidence, ...]:
    """What came for an invoice that did not settle it. While the invoice is open: what was taken back."""
    if fate.settled_at is not None or not fate.priced:
        return ()
    found = list(_replaced(fate))
    if fate.ended_at is not None:
        found = [*_at_node(fate), *_credited(fate), *found]
    return tuple(found)


def _at_node(fate: Fate) -> Iterator[Evidence]:
    for stray in fate.strays:
        paid, at = stray.invoice.paid_msat, node_settled_at(stray)
        yield Evidence(
            Proof.PAID_AT_NODE,
            stray.node,
            fate.invoice.id,
            at,
            Rail.LIGHTNING,
            f"node:{stray.node} received {format_msat(paid)} at {moment(at)}, which BTCPay does not know of.",
            paid,
        )


def _credited(fate: Fate) -> Iterator[Evidence]:
    if not fate.arrived or fate.dismissed:
        return
    invoice, last = fate.invoice, (fate.completing or fate.arrived)[-1]
    due = written(due_of(invoice, fate.credited), invoice.currency)
    paid = written(fate.credited, invoice.currency)
    if fate.status in {InvoiceStatus.INVALID, InvoiceStatus.PROCESSING}:
        proof = Proof.UNCONFIRMED
        sentence = f"{paid} of {due} came in time and was not confirmed while BTCPay waited for it."
    elif fate.full:
        proof = Proof.PAID_LATE
        sentence = f"{paid} of {due} came at {moment(last.received_at)}, too late for BTCPay to settle the invoice."
    else:
        proof = Proof.PAID_PARTIAL
        sentence = f"BTCPay credits {paid} of {due}{hair_missing(invoice, fate.credited)}."
    yield _of_payment(fate, proof, last, sentence)


def _replaced(fate: Fate) -> Iterator[Evidence]:
    for known in fate.replaced:
        what = known.payment.txid or known.payment.id
        sentence = f"The payment {what[:12]}… was replaced by another one, or spent elsewhere, before it was confirmed."
        yield _of_payment(fate, Proof.REPLACED, known, sentence)


def _of_payment(fate: Fate, proof: Proof, known: KnownPayment, sentence: str) -> Evidence:
    payment, source = known.payment, fate.story.source
    rail = RAILS.get(payment.method, Rail.NONE)
    return Evidence(proof, source, fate.invoice.id, known.received_at, rail, sentence, payment.value_msat)


def circumstances(fate: Fate, conditions: Conditions) -> tuple[Evidence, ...]:
    """What stood in the way of an invoice for which no money came."""
    begin, end = float(fate.invoice.created_at), fate.ended_at
    if end is None or fate.settled_at is not None or not fate.priced or fate.dismissed:
        return ()
    life = _Life(fate, begin, max(min(end, float(fate.invoice.expires_at)), begin))
    tried = [*_held_up(life), *_failed_htlcs(life, conditions.failed_htlcs), *_failed_probes(life, conditions)]
    return (*tried, *_unpayable(life, conditions))


@dataclass(frozen=True, slots=True)
class _Life:
    """An invoice and the time in which it could be paid."""

    fate: Fate
    begin: float
    end: float

    @property
    def invoice(self) -> str:
        return self.fate.invoice.id

    @property
    def methods(self) -> frozenset[Method]:
        return self.fate.invoice.offered_methods

    @property
    def asked(self) -> Msat | None:
        return asked_msat(self.fate.story)


def _held_up(life: _Life) -> Iterator[Evidence]:
    """Parts that reached an invoice of the node and were given back: the rest of them never came."""
    for side in life.fate.story.node.values():
        parts = [part for part in side.invoice.htlcs if part.canceled and not part.settled]
        if not parts or any(part.settled for part in side.invoice.htlcs):
            continue
        amount, at = Msat(sum(part.amount_msat for part in parts)), float(parts[-1].accept_time)
        sentence = f"{format_msat(amount)} reached node:{side.node} and was given back: the whole amount did not come."
        yield Evidence(Proof.HTLC_FAILED, side.node, life.invoice, at, Rail.LIGHTNING, sentence, amount)


def _failed_htlcs(life: _Life, failed: Sequence[FailedHtlc]) -> Iterator[Evidence]:
    asked = life.asked
    if not asked or LIGHTNING_METHODS.isdisjoint(life.methods):
        return
    for htlc in failed:
        fits = asked <= htlc.amount_msat <= asked * _ROUNDED_UP and life.begin <= htlc.at <= life.end
        if fits and not htlc.rivals:
            sentence = (
                f"A payment of {format_msat(htlc.amount_msat)} reached node:{htlc.node} over channel {htlc.channel} at "
                f"{moment(htlc.at)} and failed there: {htlc.words}."
            )
            yield Evidence(
                Proof.HTLC_FAILED, htlc.node, life.invoice, htlc.at, Rail.LIGHTNING, sentence, htlc.amount_msat
            )


def _failed_probes(life: _Life, conditions: Conditions) -> Iterator[Evidence]:
    offered = {RAILS.get(method) for method in life.methods}
    for probe in conditions.failed_probes:
        if probe.rail in offered and life.begin <= probe.at <= life.end:
            sentence = f"probe:{probe.source} failed at {moment(probe.at)}: {probe.words}."
            yield Evidence(Proof.PROBE_FAILED, probe.source, life.invoice, probe.at, probe.rail, sentence)


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of an invoice's life in which a rail could not be used, and why."""

    proof: Proof
    source: str
    since: float
    until: float
    words: str


def _unpayable(life: _Life, conditions: Conditions) -> Iterator[Evidence]:
    """Evidence for each rail that could not be used for most of the invoice's life."""
    for rail in (Rail.LIGHTNING, Rail.ONCHAIN):
        spans = list(_clipped(life, _spans(life, conditions, rail)))
        lasted, whole = _union(spans), life.end - life.begin
        if whole <= 0 or lasted <= whole * MOST:
            continue
        for proof, source in dict.fromkeys((span.proof, span.source) for span in spans):
            mine = [span for span in spans if (span.proof, span.source) == (proof, source)]
            sentence = f"{mine[0].words} for {duration(_union(mine))} of the {duration(whole)} that the invoice lasted."
            amount = life.asked if proof is Proof.NOT_RECEIVABLE else None
            yield Evidence(proof, source, life.invoice, min(span.since for span in mine), rail, sentence, amount)


def _spans(life: _Life, conditions: Conditions, rail: Rail) -> Iterator[_Span]:
    usual = {method for method in conditions.enabled if RAILS.get(method) is rail}
    carried = {method for method in life.methods if RAILS.get(method) is rail}
    if not usual and not carried:
        return
    if not carried:
        words = f"The invoice lacked {' and '.join(sorted(usual))}, which the store has enabled,"
        yield _Span(Proof.METHOD_MISSING, life.fate.story.source, life.begin, life.end, words)
    for outage in conditions.outages:
        if outage.rail is rail:
            until = outage.until if outage.until is not None else life.end
            yield _Span(outage.proof, outage.source, outage.since, until, f"{outage.source} {outage.words}")
    if rail is Rail.LIGHTNING and carried:
        yield from _short_of(life, conditions)


def _short_of(life: _Life, conditions: Conditions) -> Iterator[_Span]:
    asked = life.asked
    if not asked:
        return
    steps = sorted(conditions.receivable, key=lambda step: step.at)
    for step, following in pairwise((*steps, None)):
        if step is None or step.many_msat >= asked:
            continue
        until = following.at if following is not None else life.end
        words = (
            f"node:{step.node} could receive {format_msat(step.many_msat)} at most, less than the {format_msat(asked)} "
            "asked for,"
        )
        yield _Span(Proof.NOT_RECEIVABLE, step.node, step.at, until, words)


def _clipped(life: _Life, spans: Iterable[_Span]) -> Iterator[_Span]:
    for span in spans:
        since, until = max(span.since, life.begin), min(span.until, life.end)
        if since < until:
            yield _Span(span.proof, span.source, since, until, span.words)


def _union(spans: Iterable[_Span]) -> float:
    """How long at least one of them lasted."""
    total, reached = 0.0, float("-inf")
    for since, until in sorted((span.since, span.until) for span in spans):
        total += max(0.0, until - max(since, reached))
        reached = max(reached, until)
    return total

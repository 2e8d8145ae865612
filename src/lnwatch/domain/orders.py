"""From the invoices of one store that share an order id to orders: one purchase each, up to its finality.

What comes out is a function of the set of stories, whatever order they come in. An order that became final, and was
committed as such, keeps its invoices, its moment and what circumstances told then; what money does later is a
correction of the rest.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from lnwatch.domain.evidence import MONEY, STRENGTH, TRIED, circumstances, money_evidence
from lnwatch.domain.exceptions import exceptions_of
from lnwatch.domain.fate import Fate, by_arrival, fate_of, node_settled_at
from lnwatch.domain.legs import legs_of
from lnwatch.domain.purchases import final_moment, over_at, purchases, shared_id
from lnwatch.domain.refunds import refunded_at
from lnwatch.domain.worth import asked_msat, due_of
from lnwatch.model.conditions import NOTHING_KNOWN, Conditions
from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat
from lnwatch.model.order import (
    Evidence,
    InvoiceEnd,
    InvoiceStory,
    KnownPayment,
    NodeInvoice,
    Order,
    Outcome,
    Rail,
)

RETRY_WINDOW = 1_800.0  # seconds


@dataclass(frozen=True, slots=True)
class ReadUntil:
    """Up to which moment the sources were read: nothing is concluded of what came after.

    `btcpay` is the store's watermark, None before its first reading. `node` is that of the Lightning node behind
    the store (its collector `invoices`), 0 before its first reading and None where none is joined.
    """

    btcpay: float | None
    node: float | None


@dataclass(frozen=True, slots=True)
class Regrouped:
    """An order as it stands now; `due_at`: look again once everything was read past it, None: only for news."""

    order: Order
    due_at: float | None


def regroup(
    stories: Iterable[InvoiceStory],
    kept: Iterable[Order],
    *,
    read_until: ReadUntil,
    retry_window: float = RETRY_WINDOW,
    conditions: Conditions = NOTHING_KNOWN,
) -> tuple[Regrouped, ...]:
    """The orders that the invoices of one store make up, oldest first.

    `kept` are those of them that the ledger has: one of which not all invoices are at hand comes back as it is, and
    one that is not in the answer is no more. An order is final (its outcome is not `open`, and `final_at` is set)
    once `read_until` is past the second of its moment. `conditions` matter for what becomes final now: for orders
    that are final already they may be left out.
    """
    by_id = {story.invoice.id: fate_of(story) for story in stories}
    known = {order.id: order for order in kept}
    away = [order for order in known.values() if any(name not in by_id for name in order.invoices)]
    pinned = {
        order.id: [by_id[name] for name in order.invoices]
        for order in known.values()
        if order not in away and _pinned(order)
    }
    taken = {name for order in away for name in order.invoices}
    taken |= {fate.invoice.id for fates in pinned.values() for fate in fates}
    free = sorted(
        (fate for name, fate in by_id.items() if name not in taken),
        key=lambda fate: (fate.invoice.created_at, fate.invoice.id),
    )
    groups = {fates[0].invoice.id: fates for fates in purchases(free, retry_window)} | pinned
    reused = _reused(groups.values(), away)
    made = [
        _Desk(read_until, retry_window, conditions, reused, known.get(name)).judged(fates)
        for name, fates in groups.items()
    ]
    every = [*made, *(Regrouped(order, None) for order in away)]
    return tuple(sorted(every, key=lambda each: (each.order.created_at, each.order.id)))


def _reused(groups: Iterable[Sequence[Fate]], away: Iterable[Order]) -> frozenset[str]:
    """Order ids under which more than one order was settled: a donation's, say, and no single purchase's."""
    settled = [shared_id(fates[0].invoice) for fates in groups if any(fate.settled_at is not None for fate in fates)]
    settled += [order.order_id for order in away if order.settled_at is not None]
    return frozenset(name for name, times in Counter(settled).items() if name is not None and times > 1)


def _pinned(order: Order) -> bool:
    """Whether it was committed as final. What is history may still be completed from the past."""
    return order.outcome is not Outcome.OPEN and not order.history


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What became of one invoice."""

    fate: Fate
    outcome: Outcome
    rail: Rail
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class _Desk:
    """Makes an order of the invoices of one purchase; `before` is the order as the ledger has it."""

    read_until: ReadUntil
    retry_window: float
    conditions: Conditions
    reused: frozenset[str]
    before: Order | None

    def judged(self, fates: Sequence[Fate]) -> Regrouped:
        """The order, and when to look at it again."""
        verdicts = [self._verdict(fate) for fate in fates]
        leading = min(verdicts, key=_leading)
        moment = final_moment(fates, self.retry_window)
        if self.before is not None and _pinned(self.before):
            final = self.before.final_at
            if leading.outcome is Outcome.OPEN:  # what once was final does not open again
                leading = replace(leading, outcome=self.before.outcome, rail=self.before.rail)
        else:
            final = moment if moment is not None and self._told(leading.outcome, moment) else None
        order = self._order(fates, verdicts, leading, final)
        if final is not None:
            return Regrouped(order, None)
        return Regrouped(order, over_at(moment) if moment is not None else _awaited(fates))

    def _told(self, outcome: Outcome, moment: float) -> bool:
        """Whether everything that could say otherwise was read past that moment."""
        if self.read_until.btcpay is None or self.read_until.btcpay < over_at(moment):
            return False
        needs_node = outcome not in {Outcome.SETTLED, Outcome.EXCLUDED} and self.read_until.node is not None
        return not needs_node or (self.read_until.node or 0.0) > moment

    def _verdict(self, fate: Fate) -> _Verdict:
        if fate.settled_at is not None:
            return _Verdict(fate, Outcome.SETTLED, fate.rail, ())
        money = money_evidence(fate)
        if fate.ended_at is None:
            return _Verdict(fate, Outcome.OPEN, Rail.NONE, money)
        if not money and (fate.dismissed or not fate.priced):
            return _Verdict(fate, Outcome.EXCLUDED, Rail.NONE, ())
        told = self._told_before(fate)
        around = told if told is not None else circumstances(fate, self.conditions)
        evidence = tuple(sorted((*money, *around), key=_strength))
        return _Verdict(fate, _outcome(evidence), evidence[0].rail if evidence else Rail.NONE, evidence)

    def _told_before(self, fate: Fate) -> tuple[Evidence, ...] | None:
        """What circumstances said when the order became final: what is known of them later may be less."""
        before = self.before
        if before is None or before.outcome is Outcome.OPEN or fate.invoice.id not in before.invoices:
            return None
        return tuple(each for each in before.evidence if each.invoice == fate.invoice.id and each.proof not in MONEY)

    def _order(
        self, fates: Sequence[Fate], verdicts: Sequence[_Verdict], leading: _Verdict, final: float | None
    ) -> Order:
        first, lead, before = fates[0].invoice, leading.fate, self.before
        arrived = _arrived(fates)
        outcome = leading.outcome if final is not None else Outcome.OPEN
        return Order(
            store=first.store,
            id=first.id,
            order_id=first.order_id,
            invoices=tuple(fate.invoice.id for fate in fates),
            created_at=first.created_at,
            final_at=final,
            outcome=outcome,
            rail=leading.rail if final is not None else Rail.NONE,
            methods=_methods(fates, arrived),
            offered=tuple(sorted({method for fate in fates for method in fate.invoice.offered_methods})),
            currency=lead.invoice.currency,
            due=due_of(lead.invoice, lead.credited),
            paid=sum(
                (fate.credited for fate in fates if fate.invoice.currency == lead.invoice.currency), start=Decimal(0)
            ),
            paid_msat=_arrived_msat(fates, arrived),
            settled_at=lead.settled_at,
            refunded_at=refunded_at((fate.story for fate in fates), before.refunded_at if before is not None else None),
            business=any(fate.priced for fate in fates) and leading.outcome is not Outcome.EXCLUDED,
            history=all(fate.story.history for fate in fates),
            evidence=tuple(_standing(verdicts, outcome)),
            exceptions=exceptions_of(fates, self.read_until.btcpay, shared=shared_id(first) not in self.reused),
            legs=tuple(leg for fate in fates for leg in legs_of(fate)),
            parts=_parts(lead),
            sequence=before.sequence if before is not None else None,
            asked_msat=asked_msat(lead.story),
            payments=tuple(known.payment.method for known in arrived),
            ends=tuple(map(_end, verdicts)) if final is not None else (),
        )


def _outcome(evidence: Sequence[Evidence]) -> Outcome:
    """What evidence makes of an invoice that nothing settled."""
    if not evidence:
        return Outcome.UNEXPLAINED
    tried = any(each.proof in MONEY or each.proof in TRIED for each in evidence)
    return Outcome.FAILED if tried else Outcome.UNPAYABLE


def _strength(evidence: Evidence) -> tuple[int, float]:
    return STRENGTH.index(evidence.proof), evidence.at


def _leading(verdict: _Verdict) -> tuple[float, ...]:
    """The invoice that says what became of the order comes first: of settled ones the first, of others the last."""
    fate, created = verdict.fate, verdict.fate.invoice.created_at
    if verdict.outcome is Outcome.SETTLED:
        return (0, fate.settled_at or 0, created)
    if not fate.priced:
        return (6, -created)
    if verdict.outcome is Outcome.FAILED:
        return (2, STRENGTH.index(verdict.evidence[0].proof), -created)
    rank = (Outcome.OPEN, Outcome.FAILED, Outcome.EXCLUDED, Outcome.UNPAYABLE, Outcome.UNEXPLAINED)
    return (1 + rank.index(verdict.outcome), -created)


def _standing(verdicts: Sequence[_Verdict], outcome: Outcome) -> Iterator[Evidence]:
    """The evidence behind the outcome; while the order is open, what money did so far."""
    for each in (each for verdict in verdicts for each in verdict.evidence):
        if outcome in {Outcome.FAILED, Outcome.UNPAYABLE} or (outcome is Outcome.OPEN and each.proof in MONEY):
            yield each


def _end(verdict: _Verdict) -> InvoiceEnd:
    """What became of one invoice of a final order; one that is still open was left for another."""
    outcome = Outcome.UNEXPLAINED if verdict.outcome is Outcome.OPEN else verdict.outcome
    return InvoiceEnd(verdict.fate.invoice.id, verdict.rail, outcome)


def _arrived(fates: Sequence[Fate]) -> list[KnownPayment]:
    arrived = (known for fate in fates for known in fate.arrived)
    return sorted(arrived, key=by_arrival)


def _arrived_msat(fates: Sequence[Fate], arrived: Iterable[KnownPayment]) -> Msat:
    known = sum(known.payment.value_msat or 0 for known in arrived)
    return Msat(known + sum(stray.invoice.paid_msat for fate in fates for stray in fate.strays))


def _methods(fates: Sequence[Fate], arrived: Iterable[KnownPayment]) -> tuple[Method, ...]:
    """What the order was paid with, in the order of payment."""
    known = [known.payment.method for known in arrived]
    presumed = [method for fate in fates if len(fate.presumed) == 1 for method in fate.presumed]
    strays = [_stray_method(fate, stray) for fate in fates for stray in fate.strays]
    return tuple(dict.fromkeys((*known, *presumed, *strays)))


def _stray_method(fate: Fate, stray: NodeInvoice) -> Method:
    """The method whose BOLT11 it was; an LNURL's is made anew at each scan."""
    for method in fate.invoice.methods or ():
        if method.payment_hash == stray.invoice.payment_hash:
            return method.method
    return Method.LIGHTNING


def _parts(fate: Fate) -> int:
    """How many HTLCs carried the Lightning payment that settled an invoice; 0 where that is not known."""
    for known in reversed(fate.completing if fate.settled_at is not None else ()):
        side = fate.story.node.get(known.payment.payment_hash or "")
        if side is not None:
            return sum(part.settled for part in side.invoice.htlcs)
    return 0


def _awaited(fates: Sequence[Fate]) -> float | None:
    """When the node took money for an invoice that is open: BTCPay has to be read past it, to tell whether it knows."""
    waiting = [node_settled_at(stray) for fate in fates if fate.ended_at is None for stray in fate.strays]
    return min(waiting, default=None)

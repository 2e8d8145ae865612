"""How one invoice fares: what arrived for it, whether that settled it and when, and when it ended otherwise.

A mark by hand says nothing of a payment. It ends an invoice that was open, and what stood before it goes on to count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf

from lnwatch.domain.worth import arrived_worth, credited_of, enough, minor, net_of
from lnwatch.model.lightning import InvoiceState
from lnwatch.model.merchant import (
    LIGHTNING_METHODS,
    OPEN_STATUSES,
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceStatus,
    InvoiceType,
    Method,
    Payment,
    PaymentStatus,
)
from lnwatch.model.order import InvoiceStory, KnownPayment, Mark, NodeInvoice, Rail

CONFIRMED_AT_ONCE = frozenset({"HighSpeed"})
CONFIRMED_BY_ONE = frozenset({"MediumSpeed"})
_PAYMENT_SETTLED = "InvoicePaymentSettled"

RAILS = {Method.CHAIN: Rail.ONCHAIN, Method.LIGHTNING: Rail.LIGHTNING, Method.LNURL: Rail.LIGHTNING}


@dataclass(frozen=True, slots=True)
class Fate:
    """One invoice as it stands.

    `status` is what BTCPay says, or what stood before it was marked. `arrived` are the payments that count, in the
    order of their arrival, `completing` those of them that made up the price; `replaced` those that came to nothing.
    `strays` are payments that the node has and BTCPay has not. `settled_at` is when payments settled it, None
    while they did not; `ended_at` when it ceased to be open, None while it may still be paid.
    """

    story: InvoiceStory
    mark: Mark | None
    status: InvoiceStatus
    arrived: tuple[KnownPayment, ...]
    completing: tuple[KnownPayment, ...]
    replaced: tuple[KnownPayment, ...]
    strays: tuple[NodeInvoice, ...]
    credited: Decimal
    gross: Decimal
    settled_at: float | None
    ended_at: float | None

    @property
    def invoice(self) -> BtcpayInvoice:
        """Its newest state."""
        return self.story.invoice

    @property
    def full(self) -> bool:
        """Whether BTCPay credits the whole price. A hair that is missing only its word tells, no rounded figure."""
        short = self.invoice.additional is AdditionalStatus.PAID_PARTIAL
        return not short and self.credited > 0 and self.credited >= enough(self.invoice)

    @property
    def accepted(self) -> bool:
        """Whether somebody marked it settled, so that the customer got what they paid for."""
        return self.invoice.status is InvoiceStatus.SETTLED and self.mark is not None

    @property
    def priced(self) -> bool:
        """Whether it asks for anything: an invoice over 0 settles by itself and is no business."""
        return self.invoice.type is InvoiceType.TOP_UP or self.invoice.amount > 0

    @property
    def dismissed(self) -> bool:
        """Whether it was open and unpaid when somebody marked it."""
        if self.mark is None or self.status is not InvoiceStatus.NEW or self.strays:
            return False
        return not (self.arrived if self.mark.paid is None else self.mark.paid)

    @property
    def further(self) -> tuple[KnownPayment, ...]:
        """The payments that came although the price was paid."""
        return tuple(known for known in self.arrived if known not in self.completing)

    @property
    def rail(self) -> Rail:
        """What carried the last payment that counts for the price."""
        payments = self.completing or self.arrived
        methods = {payments[-1].payment.method} if payments else self.presumed
        rails = {RAILS.get(method, Rail.NONE) for method in methods}
        return rails.pop() if len(rails) == 1 else Rail.NONE

    @property
    def presumed(self) -> frozenset[Method]:
        """How an invoice may have been paid that is settled, and of which no payment was read yet."""
        if self.settled_at is None or self.arrived or self.replaced:
            return frozenset()
        offered = self.invoice.offered_methods
        return (offered & {Method.CHAIN} if self.story.waited else offered - {Method.CHAIN}) or offered


def fate_of(story: InvoiceStory) -> Fate:
    """What the story comes to."""
    invoice = story.invoice
    known = sorted(_payments(story), key=by_arrival)
    arrived = tuple(each for each in known if _counts(each))
    replaced = tuple(each for each in known if not _counts(each))
    mark = _mark(story, arrived)
    status = mark.status if mark is not None else invoice.status
    strays = _strays(story)
    payments = [each.payment for each in arrived]
    completing = _completing(story, arrived)
    settled_at = _settled_at(story, status, completing) if _settled(story, mark, status, completing) else None
    credited, gross = credited_of(invoice, payments), _gross(invoice, payments, strays)
    if settled_at is not None and not known:
        # BTCPay says that it has the price; how, was not read yet.
        credited, gross = max(credited, invoice.amount), max(gross, invoice.amount)
    return Fate(
        story=story,
        mark=mark,
        status=status,
        arrived=arrived,
        completing=completing,
        replaced=replaced,
        strays=strays,
        credited=credited,
        gross=gross,
        settled_at=settled_at,
        ended_at=settled_at if settled_at is not None else _ended_at(story, mark, status),
    )


def by_arrival(known: KnownPayment) -> tuple[float, bool, str]:
    """What payments are sorted by. Within a second, finer than which nobody tells, Lightning comes first: it is beyond
    doubt at once."""
    return known.received_at, _on_chain(known), known.payment.id


def _on_chain(known: KnownPayment) -> bool:
    return known.payment.method is Method.CHAIN


def _gross(invoice: BtcpayInvoice, payments: Sequence[Payment], strays: Sequence[NodeInvoice]) -> Decimal:
    return arrived_worth(invoice, payments, sum(stray.invoice.paid_msat for stray in strays))


def _payments(story: InvoiceStory) -> tuple[KnownPayment, ...]:
    """What BTCPay's answers say; of an invoice that says it was paid, and not yet by which payments, its webhooks."""
    invoice = story.invoice
    if story.payments or not (invoice.paid or invoice.status is InvoiceStatus.SETTLED):
        return story.payments
    told: dict[str, KnownPayment] = {}
    for hook in sorted(story.hooks, key=lambda hook: (hook.type == _PAYMENT_SETTLED, -hook.at)):
        if hook.payment is not None:
            since = min(float(hook.at), told[hook.payment.id].received_at) if hook.payment.id in told else hook.at
            told[hook.payment.id] = KnownPayment(
                payment=hook.payment, accounted=True, seen_at=hook.seen_at, received_at=float(since)
            )
    return tuple(told.values())


def _counts(known: KnownPayment) -> bool:
    return known.accounted and known.payment.status is not PaymentStatus.INVALID


def _mark(story: InvoiceStory, arrived: Sequence[KnownPayment]) -> Mark | None:
    """The mark by hand. Where nobody saw what stood before, the payments say: without any it was no business."""
    mark, invoice = story.mark, story.invoice
    if mark is None and invoice.additional is not AdditionalStatus.MARKED:
        return None
    if mark is not None and mark.status is not InvoiceStatus.UNKNOWN:
        return mark
    seen = story.ended_seen_at if story.ended_seen_at is not None else invoice.seen_at
    before = InvoiceStatus.NEW
    if arrived:
        paid = sum((net_of(invoice, known.payment) for known in arrived), Decimal(0))
        in_time = all(known.received_at < invoice.expires_at for known in arrived) and paid >= enough(invoice)
        before = InvoiceStatus.PROCESSING if in_time else InvoiceStatus.EXPIRED
    return Mark(mark.at if mark is not None else seen, before, AdditionalStatus.NONE, None)


def _strays(story: InvoiceStory) -> tuple[NodeInvoice, ...]:
    told = {known.payment.payment_hash for known in story.payments}
    found = [side for key, side in story.node.items() if key not in told and side.invoice.state is InvoiceState.SETTLED]
    return tuple(sorted(found, key=lambda side: (node_settled_at(side), side.invoice.payment_hash)))


def node_settled_at(side: NodeInvoice) -> float:
    """When the node took the money."""
    invoice = side.invoice
    return float(invoice.final_at if invoice.final_at is not None else invoice.created_at)


def _completing(story: InvoiceStory, arrived: Sequence[KnownPayment]) -> tuple[KnownPayment, ...]:
    """The first payments beyond doubt that together come to the price; all of them where they do not."""
    invoice, total = story.invoice, Decimal(0)
    least = enough(invoice) - minor(invoice.currency)
    settling = sorted(arrived, key=lambda known: (_when(payment_settled_at(story, known)), _on_chain(known)))
    for number, known in enumerate(settling, 1):
        total += net_of(invoice, known.payment)
        if total > 0 and total >= least:
            return tuple(settling[:number])
    return tuple(settling)


def _when(at: float | None) -> float:
    return at if at is not None else inf


def _settled(story: InvoiceStory, mark: Mark | None, status: InvoiceStatus, completing: Sequence[KnownPayment]) -> bool:
    """Whether payments settled it. One marked while its payments waited is settled once they are all confirmed."""
    invoice = story.invoice
    if invoice.type is not InvoiceType.TOP_UP and invoice.amount <= 0:
        return False
    if mark is None:
        return status is InvoiceStatus.SETTLED
    if status is InvoiceStatus.SETTLED:
        return True
    confirmed = all(known.payment.status is PaymentStatus.SETTLED for known in completing)
    return status is InvoiceStatus.PROCESSING and bool(completing) and confirmed


def _settled_at(story: InvoiceStory, status: InvoiceStatus, completing: Sequence[KnownPayment]) -> float:
    """The best known moment: the payments' own, but none after the first word of BTCPay that it is settled."""
    told = story.settled_seen_at if status is InvoiceStatus.SETTLED else None
    own = max((_when(payment_settled_at(story, known)) for known in completing), default=inf)
    best = min(own, _when(told))
    if own == inf and story.history and completing and told == story.first_seen_at:
        # Settled before anybody looked: nobody says when it confirmed, but BTCPay when it was sent. A day's orders are
        # not heaped up at the moment when lnwatch began.
        best = max(known.received_at for known in completing)
    return max(float(story.invoice.created_at), best if best < inf else story.invoice.seen_at)


def payment_settled_at(story: InvoiceStory, known: KnownPayment) -> float | None:
    """When one payment was beyond doubt by the store's own measure; None where nothing says that it is."""
    payment, policy = known.payment, story.invoice.speed_policy
    if payment.method in LIGHTNING_METHODS:
        side = story.node.get(payment.payment_hash or "")
        settled = side is not None and side.invoice.state is InvoiceState.SETTLED
        return node_settled_at(side) if side is not None and settled else known.received_at
    if payment.method is Method.CHAIN and policy in CONFIRMED_AT_ONCE:
        return known.received_at
    chain = story.chain.get(payment.txid or "")
    if policy in CONFIRMED_BY_ONE and chain is not None and chain.confirmed_at is not None:
        # A miner's clock may be behind: nothing confirms before it is seen.
        return max(float(chain.confirmed_at), known.received_at)
    return _told_at(story, payment)


def _told_at(story: InvoiceStory, payment: Payment) -> float | None:
    told = (
        float(hook.at)
        for hook in story.hooks
        if hook.type == _PAYMENT_SETTLED and hook.payment is not None and hook.payment.id == payment.id
    )
    return min(told, default=None)


def _ended_at(story: InvoiceStory, mark: Mark | None, status: InvoiceStatus) -> float | None:
    invoice = story.invoice
    if status is InvoiceStatus.EXPIRED:
        return float(invoice.expires_at)
    if status is InvoiceStatus.INVALID:
        told = story.ended_seen_at
        return float(invoice.monitored_until) if told is None else min(float(invoice.monitored_until), told)
    if status is InvoiceStatus.SETTLED:
        return story.settled_seen_at if story.settled_seen_at is not None else invoice.seen_at
    if mark is not None:
        return mark.at
    if story.gone_at is not None and status in OPEN_STATUSES:
        return min(float(invoice.expires_at), story.gone_at)
    return None

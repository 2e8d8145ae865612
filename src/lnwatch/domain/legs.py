"""How long each leg of a payment's way took, as far as it can be seen; and why one can't."""

from collections.abc import Iterator
from dataclasses import replace

from lnwatch.domain.fate import Fate, node_settled_at
from lnwatch.model.lightning import InvoiceState
from lnwatch.model.merchant import LIGHTNING_METHODS, DeliveryStatus, Method, WebhookDelivery
from lnwatch.model.order import KnownPayment, Leg, LegTime, NodeInvoice

_TELLS_OF_PAYMENT = frozenset({"InvoiceReceivedPayment", "InvoicePaymentSettled"})
_SETTLED = "InvoiceSettled"


def legs_of(fate: Fate) -> tuple[LegTime, ...]:
    """The legs of the payment that completed an invoice; none where no payment settled it."""
    return tuple(leg for _, leg in _measured(fate) if isinstance(leg, LegTime))


def unseen_legs(fate: Fate) -> tuple[tuple[Leg, str], ...]:
    """The legs of that payment that can't be measured, each with why: one clause."""
    return tuple((name, leg) for name, leg in _measured(fate) if isinstance(leg, str))


def _measured(fate: Fate) -> Iterator[tuple[Leg, LegTime | str]]:
    if fate.settled_at is None or not fate.completing:
        return
    last = fate.completing[-1]
    if last.payment.method in LIGHTNING_METHODS:
        side = fate.story.node.get(last.payment.payment_hash or "")
        yield Leg.ACCEPT_SETTLE, _accept_settle(fate, side)
        yield Leg.SETTLE_BTCPAY, _settle_btcpay(fate, last, side)
        yield Leg.BTCPAY_WEBHOOK, _webhook(fate)
    elif last.payment.method is Method.CHAIN:
        yield Leg.SEEN_CONFIRMED, _seen_confirmed(fate, last)
        # A miner's clock is no measure of seconds: from the block to BTCPay nothing can be told.
        yield Leg.SETTLE_BTCPAY, "the time of a block is not exact enough"
        yield Leg.BTCPAY_WEBHOOK, _webhook(fate)


def _leg(fate: Fate, leg: Leg, begin: float, end: float) -> LegTime:
    return LegTime(fate.invoice.id, leg, fate.rail, end, max(0.0, end - begin))


def _accept_settle(fate: Fate, side: NodeInvoice | None) -> LegTime | str:
    """From the part that made the amount whole: waiting for the others is the customer's time."""
    if side is None or side.invoice.state is not InvoiceState.SETTLED:
        return "the node's own invoice is not known"
    parts = [part for part in side.invoice.htlcs if part.settled]
    if not parts:
        return "the node does not say when its parts arrived"
    accepted = max(part.accept_time for part in parts)
    return _leg(fate, Leg.ACCEPT_SETTLE, float(accepted), node_settled_at(side))


def _settle_btcpay(fate: Fate, last: KnownPayment, side: NodeInvoice | None) -> LegTime | str:
    if side is None or side.invoice.state is not InvoiceState.SETTLED:
        return "the node's own invoice is not known"
    told = [
        float(hook.at)
        for hook in fate.story.hooks
        if hook.type in _TELLS_OF_PAYMENT and hook.payment is not None and hook.payment.id == last.payment.id
    ]
    if not told:
        return "no webhook told when BTCPay saw the payment"
    return _leg(fate, Leg.SETTLE_BTCPAY, node_settled_at(side), min(told))


def _webhook(fate: Fate) -> LegTime | str:
    """To whom of several receivers it came last: lnwatch's own answers within milliseconds."""
    first: dict[str, WebhookDelivery] = {}
    for delivery in sorted(fate.story.deliveries, key=lambda each: (each.listed_at, each.id)):
        tells = delivery.event is not None and delivery.event.type == _SETTLED
        if tells and delivery.status is DeliveryStatus.SUCCESS:
            first.setdefault(delivery.webhook_id, delivery)
    if not first:
        return "no delivery to the shop is known: listing them needs the webhooks' permission"
    ends = [
        (float(each.delivered_at), float(each.event.at))
        for each in first.values()
        if each.delivered_at is not None and each.event is not None
    ]
    if not ends:
        return "BTCPay says when a webhook arrived from 2.3.4 on"
    end, begin = max(ends)
    return _leg(fate, Leg.BTCPAY_WEBHOOK, begin, end)


def _seen_confirmed(fate: Fate, last: KnownPayment) -> LegTime | str:
    side = fate.story.chain.get(last.payment.txid or "")
    if side is None or side.confirmed_at is None:
        return "the block of its confirmation is not known"
    sightings = [last.received_at, side.transaction.first_seen_at]
    seen = min(at for at in sightings if at is not None)
    height, below = side.transaction.block_height, side.seen_height
    blocks = max(0, height - below) if height is not None and below is not None else None
    return replace(_leg(fate, Leg.SEEN_CONFIRMED, seen, float(side.confirmed_at)), blocks=blocks)

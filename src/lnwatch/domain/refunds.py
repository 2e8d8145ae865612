"""What went back to a customer: the payouts of an invoice's refund links that are completed."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from lnwatch.domain.worth import bitcoin_worth
from lnwatch.model.lightning import LightningPayment
from lnwatch.model.merchant import BtcpayInvoice, Payout, PayoutState
from lnwatch.model.money import MSAT_PER_BTC
from lnwatch.model.order import InvoiceStory

# A refund less its fees, or at another day's rate, is still the money going back.
NEARLY_ALL = Decimal("0.95")


def completed(story: InvoiceStory) -> Iterator[Payout]:
    """The payouts with which money left."""
    for refund in story.refunds:
        yield from (payout for payout in refund.payouts if payout.state is PayoutState.COMPLETED)


def returned_worth(story: InvoiceStory) -> Decimal:
    """What went back, in the invoice's currency; bitcoin at the invoice's own rate."""
    return sum((_worth(story.invoice, payout) for payout in completed(story)), Decimal(0))


def _worth(invoice: BtcpayInvoice, payout: Payout) -> Decimal:
    if payout.asked_currency == invoice.currency:
        return payout.asked
    if payout.amount_msat is not None:
        return bitcoin_worth(invoice, payout.amount_msat)
    return bitcoin_worth(invoice, int(payout.asked * MSAT_PER_BTC)) if payout.asked_currency == "BTC" else Decimal(0)


def refunded_at(stories: Iterable[InvoiceStory], before: float | None) -> float | None:
    """When money first went back, None where none did; `before` is the moment known so far: no later look moves it."""
    moments = [_left_at(story, payout) for story in stories for payout in completed(story)]
    if not moments:
        return None
    return min(moments) if before is None else min(before, *moments)


def _left_at(story: InvoiceStory, payout: Payout) -> float:
    """By the node or the chain, else by the webhook, else the look that first told of it."""
    proof = story.repaid.get(payout.payment_hash or payout.txid or "")
    if isinstance(proof, LightningPayment) and proof.final_at is not None:
        return proof.final_at
    told = (
        float(hook.at)
        for hook in story.hooks
        if hook.payout_id == payout.id and hook.payout_state is PayoutState.COMPLETED
    )
    return min(told, default=payout.seen_at)

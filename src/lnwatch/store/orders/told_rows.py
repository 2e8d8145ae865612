"""Webhooks, claim links and payouts, read back from their rows."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lnwatch.model.merchant import (
    DeliveryStatus,
    Method,
    Payout,
    PayoutState,
    PullPayment,
    PullPaymentKey,
    WebhookDelivery,
    WebhookEvent,
)
from lnwatch.model.money import Msat
from lnwatch.store.apply.merchant_hooks import PAYMENT


def event_of(row: Mapping[str, Any]) -> WebhookEvent:
    """What a webhook said."""
    payout_state, link = row["payout_state"], row["pull_payment"]
    return WebhookEvent(
        store=row["store"],
        delivery_id=row["delivery_id"],
        original_delivery_id=row["original_delivery_id"],
        webhook_id=row["webhook_id"],
        redelivery=row["redelivery"],
        type=row["type"],
        at=row["at"],
        invoice_id=row["invoice_id"],
        order_id=row["order_id"],
        payment=None if row["payment"] is None else PAYMENT.validate_json(row["payment"]),
        after_expiration=row["after_expiration"],
        over_paid=row["over_paid"],
        partially_paid=row["partially_paid"],
        manually_marked=row["manually_marked"],
        payout_id=row["payout_id"],
        payout_state=None if payout_state is None else PayoutState(payout_state),
        pull_payment=None if link is None else PullPaymentKey(link),
        payment_request_id=row["payment_request_id"],
        seen_at=row["seen_at"],
    )


def delivery_of(row: Mapping[str, Any], event: WebhookEvent | None) -> WebhookDelivery:
    """A try to tell somebody; `event` is what it told, as far as that was read."""
    return WebhookDelivery(
        store=row["store"],
        webhook_id=row["webhook_id"],
        id=row["id"],
        status=DeliveryStatus(row["status"]),
        listed_at=row["listed_at"],
        delivered_at=row["delivered_at"],
        http_code=row["http_code"],
        event=event,
    )


def pull_payment_of(row: Mapping[str, Any]) -> PullPayment:
    """The claim link that a row is."""
    return PullPayment(
        store=row["store"],
        key=PullPaymentKey(row["id"]),
        refund_of=row["refund_of"],
        amount=Decimal(row["amount"]),
        currency=row["currency"],
        starts_at=row["starts_at"],
        expires_at=row["expires_at"],
        archived=row["archived"],
        auto_approved=row["auto_approved"],
        seen_at=row["seen_at"],
    )


def payout_of(row: Mapping[str, Any]) -> Payout:
    """The payout that a row is."""
    amount, link, amount_msat = row["amount"], row["pull_payment"], row["amount_msat"]
    return Payout(
        store=row["store"],
        id=row["id"],
        pull_payment=None if link is None else PullPaymentKey(link),
        state=PayoutState(row["state"]),
        method=Method(row["method"]),
        asked=Decimal(row["asked"]),
        asked_currency=row["asked_currency"],
        amount=None if amount is None else Decimal(amount),
        currency=row["currency"],
        amount_msat=None if amount_msat is None else Msat(amount_msat),
        created_at=row["created_at"],
        revision=row["revision"],
        destination=row["destination"],
        txid=row["txid"],
        payment_hash=row["payment_hash"],
        seen_at=row["seen_at"],
    )

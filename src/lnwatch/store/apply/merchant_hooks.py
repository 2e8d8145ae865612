"""What webhooks said, and how BTCPay fared in telling it."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import Connection

from lnwatch.model.merchant import Payment, WebhookDelivery, WebhookEvent
from lnwatch.store import merchant_tables as tables
from lnwatch.store.apply.newest import first, fold
from lnwatch.store.apply.touches import REFUNDED, Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.columns import storable
from lnwatch.store.upsert import Row

PAYMENT = TypeAdapter(Payment)


def apply_webhooks(
    connection: Connection,
    events: Sequence[tuple[Turn, WebhookEvent]],
    deliveries: Sequence[tuple[Turn, WebhookDelivery]],
    touches: Touches,
) -> None:
    """Keep what was said once, however often it was told, and every try to tell it; touch what it is about."""
    told = [*events, *((turn, delivery.event) for turn, delivery in deliveries if delivery.event is not None)]
    at = {(turn.entry.site, event.store, storable(event.original_delivery_id)): turn.entry.at for turn, event in told}
    rows = [_event_row(turn.entry.site, event) for turn, event in told]
    for row in fold(connection, tables.webhook_event, rows, first("seen_at")):
        told_at = at[row["site"], row["store"], row["original_delivery_id"]]
        if row["invoice_id"] is not None:
            touches.invoice(row["site"], row["store"], row["invoice_id"], told_at)
        if row["pull_payment"] is not None and row["type"] != REFUNDED:
            touches.pull_payment(row["site"], row["store"], row["pull_payment"], told_at)
    for row in fold(connection, tables.webhook_delivery, _delivery_rows(deliveries), _joined):
        if row["invoice_id"] is not None:
            touches.invoice(row["site"], row["store"], row["invoice_id"], row["told_at"])


def _event_row(site: str, event: WebhookEvent) -> Row:
    return {
        "site": site,
        "store": event.store,
        "original_delivery_id": storable(event.original_delivery_id),
        "delivery_id": event.delivery_id,
        "webhook_id": event.webhook_id,
        "redelivery": event.redelivery,
        "type": event.type,
        "at": event.at,
        "invoice_id": event.invoice_id,
        "order_id": event.order_id,
        "payment": None if event.payment is None else PAYMENT.dump_json(event.payment).decode(),
        "after_expiration": event.after_expiration,
        "over_paid": event.over_paid,
        "partially_paid": event.partially_paid,
        "manually_marked": event.manually_marked,
        "payout_id": event.payout_id,
        "payout_state": None if event.payout_state is None else event.payout_state.value,
        "pull_payment": event.pull_payment,
        "payment_request_id": event.payment_request_id,
        "seen_at": event.seen_at,
    }


def _joined(before: Row, row: Row) -> Row:
    """A try is over when it is listed; its body may be read later, or be gone by then."""
    names = ("event", "invoice_id")
    known = max((before, row), key=lambda each: [each[name] or "" for name in names])
    return first("told_at")(before, row) | {name: known[name] for name in names}


def _delivery_rows(told: Sequence[tuple[Turn, WebhookDelivery]]) -> list[Row]:
    return [
        {
            "site": turn.entry.site,
            "store": delivery.store,
            "webhook_id": storable(delivery.webhook_id),
            "id": storable(delivery.id),
            "status": delivery.status.value,
            "listed_at": delivery.listed_at,
            "delivered_at": delivery.delivered_at,
            "http_code": delivery.http_code,
            "event": None if delivery.event is None else delivery.event.original_delivery_id,
            "invoice_id": None if delivery.event is None else delivery.event.invoice_id,
            "told_at": turn.entry.at,
        }
        for turn, delivery in told
    ]

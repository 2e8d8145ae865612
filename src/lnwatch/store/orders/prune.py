"""What of orders is too old to be kept."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Table

from lnwatch.store import merchant_tables as merchant
from lnwatch.store.order_tables import merchant_order, node_receipt
from lnwatch.store.settings import Retention

SPAN = 30 * 86_400.0  # seconds: longer than from the first to the last invoice of an order


def conditions(retention: Retention, now: float) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Each table with the rows to remove, in the order in which they have to go.

    Orders go after their invoices, so that an invoice which is left never makes an order anew.
    """
    before = now - retention.orders
    for column in (
        merchant.merchant_invoice.c.created_at,
        merchant.merchant_payment.c.received_at,
        merchant.merchant_term.c.at,
        merchant.merchant_gone.c.at,
        merchant.payout.c.created_at,
        merchant.pull_payment.c.starts_at,
        merchant.payment_request.c.created_at,
        node_receipt.c.settled_at,
    ):
        yield column.table, column < before
    yield merchant_order, merchant_order.c.created_at < before - SPAN
    yield merchant.webhook_event, merchant.webhook_event.c.at < now - retention.webhooks
    yield merchant.webhook_delivery, merchant.webhook_delivery.c.listed_at < now - retention.webhooks
    yield merchant.webhook_received, merchant.webhook_received.c.parsed_at < now - retention.webhooks_received

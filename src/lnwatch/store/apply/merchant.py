"""What a batch tells of a merchant's money, and which groups of invoices must be looked at anew for it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from lnwatch.model.merchant import (
    BtcpayInvoice,
    InvoiceGone,
    PaymentRequest,
    Payout,
    PullPayment,
    WebhookDelivery,
    WebhookEvent,
)
from lnwatch.store.apply.merchant_hooks import apply_webhooks
from lnwatch.store.apply.merchant_invoices import apply_gone, apply_invoices, apply_shops
from lnwatch.store.apply.merchant_money import apply_payouts, apply_pull_payments, apply_requests
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Told, Turn


def apply_merchant(connection: Connection, turns: Sequence[Turn], told: Told, touches: Touches) -> None:
    """Bring what BTCPay told into the ledger."""
    invoices = told.of(BtcpayInvoice)
    births = apply_shops(connection, turns, invoices)
    apply_invoices(connection, invoices, births, touches)
    apply_gone(connection, told.of(InvoiceGone), touches)
    apply_payouts(connection, told.of(Payout), touches)
    apply_pull_payments(connection, told.of(PullPayment), touches)
    apply_requests(connection, told.of(PaymentRequest))
    apply_webhooks(connection, told.of(WebhookEvent), told.of(WebhookDelivery), touches)

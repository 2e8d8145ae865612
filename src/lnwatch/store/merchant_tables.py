"""What the ledger holds of what BTCPay Server tells: invoices, payments, money that goes out, webhooks.

Amounts of money that are no whole millisatoshis are decimal figures as text, in the currency beside them.
`store` is a store's slug. Times are as in `model.merchant`: whole seconds of BTCPay's clock, doubles of ours.
"""

from sqlalchemy import Boolean, Column, ColumnElement, Double, Index, LargeBinary, literal_column

from lnwatch.store.columns import Plain, Whole, Words
from lnwatch.store.schema import key, table

# The stores that were read. What was made before `born_at`, by BTCPay's clock, and was not open then is history.
shop = table(
    "shop", key("site"), key("store"), Column("source", Words, nullable=False), Column("born_at", Double), time=None
)

# The newest state of each invoice, and every state that it was seen in.
merchant_invoice = table(
    "merchant_invoice",
    key("site"),
    key("store"),
    key("id"),
    Column("source", Words, nullable=False),
    Column("group_key", Plain, nullable=False),  # whose invoices may be one order: `order:ORDERID` or `invoice:ID`
    Column("status", Plain, nullable=False),
    Column("additional", Plain, nullable=False),
    Column("type", Plain, nullable=False),
    Column("currency", Words, nullable=False),
    Column("amount", Plain, nullable=False),
    Column("paid", Plain),
    Column("created_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False),
    Column("monitored_until", Whole, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("order_id", Words),
    Column("item_code", Words),
    Column("payment_request_id", Words),
    Column("speed_policy", Words, nullable=False),
    Column("tolerance_percent", Plain, nullable=False),
    Column("offered", Plain, nullable=False),  # JSON: a list of BTCPay's ids
    Column("unknown_words", Plain, nullable=False),  # JSON: a list
    Column("seen_at", Double, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("live", Boolean, nullable=False),  # whether it was open at some time since its store was first read
    # What the newest answer that named the methods said: JSON lists of the fields of model.merchant.OfferedMethod
    # without its payments; NULL before the first.
    Column("methods", Plain),
    Column("methods_at", Double),
    Column("accounted_only", Boolean, nullable=False),
    Column("due_msat", Whole),  # over Lightning
    Column("replaced", Plain),  # JSON: a list of payment hashes that an answer before named; NULL: none
    Column("states", Plain, nullable=False),  # JSON: lists of time seen, status, additional status, paid
    time="created_at",
    rowid=True,
)
_c = merchant_invoice.c
Index(None, _c.site, _c.store, _c.group_key, _c.created_at, _c.id)
# As text: with a parameter no query is seen to fit a partial index.
still_open: ColumnElement[bool] = literal_column("open IS true")
Index(
    "ix_merchant_invoice_open", _c.site, _c.store, _c.created_at, sqlite_where=still_open, postgresql_where=still_open
)

# When BTCPay denied an invoice that it had listed.
merchant_gone = table(
    "merchant_gone", key("site"), key("store"), key("invoice"), Column("at", Double, nullable=False), time="at"
)

# The newest state of each payment; it is accounted while `told_at` is not older than its invoice's `methods_at`.
merchant_payment = table(
    "merchant_payment",
    key("site"),
    key("store"),
    key("invoice"),
    key("id"),
    Column("method_id", Words, nullable=False),  # BTCPay's own
    Column("method", Plain, nullable=False),
    Column("status", Plain, nullable=False),
    Column("value", Plain, nullable=False),
    Column("fee", Plain, nullable=False),
    Column("value_msat", Whole),
    Column("received_at", Whole, nullable=False),
    Column("received_at_doubtful", Boolean, nullable=False),
    Column("destination", Words),  # NULL: that of the method with its payment hash
    Column("txid", Words),
    Column("output", Whole),
    Column("payment_hash", Words),
    Column("first_at", Double, nullable=False),
    Column("told_at", Double, nullable=False),
    Column("invalid_at", Double),  # when it was first told to be invalid
    time="received_at",
)

# What leads to an invoice or a payout (`kind`): payment hashes, transaction ids, addresses.
merchant_term = table(
    "merchant_term",
    key("site"),
    key("term"),
    key("kind"),
    key("store"),
    key("id"),
    Column("at", Whole, nullable=False),  # when the invoice or payout was made
    time="at",
)

payout = table(
    "payout",
    key("site"),
    key("store"),
    key("id"),
    Column("pull_payment", Words),
    Column("state", Words, nullable=False),
    Column("method", Words, nullable=False),
    Column("asked", Words, nullable=False),
    Column("asked_currency", Words, nullable=False),
    Column("amount", Words),
    Column("currency", Words, nullable=False),
    Column("amount_msat", Whole),
    Column("created_at", Whole, nullable=False),
    Column("revision", Whole, nullable=False),
    Column("destination", Words, nullable=False),
    Column("txid", Words),
    Column("payment_hash", Words),
    Column("seen_at", Double, nullable=False),
    time="created_at",
    rowid=True,
)
Index(None, payout.c.site, payout.c.store, payout.c.pull_payment)

pull_payment = table(
    "pull_payment",
    key("site"),
    key("store"),
    key("id"),  # a digest of BTCPay's own, which opens a claim page
    Column("refund_of", Words),
    Column("amount", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("starts_at", Whole, nullable=False),
    Column("expires_at", Whole),
    Column("archived", Boolean, nullable=False),
    Column("auto_approved", Boolean, nullable=False),
    Column("seen_at", Double, nullable=False),
    time="starts_at",
    rowid=True,
)
Index(None, pull_payment.c.site, pull_payment.c.store, pull_payment.c.refund_of)

payment_request = table(
    "payment_request",
    key("site"),
    key("store"),
    key("id"),
    Column("status", Words, nullable=False),
    Column("amount", Words, nullable=False),
    Column("currency", Words, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("expires_at", Whole),
    Column("archived", Boolean, nullable=False),
    Column("seen_at", Double, nullable=False),
    time="created_at",
)

# What webhooks said, once for all tries to deliver it.
webhook_event = table(
    "webhook_event",
    key("site"),
    key("store"),
    key("original_delivery_id"),
    Column("delivery_id", Words, nullable=False),
    Column("webhook_id", Words, nullable=False),
    Column("redelivery", Boolean, nullable=False),
    Column("type", Words, nullable=False),
    Column("at", Whole, nullable=False),
    Column("invoice_id", Words),
    Column("order_id", Words),
    Column("payment", Words),  # JSON: model.merchant.Payment
    Column("after_expiration", Boolean),
    Column("over_paid", Boolean),
    Column("partially_paid", Boolean),
    Column("manually_marked", Boolean),
    Column("payout_id", Words),
    Column("payout_state", Words),
    Column("pull_payment", Words),
    Column("payment_request_id", Words),
    Column("seen_at", Double, nullable=False),
    time="at",
    rowid=True,
)
Index(None, webhook_event.c.site, webhook_event.c.store, webhook_event.c.invoice_id)
Index(None, webhook_event.c.site, webhook_event.c.store, webhook_event.c.pull_payment)

# Each try of BTCPay to tell somebody; `event` is the webhook_event that it told, NULL where that was not read.
webhook_delivery = table(
    "webhook_delivery",
    key("site"),
    key("store"),
    key("webhook_id"),
    key("id"),
    Column("status", Words, nullable=False),
    Column("listed_at", Whole, nullable=False),
    Column("delivered_at", Whole),
    Column("http_code", Whole),
    Column("event", Words),
    Column("invoice_id", Words),
    Column("told_at", Double, nullable=False),
    time="listed_at",
    rowid=True,
)
Index(None, webhook_delivery.c.site, webhook_delivery.c.store, webhook_delivery.c.invoice_id)

# Webhooks as they were received; the body goes once it is understood.
webhook_received = table(
    "webhook_received",
    key("site"),
    key("source"),
    key("delivery_id"),
    Column("at", Double, nullable=False),
    Column("body", LargeBinary, info={"private": True}),  # it may name people, and open claim pages
    Column("parsed_at", Double),
    time="at",
    rowid=True,
)
unparsed = webhook_received.c.parsed_at.is_(None)
Index("ix_webhook_received_unparsed", webhook_received.c.at, sqlite_where=unparsed, postgresql_where=unparsed)

"""What BTCPay Server tells, the orders that are made of it, and when a watched transaction was confirmed."""

import sqlalchemy as sa
from alembic import op

from lnwatch.store.migrations.frozen import create_table

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STORE = "site words, store words"
_TABLES = {
    "shop": f"{_STORE} | source words, born_at double?",
    "merchant_invoice": (
        f"{_STORE}, id words | "
        "source words, group_key words, status words, additional words, type words, currency words, amount words, "
        "paid words?, created_at whole, expires_at whole, monitored_until whole, archived flag, order_id words?, "
        "item_code words?, payment_request_id words?, speed_policy words, tolerance_percent words, offered words, "
        "unknown_words words, seen_at double, open flag, live flag, methods words?, methods_at double?, "
        "accounted_only flag, due_msat whole?, states words"
    ),
    "merchant_gone": f"{_STORE}, invoice words | at double",
    "merchant_payment": (
        f"{_STORE}, invoice words, id words | "
        "method_id words, method words, status words, value words, fee words, value_msat whole?, received_at whole, "
        "received_at_doubtful flag, destination words?, txid words?, output whole?, payment_hash words?, "
        "first_at double, told_at double, invalid_at double?"
    ),
    "merchant_term": "site words, term words, kind words, store words, id words | at whole",
    "payout": (
        f"{_STORE}, id words | "
        "pull_payment words?, state words, method words, asked words, asked_currency words, amount words?, "
        "currency words, amount_msat whole?, created_at whole, revision whole, destination words, txid words?, "
        "payment_hash words?, seen_at double"
    ),
    "pull_payment": (
        f"{_STORE}, id words | "
        "refund_of words?, amount words, currency words, starts_at whole, expires_at whole?, archived flag, "
        "auto_approved flag, seen_at double"
    ),
    "payment_request": (
        f"{_STORE}, id words | "
        "status words, amount words, currency words, created_at whole, expires_at whole?, archived flag, "
        "seen_at double"
    ),
    "webhook_event": (
        f"{_STORE}, original_delivery_id words | "
        "delivery_id words, webhook_id words, redelivery flag, type words, at whole, invoice_id words?, "
        "order_id words?, payment words?, after_expiration flag?, over_paid flag?, partially_paid flag?, "
        "manually_marked flag?, payout_id words?, payout_state words?, pull_payment words?, "
        "payment_request_id words?, seen_at double"
    ),
    "webhook_delivery": (
        f"{_STORE}, webhook_id words, id words | "
        "status words, listed_at whole, delivered_at whole?, http_code whole?, event words?, invoice_id words?, "
        "told_at double"
    ),
    "webhook_received": "site words, source words, delivery_id words | at double, body bytes?, parsed_at double?",
    "merchant_order": (
        f"{_STORE}, id words | "
        "group_key words, order_id words?, invoices words, created_at whole, final_at double?, outcome words, "
        "rail words, methods words, offered words, currency words, due words, paid words, paid_msat whole, "
        "asked_msat whole?, settled_at double?, refunded_at double?, business flag, history flag, evidence words, "
        "exceptions words, troubles whole, live_troubles whole, legs words, parts whole, payments words, ends words, "
        "sequence whole?, due_at double?, shares words, counters words, later words, counted words"
    ),
    "stale_group": (
        f"{_STORE}, group_key words | "
        "oldest whole, oldest_id words, newest whole, history flag, since double, touches whole"
    ),
    "node_receipt": "site words, source words, payment_hash words | settled_at whole, paid_msat whole",
    "payability": f"{_STORE}, rail words, at double | answer words",
}
# Those that are looked up by something else than their key: SQLite, which keeps no statistics here, prefers a key that
# is the table itself to any index.
_WITH_ROWID = {
    *("merchant_invoice", "merchant_order", "payout", "pull_payment"),
    *("webhook_delivery", "webhook_event", "webhook_received"),
}
_INDEXES = {
    "merchant_invoice": ["group_key", "created_at", "id"],
    "merchant_order": ["group_key", "created_at", "id"],
    "payout": ["pull_payment"],
    "pull_payment": ["refund_of"],
    "webhook_delivery": ["invoice_id"],
}


def upgrade() -> None:
    """Create the tables and indexes; blocks that are confirmed already have no time."""
    for name, description in _TABLES.items():
        create_table(name, description, rowid=name in _WITH_ROWID)
    for name, columns in _INDEXES.items():
        op.create_index(f"ix_{name}_site_store_{'_'.join(columns)}", name, ["site", "store", *columns])
    for column in ("invoice_id", "pull_payment"):
        op.create_index(f"ix_webhook_event_site_store_{column}", "webhook_event", ["site", "store", column])
    op.create_index("ix_stale_group_history_since", "stale_group", ["history", "since"])
    _create_partial_index("merchant_invoice", "open", ["site", "store", "created_at"], "open IS true")
    _create_partial_index("webhook_received", "unparsed", ["at"], "parsed_at IS NULL")
    _create_partial_index("merchant_order", "due", ["site", "store", "due_at"], "due_at IS NOT NULL")
    _create_partial_index("merchant_order", "troubled", ["site", "store", "created_at"], "troubles > 0")
    _create_partial_index("merchant_order", "live_troubled", ["site", "store", "created_at"], "live_troubles > 0")
    _create_partial_index("merchant_order", "settled", ["site", "store", "rail", "settled_at"], "outcome = 'settled'")
    _create_partial_index("merchant_order", "sequence", ["site", "sequence"], "sequence IS NOT NULL")
    op.add_column("watched_transaction", sa.Column("block_time", sa.BigInteger()))


def _create_partial_index(table: str, name: str, columns: list[str], where: str) -> None:
    of = sa.text(where)
    op.create_index(f"ix_{table}_{name}", table, columns, sqlite_where=of, postgresql_where=of)

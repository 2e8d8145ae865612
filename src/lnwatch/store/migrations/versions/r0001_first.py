"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KINDS = {
    "whole": sa.BigInteger,
    "words": sa.Text,
    "double": sa.Double,
    "flag": sa.Boolean,
    "bytes": sa.LargeBinary,
}

# Frozen as it was: `key | other columns`, each `name kind`, `?` where it may be NULL.
_TABLES = {
    "site": ("site words | born_at double"),
    "source_birth": ("site words, source words | born_at double, lightning flag"),
    "cursor": ("site words, source words, name words | value words, at double"),
    "snapshot": ("site words, source words, collector words | at double, kind words, facts bytes"),
    "target_state": ("site words, source words, at double | state words, detail words, version words"),
    "lightning_invoice": (
        "site words, source words, payment_hash words | "
        "add_index whole, settle_index whole, state words, value_msat whole, paid_msat whole, "
        "created_at whole, expires_at whole, final_at whole?, keysend flag, amp flag, private flag, "
        "htlcs words"
    ),
    "lightning_payment": (
        "site words, source words, payment_hash words | "
        "payment_index whole, state words, value_msat whole, fee_msat whole, created_at double, "
        "final_at double?, failure words?, destination words?, attempts whole"
    ),
    "forward": (
        "site words, source words, at double, channel_in words, htlc_in whole | "
        "channel_out words, htlc_out whole?, amount_in_msat whole, amount_out_msat whole, fee_msat whole"
    ),
    "closed_channel": (
        "site words, source words, point words | "
        "channel_id words, peer words, kind words, closing_txid words, close_height whole, "
        "capacity_msat whole, settled_msat whole, time_locked_msat whole, seen_at double"
    ),
    "htlc_event": (
        "site words, source words, at double, channel_in words, htlc_in whole, channel_out words, htlc_out whole, "
        "direction words, outcome words | "
        "amount_msat whole, detail words?"
    ),
    "channel_event": ("site words, source words, at double, point words, change words"),
    "channel_state": ("site words, source words, point words, at double | active flag"),
    "stream_gap": ("site words, source words, stream words, start_at double | end_at double, reason words"),
    "block": (
        "site words, source words, height whole | "
        "hash words, previous_hash words, time whole, seen_at double, txids words"
    ),
    "reorganisation": (
        "site words, source words, at double, new_tip words | old_tip words, depth whole, fork_height whole"
    ),
    "watched_transaction": (
        "site words, txid words | since double, first_seen_at double?, block_height whole?, block_hash words?"
    ),
    "liquidity_change": (
        "site words, source words, at double | "
        "inbound_msat whole, outbound_msat whole, receivable_one_msat whole, receivable_many_msat whole"
    ),
    "balance_change": ("site words, source words, name words, at double | amount_msat whole"),
    "channel_hour": (
        "site words, source words, hour whole, point words | "
        "channel_id words, active flag, local_msat whole, remote_msat whole, inbound_msat whole, "
        "outbound_msat whole, largest_in_msat whole"
    ),
    "hourly": (
        "site words, source words, series words, subject words, hour whole | n whole, sum whole, min whole, max whole"
    ),
    "bucket": ("site words, subject words, series words, width whole, start whole | n whole, sum whole"),
    "counter": ("site words, source words, name words | value whole"),
    "inbox": ("site words, id words | at double, kind words, body words, answered_at double?, answer words?"),
    "daemon": ("site words, number whole | at double, alive_at double, version words"),
}
_WITH_ROWID = {"snapshot", "lightning_invoice", "lightning_payment", "inbox"}


def upgrade() -> None:
    """Create every table and index."""
    for name, columns in _TABLES.items():
        _create(name, *columns.split(" | "))
    for table, index in (("lightning_invoice", "add_index"), ("lightning_payment", "payment_index")):
        still_open = sa.text("final_at IS NULL")
        op.create_index(
            f"ix_{table}_open", table, ["site", "source", index], sqlite_where=still_open, postgresql_where=still_open
        )
        op.create_index(f"ix_{table}_site_source_final_at", table, ["site", "source", "final_at"])
    op.create_index("ix_watched_transaction_site_block_height", "watched_transaction", ["site", "block_height"])
    op.create_index("ix_inbox_answered_at_at", "inbox", ["answered_at", "at"])


def _create(name: str, key: str, others: str = "") -> None:
    keys = key.split(", ")
    columns = [_column(text) for text in keys + (others.split(", ") if others else [])]
    primary = sa.PrimaryKeyConstraint(*(text.split()[0] for text in keys), name=f"pk_{name}")
    op.create_table(name, *columns, primary, sqlite_with_rowid=name in _WITH_ROWID)


def _column(text: str) -> sa.Column[object]:
    name, kind = text.split()
    return sa.Column(name, _KINDS[kind.rstrip("?")](), nullable=kind.endswith("?"), autoincrement=False)

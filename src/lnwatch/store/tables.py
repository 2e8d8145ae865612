"""What the ledger holds. `site` is first in every primary key; natural ids make a replay a no-op.

Amounts are whole millisatoshis, times seconds since the epoch: a double, or an integer where the
source counts whole seconds. `info["time"]` names the column by which a table is exported and pruned.
"""

from sqlalchemy import Boolean, Column, Double, Index, LargeBinary, literal_column, true

from lnwatch.store import (  # noqa: F401 - their tables belong to the metadata as well
    case_tables,
    journal_tables,
    merchant_tables,
    order_tables,
    schema,
)
from lnwatch.store.columns import Whole, Words

metadata = schema.metadata
_key, _table = schema.key, schema.table

site = _table("site", _key("site"), Column("born_at", Double, nullable=False), time="born_at")

source_birth = _table(
    "source_birth",
    _key("site"),
    _key("source"),
    Column("born_at", Double, nullable=False),
    Column("lightning", Boolean, nullable=False),
    time="born_at",
)

cursor = _table(
    "cursor",
    _key("site"),
    _key("source"),
    _key("name"),
    Column("value", Words, nullable=False),
    Column("at", Double, nullable=False),
    time="at",
)

# The newest facts of each collector, whole: `kind` is the name of their type, `facts` JSON, deflated.
snapshot = _table(
    "snapshot",
    _key("site"),
    _key("source"),
    _key("collector"),
    Column("at", Double, nullable=False),
    Column("kind", Words, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    time="at",
    rowid=True,
)

target_state = _table(
    "target_state",
    _key("site"),
    _key("source"),
    _key("at", Double),
    Column("state", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("version", Words, nullable=False),
    time="at",
)

lightning_invoice = _table(
    "lightning_invoice",
    _key("site"),
    _key("source"),
    _key("payment_hash"),
    Column("add_index", Whole, nullable=False),
    Column("settle_index", Whole, nullable=False),
    Column("state", Words, nullable=False),
    Column("value_msat", Whole, nullable=False),
    Column("paid_msat", Whole, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("expires_at", Whole, nullable=False),
    Column("final_at", Whole),  # NULL exactly while it is open or accepted
    Column("keysend", Boolean, nullable=False),
    Column("amp", Boolean, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("htlcs", Words, nullable=False),  # JSON: a list of objects as model.lightning.InvoiceHtlc
    time="final_at",
    rowid=True,
)

lightning_payment = _table(
    "lightning_payment",
    _key("site"),
    _key("source"),
    _key("payment_hash"),
    Column("payment_index", Whole, nullable=False),
    Column("state", Words, nullable=False),
    Column("value_msat", Whole, nullable=False),
    Column("fee_msat", Whole, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("final_at", Double),  # NULL exactly while it is in flight
    Column("failure", Words),
    Column("destination", Words),
    Column("attempts", Whole, nullable=False),
    time="final_at",
    rowid=True,
)

for _table_of_finals, _index in ((lightning_invoice, "add_index"), (lightning_payment, "payment_index")):
    _c = _table_of_finals.c
    _open = _c.final_at.is_(None)
    Index(
        f"ix_{_table_of_finals.name}_open", _c.site, _c.source, _c[_index], sqlite_where=_open, postgresql_where=_open
    )
    Index(None, _c.site, _c.source, _c.final_at)
_c = lightning_invoice.c
held = _c.state == literal_column("'accepted'")  # a literal: with a parameter no query is seen to fit the index
Index("ix_lightning_invoice_held", _c.site, _c.source, _c.add_index, sqlite_where=held, postgresql_where=held)

forward = _table(
    "forward",
    _key("site"),
    _key("source"),
    _key("at", Double),
    _key("channel_in"),
    _key("htlc_in", Whole),
    Column("channel_out", Words, nullable=False),
    Column("htlc_out", Whole),
    Column("amount_in_msat", Whole, nullable=False),
    Column("amount_out_msat", Whole, nullable=False),
    Column("fee_msat", Whole, nullable=False),
    time="at",
)

closed_channel = _table(
    "closed_channel",
    _key("site"),
    _key("source"),
    _key("point"),
    Column("channel_id", Words, nullable=False),
    Column("peer", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("closing_txid", Words, nullable=False),
    Column("close_height", Whole, nullable=False),
    Column("capacity_msat", Whole, nullable=False),
    Column("settled_msat", Whole, nullable=False),
    Column("time_locked_msat", Whole, nullable=False),
    Column("seen_at", Double, nullable=False),  # when lnwatch first read of it
    Column("history", Boolean, nullable=False, server_default=true()),  # whether it closed before lnwatch first looked
    time="seen_at",
)
Index(None, closed_channel.c.site, closed_channel.c.seen_at)

# The channels are '' where the node names none: a key has no NULL.
htlc_event = _table(
    "htlc_event",
    _key("site"),
    _key("source"),
    _key("at", Double),
    _key("channel_in"),
    _key("htlc_in", Whole),
    _key("channel_out"),
    _key("htlc_out", Whole),
    _key("direction"),
    _key("outcome"),
    Column("amount_msat", Whole, nullable=False),
    Column("detail", Words),
    time="at",
)

channel_event = _table(
    "channel_event", _key("site"), _key("source"), _key("at", Double), _key("point"), _key("change"), time="at"
)

# A row whenever a channel goes on or off, as seen in the channel lists.
channel_state = _table(
    "channel_state",
    _key("site"),
    _key("source"),
    _key("point"),
    _key("at", Double),
    Column("active", Boolean, nullable=False),
    time="at",
)

stream_gap = _table(
    "stream_gap",
    _key("site"),
    _key("source"),
    _key("stream"),
    _key("start_at", Double),
    Column("end_at", Double, nullable=False),
    Column("reason", Words, nullable=False),
    time="start_at",
)
Index(None, stream_gap.c.site, stream_gap.c.end_at)

# The active chain as one source last knew it. `txids`: JSON list of those that were watched.
block = _table(
    "block",
    _key("site"),
    _key("source"),
    _key("height", Whole),
    Column("hash", Words, nullable=False),
    Column("previous_hash", Words, nullable=False),
    Column("time", Whole, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("txids", Words, nullable=False),
    time="seen_at",
)

reorganisation = _table(
    "reorganisation",
    _key("site"),
    _key("source"),
    _key("at", Double),
    _key("new_tip"),
    Column("old_tip", Words, nullable=False),
    Column("depth", Whole, nullable=False),
    Column("fork_height", Whole, nullable=False),
    time="at",
)

watched_transaction = _table(
    "watched_transaction",
    _key("site"),
    _key("txid"),
    Column("since", Double, nullable=False),
    Column("first_seen_at", Double),
    Column("block_height", Whole),
    Column("block_hash", Words),
    Column("block_time", Whole),  # when that block was made, NULL also where it came before this was kept
    time="since",
)
Index(None, watched_transaction.c.site, watched_transaction.c.block_height)

liquidity_change = _table(
    "liquidity_change",
    _key("site"),
    _key("source"),
    _key("at", Double),
    Column("inbound_msat", Whole, nullable=False),
    Column("outbound_msat", Whole, nullable=False),
    Column("receivable_one_msat", Whole, nullable=False),
    Column("receivable_many_msat", Whole, nullable=False),
    time="at",
)

balance_change = _table(
    "balance_change",
    _key("site"),
    _key("source"),
    _key("name"),
    _key("at", Double),
    Column("amount_msat", Whole, nullable=False),
    time="at",
)

channel_hour = _table(
    "channel_hour",
    _key("site"),
    _key("source"),
    _key("hour", Whole),  # its first second
    _key("point"),
    Column("channel_id", Words, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("local_msat", Whole, nullable=False),
    Column("remote_msat", Whole, nullable=False),
    Column("inbound_msat", Whole, nullable=False),
    Column("outbound_msat", Whole, nullable=False),
    Column("largest_in_msat", Whole, nullable=False),
    time="hour",
)

# Figures of sources by hour, in whole units (the series' name says which), so that sums are exact.
hourly = _table(
    "hourly",
    _key("site"),
    _key("source"),
    _key("series"),
    _key("subject"),
    _key("hour", Whole),
    Column("n", Whole, nullable=False),
    Column("sum", Whole, nullable=False),
    Column("min", Whole, nullable=False),
    Column("max", Whole, nullable=False),
    time="hour",
)

# Commutative sums over UTC windows of `width` seconds that begin at `start`.
bucket = _table(
    "bucket",
    _key("site"),
    _key("subject"),
    _key("series"),
    _key("width", Whole),
    _key("start", Whole),
    Column("n", Whole, nullable=False),
    Column("sum", Whole, nullable=False),
    time="start",
)

# Lifetime counters since the birth of a node (`source` is its slug) or store (`store:SLUG`); they never go back.
counter = _table(
    "counter", _key("site"), _key("source"), _key("name"), Column("value", Whole, nullable=False), time=None
)

# What people and the command line ask of the engine, and what it answered: both JSON.
inbox = _table(
    "inbox",
    _key("site"),
    _key("id"),
    Column("at", Double, nullable=False),
    Column("kind", Words, nullable=False),
    Column("body", Words, nullable=False),
    Column("answered_at", Double),
    Column("answer", Words),
    time="at",
    rowid=True,
)
Index(None, inbox.c.answered_at, inbox.c.at)

# The starts of the daemon, under the reserved site; `alive_at` is its last proof that it could write.
daemon = _table(
    "daemon",
    _key("site"),
    _key("number", Whole),
    Column("at", Double, nullable=False),
    Column("alive_at", Double, nullable=False),
    Column("version", Words, nullable=False),
    time="at",
)

OWN_SITE = "lnwatch"  # reserved: the daemon's own rows

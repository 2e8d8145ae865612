"""What the ledger holds of orders: how each stands, what it adds to the sums, and which must be looked at anew."""

from sqlalchemy import Boolean, Column, Double, Index, literal_column

from lnwatch.store.columns import Plain, Whole, Words
from lnwatch.store.schema import key, table

# JSON columns hold what model.order calls the same, read from rows before; `id` is that of the first invoice.
merchant_order = table(
    "merchant_order",
    key("site"),
    key("store"),
    key("id"),
    Column("group_key", Plain, nullable=False),
    Column("order_id", Words),
    Column("invoices", Plain, nullable=False),
    Column("created_at", Whole, nullable=False),
    Column("final_at", Double),
    Column("outcome", Plain, nullable=False),
    Column("rail", Plain, nullable=False),
    Column("methods", Plain, nullable=False),
    Column("offered", Plain, nullable=False),
    Column("currency", Words, nullable=False),
    Column("due", Plain, nullable=False),
    Column("paid", Plain, nullable=False),
    Column("paid_msat", Whole, nullable=False),
    Column("asked_msat", Whole),
    Column("settled_at", Double),
    Column("refunded_at", Double),
    Column("business", Boolean, nullable=False),
    Column("history", Boolean, nullable=False),
    Column("evidence", Plain, nullable=False),
    Column("exceptions", Plain, nullable=False),
    Column("troubles", Whole, nullable=False),  # how many exceptions
    Column("live_troubles", Whole, nullable=False),  # those of them that came since the store is watched
    Column("legs", Plain, nullable=False),
    Column("parts", Whole, nullable=False),
    Column("payments", Plain, nullable=False),
    Column("ends", Plain, nullable=False),  # JSON: lists of invoice, rail, outcome
    Column("sequence", Whole),  # its place among the finals of its site
    Column("due_at", Double),  # when to look at it again
    Column("shares", Plain, nullable=False),  # JSON: by subject, lists of the other fields of model.tally.Share
    Column("counters", Plain, nullable=False),  # JSON: an object of numbers
    Column("later", Plain, nullable=False),  # JSON: an object of numbers
    Column("counted", Plain, nullable=False),  # JSON: the names among `later` that moved their counter
    time="created_at",
    rowid=True,
)
_c = merchant_order.c
Index(None, _c.site, _c.store, _c.group_key, _c.created_at, _c.id)
# In literals: with parameters no query is seen to fit a partial index.
waiting = _c.due_at.is_not(None)
troubled = _c.troubles > literal_column("0")
live_troubled = _c.live_troubles > literal_column("0")
settled = _c.outcome == literal_column("'settled'")
sequenced = _c.sequence.is_not(None)
for _name, _columns, _where in (
    ("due", ("site", "store", "due_at"), waiting),
    ("troubled", ("site", "store", "created_at"), troubled),
    ("live_troubled", ("site", "store", "created_at"), live_troubled),
    ("settled", ("site", "store", "rail", "settled_at"), settled),
    ("sequence", ("site", "sequence"), sequenced),
):
    Index(f"ix_merchant_order_{_name}", *(_c[name] for name in _columns), sqlite_where=_where, postgresql_where=_where)

# Groups of invoices of which something was told since their orders were made. (`oldest`, `oldest_id`) is the first
# invoice that it was told of, `newest` the creation of the last one; `touches` tells two marks of a group apart.
stale_group = table(
    "stale_group",
    key("site"),
    key("store"),
    key("group_key"),
    Column("oldest", Whole, nullable=False),
    Column("oldest_id", Words, nullable=False),
    Column("newest", Whole, nullable=False),
    Column("history", Boolean, nullable=False),
    Column("since", Double, nullable=False),
    Column("touches", Whole, nullable=False),
    time="since",
)
Index(None, stale_group.c.history, stale_group.c.since)

# What a node received before its birth: BTCPay may have missed it.
node_receipt = table(
    "node_receipt",
    key("site"),
    key("source"),
    key("payment_hash"),
    Column("settled_at", Whole, nullable=False),
    Column("paid_msat", Whole, nullable=False),
    time="settled_at",
)

# A row whenever it changed whether customers of a store can pay over a rail.
payability = table(
    "payability",
    key("site"),
    key("store"),
    key("rail"),
    key("at", Double),
    Column("answer", Words, nullable=False),
    time="at",
)

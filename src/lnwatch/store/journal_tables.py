"""The journal: every step between a proposal and its receipt, in one chain per site; rows are added, never changed."""

from sqlalchemy import Column, Double

from lnwatch.store.columns import Whole, Words
from lnwatch.store.schema import key, table

# `deed` is JSON as `kind` writes it; `hash` is that of the row before (`previous`, empty for the first) and of
# everything else in the row. The kill switch's steps are under the reserved site.
journal = table(
    "journal",
    key("site"),
    key("number", Whole),
    Column("at", Double, nullable=False),
    Column("proposal", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("deed", Words, nullable=False),
    Column("previous", Words, nullable=False),
    Column("hash", Words, nullable=False),
    time="at",
)

"""Tables described in a line of text, so that a revision stays as it was whatever becomes of `tables.py`.

`key | other columns`, each `name kind`, `?` where it may be NULL.
"""

import sqlalchemy as sa
from alembic import op

_KINDS = {
    "whole": sa.BigInteger,
    "words": sa.Text,
    "double": sa.Double,
    "flag": sa.Boolean,
    "bytes": sa.LargeBinary,
}


def create_table(name: str, description: str, *, rowid: bool = False) -> None:
    """Create the table with its primary key; `rowid` as in `schema.table`."""
    keys, _, others = description.partition(" | ")
    columns = [column(text) for part in (keys, others) if part for text in part.split(", ")]
    primary = sa.PrimaryKeyConstraint(*(text.split()[0] for text in keys.split(", ")), name=f"pk_{name}")
    op.create_table(name, *columns, primary, sqlite_with_rowid=rowid)


def column(text: str) -> sa.Column[object]:
    """One column of such a description."""
    name, kind = text.split()
    return sa.Column(name, _KINDS[kind.rstrip("?")](), nullable=kind.endswith("?"), autoincrement=False)

"""How the ledger's tables are made: one set of them, `site` first in every primary key."""

from typing import Any

from sqlalchemy import Column, Double, MetaData, Table

from lnwatch.store.columns import Whole, Words

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"})


def key(name: str, kind: type[Words | Whole | Double[float]] = Words) -> Column[Any]:
    """A column of the primary key."""
    return Column(name, kind(), primary_key=True, autoincrement=False)


def table(name: str, *columns: Column[Any], time: str | None, rowid: bool = False) -> Table:
    """A table; `time` names the column by which it is exported and pruned.

    Without `rowid` the rows lie in the order of the primary key: one tree to write instead of two, where keys
    come in order. With random keys (payment hashes) and wide rows two are faster, measured by a third.
    """
    return Table(name, metadata, *columns, info={"time": time}, sqlite_with_rowid=rowid)

"""The daemon's own rows: its name, each of its starts, and when it last proved that it could write."""

import secrets

from sqlalchemy import Connection, func, select

from lnwatch import __version__
from lnwatch.store import tables
from lnwatch.store.upsert import insert_new, put

_NAME = "deployment"


def starts(connection: Connection) -> int:
    """How often the daemon was started on this ledger."""
    return connection.execute(select(func.max(tables.daemon.c.number))).scalar() or 0


def count_start(connection: Connection, now: float) -> int:
    """Count this start; returns its number, from 1."""
    number = starts(connection) + 1
    _put(connection, number, now)
    return number


def deployment(connection: Connection, now: float) -> str:
    """The name of this installation: drawn once, and the same as long as its ledger lives."""
    drawn = {"site": tables.OWN_SITE, "source": "", "name": _NAME, "value": secrets.token_hex(8), "at": now}
    insert_new(connection, tables.cursor, [drawn])
    row = tables.cursor.c
    mine = select(row.value).where(row.site == tables.OWN_SITE, row.source == "", row.name == _NAME)
    return str(connection.execute(mine).scalar_one())


def note_alive(connection: Connection, number: int, now: float) -> None:
    """Note that start `number` can write at `now`; its row comes back where an older copy was put in place."""
    _put(connection, number, now)


def _put(connection: Connection, number: int, now: float) -> None:
    row = {"site": tables.OWN_SITE, "number": number, "at": now, "alive_at": now, "version": __version__}
    put(connection, tables.daemon, [row], keep=("at",))

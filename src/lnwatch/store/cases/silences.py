"""Silences and maintenance windows."""

import json

from sqlalchemy import Connection, select, update

from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.rows import to_json
from lnwatch.store.upsert import insert_new

_MATCHERS = ("rule", "subject", "owner", "severity")
_row = tables.silence.c


def silences(connection: Connection, now: float) -> tuple[Silence, ...]:
    """Those that are in force at `now` or will be, by their beginning."""
    query = select(tables.silence).where(_row.ends_at > now).order_by(_row.starts_at, _row.site, _row.id)
    return tuple(
        Silence(
            id=row.id,
            kind=SilenceKind(row.kind),
            author=row.author,
            reason=row.reason,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            site=row.site,
            **json.loads(row.matchers),
        )
        for row in connection.execute(query)
    )


def put_silence(connection: Connection, silence: Silence) -> None:
    """Store one; of two with the same site and id the first stands, so that a request may be carried out twice."""
    row = {
        "site": silence.site,
        "id": silence.id,
        "kind": silence.kind.value,
        "matchers": to_json({name: getattr(silence, name) for name in _MATCHERS}),
        "author": silence.author,
        "reason": silence.reason,
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
    }
    insert_new(connection, tables.silence, [row])


def end_silence(connection: Connection, identity: str, by: str, at: float) -> bool:
    """End it before its time; False where none of that id lasts at `at`."""
    change = update(tables.silence).where(_row.id == identity, _row.ends_at > at).values(ends_at=at, ended_by=by)
    return connection.execute(change).rowcount > 0

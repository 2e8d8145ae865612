"""What was wrong with lnwatch itself, and for how long."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import ColumnElement, Connection, and_, or_, select, update

from lnwatch.model.view import Episode
from lnwatch.store import case_tables as tables
from lnwatch.store.tables import OWN_SITE
from lnwatch.store.upsert import put

_row = tables.episode.c

Episodes = Mapping[tuple[str, str], tuple[Episode, ...]]  # by kind and subject, each by rising start


def episodes(connection: Connection, since: float) -> Episodes:
    """Those that still last or ended at `since` or later."""
    lasting = or_(_row.end_at.is_(None), _row.end_at >= since)
    query = select(tables.episode).where(_row.site == OWN_SITE, lasting).order_by(_row.start_at)
    found = defaultdict(list)
    for row in connection.execute(query):
        found[row.kind, row.subject].append(Episode(row.start_at, row.end_at, row.words))
    return {key: tuple(each) for key, each in sorted(found.items())}


def begin_episode(connection: Connection, kind: str, subject: str, at: float, words: str) -> None:
    """Something is wrong from `at` on; where it is already, this is the same episode."""
    lasting = select(_row.start_at).where(_lasting(kind, subject))
    if connection.execute(lasting).first() is None:
        put_episode(connection, kind, subject, Episode(at, None, words))


def put_episode(connection: Connection, kind: str, subject: str, episode: Episode) -> None:
    """Store one, or what is new about the one that began then."""
    key = {"site": OWN_SITE, "kind": kind, "subject": subject, "start_at": episode.start}
    put(connection, tables.episode, [{**key, "end_at": episode.end, "words": episode.words}])


def end_episode(connection: Connection, kind: str, subject: str, at: float) -> bool:
    """End what of that kind and subject still lasts; False where nothing did."""
    change = update(tables.episode).where(_lasting(kind, subject)).values(end_at=at)
    return connection.execute(change).rowcount > 0


def _lasting(kind: str, subject: str) -> ColumnElement[bool]:
    return and_(_row.site == OWN_SITE, _row.kind == kind, _row.subject == subject, _row.end_at.is_(None))

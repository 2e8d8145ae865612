"""What of the cases is too old to be kept."""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, FromClause, Table, and_, exists

from lnwatch.store import case_tables as tables
from lnwatch.store.settings import Retention

VANISHED = 30 * 86_400.0  # seconds for which the history of what never opened is kept

_OPENING = ("site", "rule", "subject", "number")


def conditions(retention: Retention, now: float) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Each table with the rows to remove, in the order in which they have to go."""
    yield tables.outbox, tables.outbox.c.at < now - retention.messages
    yield tables.case_state, _over(now - retention.cases)
    for table in (tables.case_history, tables.case_reference):
        gone = ~_same(tables.case_state, table, _OPENING)
        yield table, and_(table.c.at < now - VANISHED, gone)
    yield tables.silence, tables.silence.c.ends_at < now - retention.silences
    yield tables.episode, tables.episode.c.end_at < now - retention.episodes


def _over(before: float) -> ColumnElement[bool]:
    """Ended and not seen since; as long as there are messages of a case its openings stay, so that no number is
    given twice: a message under a number of old would pass for sent."""
    row = tables.case_state.c
    return and_(row.ended_at < before, row.seen_at < before, ~_same(tables.outbox, tables.case_state, _OPENING[:3]))


def _same(one: Table, other: FromClause, names: tuple[str, ...]) -> ColumnElement[bool]:
    return exists().where(*(one.c[name] == other.c[name] for name in names))

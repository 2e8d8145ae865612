"""Cases as they stand, and what became of them."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, RowMapping, and_, or_, select

from lnwatch.model.case import Case, CaseState, Fingerprint
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.rows import by_rule, case_of, newest_opening, notice_of, of_case, step_of
from lnwatch.store.cases.values import CaseMessage, CaseRecord, Delivery

_row = tables.case_state.c


def standing_cases(connection: Connection, ended_since: float) -> tuple[Case, ...]:
    """The newest opening of each case, but those that were over before `ended_since`: resolved, or closed and clear."""
    lasting = or_(
        _row.ended_at.is_(None),
        _row.ended_at >= ended_since,
        and_(_row.state == CaseState.CLOSED.value, or_(_row.clear_since.is_(None), _row.clear_since >= ended_since)),
    )
    query = select(tables.case_state).where(lasting, newest_opening()).order_by(*tables.case_state.primary_key)
    return tuple(map(case_of, connection.execute(query).mappings()))


def recalled(connection: Connection, fingerprints: Iterable[Fingerprint]) -> tuple[Case, ...]:
    """The newest opening of each of these, however long it is over."""
    return tuple(_recalled(connection, fingerprints))


def _recalled(connection: Connection, fingerprints: Iterable[Fingerprint]) -> Iterator[Case]:
    for site, rule, subjects in by_rule(fingerprints):
        these = and_(_row.site == site, _row.rule == rule, _row.subject.in_(subjects), newest_opening())
        yield from map(case_of, connection.execute(select(tables.case_state).where(these)).mappings())


def told_channels(connection: Connection, cases: Iterable[Case]) -> dict[Fingerprint, frozenset[str]]:
    """The channels that have, or are about to get, a message of the opening that each of these cases is in."""
    letter = tables.outbox.c
    numbers = {case.fingerprint: case.number for case in cases}
    found: dict[Fingerprint, set[str]] = {}
    for site, rule, subjects in by_rule(numbers):
        query = select(letter.subject, letter.number, letter.channel).distinct()
        these = query.where(letter.site == site, letter.rule == rule, letter.subject.in_(subjects))
        for subject, number, channel in connection.execute(these):
            fingerprint = Fingerprint(site, rule, subject)
            if numbers[fingerprint] == number:
                found.setdefault(fingerprint, set()).add(channel)
    return {fingerprint: frozenset(channels) for fingerprint, channels in found.items()}


def openings_between(connection: Connection, since: float, until: float, limit: int) -> tuple[Case, ...]:
    """Openings that were open at some time from `since` up to `until`, the newest first."""
    query = (
        select(tables.case_state)
        .where(_row.opened_at < until, or_(_row.ended_at.is_(None), _row.ended_at >= since))
        .order_by(_row.opened_at.desc(), *tables.case_state.primary_key)
        .limit(limit)
    )
    return tuple(map(case_of, connection.execute(query).mappings()))


def record(connection: Connection, fingerprint: Fingerprint, limit: int) -> CaseRecord | None:
    """All that is kept of one case, up to `limit` steps and messages; None where there is nothing."""
    newest = select(tables.case_state).where(of_case(tables.case_state, fingerprint)).order_by(_row.number.desc())
    case = connection.execute(newest.limit(1)).mappings().first()
    step, letter = tables.case_history.c, tables.outbox.c
    steps = select(tables.case_history).where(of_case(tables.case_history, fingerprint))
    history = connection.execute(steps.order_by(step.number.desc(), step.step.desc()).limit(limit)).all()
    letters = select(tables.outbox).where(of_case(tables.outbox, fingerprint))
    newest_first = (letter.number.desc(), letter.transition.desc(), letter.channel.desc())
    messages = connection.execute(letters.order_by(*newest_first).limit(limit)).mappings().all()
    if case is None and not history:
        return None
    return CaseRecord(
        case=None if case is None else case_of(case),
        history=tuple(step_of(row) for row in reversed(history)),
        messages=tuple(_message_of(row) for row in reversed(messages)),
    )


def _message_of(row: RowMapping) -> CaseMessage:
    return CaseMessage(
        channel=row["channel"],
        notice=notice_of(row["notice"]),
        status=Delivery(row["status"]),
        tries=row["tries"],
        not_before=row["not_before"],
        sent_at=row["sent_at"],
        failure=row["failure"],
        words=row["words"],
        reference=row["reference"],
    )

"""Cases and notices as rows, and back."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, RowMapping, Table, and_, func, select
from sqlalchemy import Row as SqlRow

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Owner, Severity
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.values import Addressed, Delivery, HistoryStep
from lnwatch.store.columns import storable
from lnwatch.store.upsert import Row

_NOTICE = TypeAdapter(Notice)
_FIELDS = tuple(field.name for field in fields(Case) if field.name not in {"fingerprint", "facts"})


def key_of(fingerprint: Fingerprint) -> Row:
    """The first three columns of every table of cases."""
    return {"site": fingerprint.site, "rule": fingerprint.rule, "subject": fingerprint.subject}


def of_case(table: Table, fingerprint: Fingerprint) -> ColumnElement[bool]:
    """The rows of that fingerprint."""
    return and_(*(table.c[name] == value for name, value in key_of(fingerprint).items()))


def stored(fingerprint: Fingerprint) -> Fingerprint:
    """The fingerprint as it will be read again."""
    return Fingerprint(storable(fingerprint.site), storable(fingerprint.rule), storable(fingerprint.subject))


def case_row(case: Case) -> Row:
    """A row of `case_state`, without its last step."""
    values = {name: _plain(getattr(case, name)) for name in _FIELDS}
    return {**values, **key_of(case.fingerprint), "facts": to_json(dict(case.facts))}


def case_of(row: RowMapping) -> Case:
    """The case that a row of `case_state` is."""
    values = {name: value for name, value in row.items() if not name.startswith("step")}
    fingerprint = Fingerprint(values.pop("site"), values.pop("rule"), values.pop("subject"))
    told_severity = values.pop("told_severity")
    known = {
        "state": CaseState(values["state"]),
        "severity": Severity(values["severity"]),
        "owner": Owner(values["owner"]),
        "facts": json.loads(values["facts"]),
        "told_severity": None if told_severity is None else Severity(told_severity),
    }
    return Case(fingerprint=fingerprint, **(values | known))


def by_rule(fingerprints: Iterable[Fingerprint]) -> Iterator[tuple[str, str, list[str]]]:
    """Site, rule and the subjects of that rule: a question for each rule finds its rows by one index."""
    subjects: dict[tuple[str, str], list[str]] = defaultdict(list)
    for fingerprint in fingerprints:
        subjects[fingerprint.site, fingerprint.rule].append(fingerprint.subject)
    for (site, rule), of_rule in subjects.items():
        yield site, rule, of_rule


def newest_opening() -> ColumnElement[bool]:
    """Whether a row of `case_state` is the newest of its fingerprint."""
    row, other = tables.case_state.c, tables.case_state.alias().c
    same = (other.site == row.site, other.rule == row.rule, other.subject == row.subject)
    return row.number == select(func.max(other.number)).where(*same).scalar_subquery()


def step_row(fingerprint: Fingerprint, step: HistoryStep) -> Row:
    """A row of `case_history`."""
    return key_of(fingerprint) | {field.name: _plain(getattr(step, field.name)) for field in fields(step)}


def step_of(row: SqlRow[Any]) -> HistoryStep:
    """The step that a row of `case_history` is."""
    return HistoryStep(
        number=row.number,
        step=row.step,
        at=row.at,
        reason=Reason(row.reason),
        transition=None if row.transition is None else Transition(row.transition),
        state=None if row.state is None else CaseState(row.state),
        severity=Severity(row.severity),
        sentence=row.sentence,
        actor=row.actor,
        note=row.note,
    )


def outbox_rows(notices: Iterable[Addressed]) -> list[Row]:
    """Rows of `outbox`; one notice for many channels is written out once."""
    texts: dict[int, str] = {}
    rows = []
    for channel, notice, not_before in notices:
        if (text := texts.get(id(notice))) is None:
            text = texts[id(notice)] = notice_json(notice)
        key = {**key_of(notice.fingerprint), "number": notice.number, "transition": notice.transition_number}
        fresh = {"status": Delivery.PENDING.value, "tries": 0, "not_before": not_before, "doubtful": False, "words": ""}
        rows.append({**key, "channel": channel, "at": notice.at, "notice": text, **fresh})
    return rows


def notice_json(notice: Notice) -> str:
    """The notice as text."""
    values = {field.name: getattr(notice, field.name) for field in fields(notice)}
    return to_json(values | {"fingerprint": key_of(notice.fingerprint), "facts": dict(notice.facts)})


def notice_of(text: str) -> Notice:
    """The notice again. Raises ValueError where another version wrote what this one can't read."""
    return _NOTICE.validate_json(text)


def to_json(values: Mapping[str, object]) -> str:
    """JSON whose text is as it is meant: what can't be stored is then replaced as in every other text."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _plain(value: object) -> object:
    """Enumerations by their values: psycopg would write their names."""
    return getattr(value, "value", value)

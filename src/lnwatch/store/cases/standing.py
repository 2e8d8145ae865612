"""Where the cases of a batch stand in the ledger before it is told."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from lnwatch.model.case import CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Severity
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.rows import by_rule, newest_opening
from lnwatch.store.upsert import Row

Opening = tuple[Fingerprint, int]

_case, _step = tables.case_state.c, tables.case_history.c


@dataclass(frozen=True, slots=True)
class Mark:
    """The last step of an opening's history, in brief."""

    step: int
    at: float
    reason: Reason
    transition: Transition | None
    state: CaseState | None

    @property
    def columns(self) -> Row:
        """As `case_state` has it."""
        return {
            "step": self.step,
            "step_at": self.at,
            "step_reason": self.reason.value,
            "step_transition": None if self.transition is None else self.transition.value,
            "step_state": None if self.state is None else self.state.value,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest opening of a case as it is stored."""

    number: int
    transition: int
    state: CaseState
    severity: Severity
    sentence: str
    mark: Mark


def standing(connection: Connection, fingerprints: Iterable[Fingerprint]) -> dict[Fingerprint, Standing]:
    """The newest opening of each, where there is one."""
    marks = (_case.step, _case.step_at, _case.step_reason, _case.step_transition, _case.step_state)
    columns = (_case.subject, _case.number, _case.transition, _case.state, _case.severity, _case.sentence)
    found = {}
    for site, rule, subjects in by_rule(fingerprints):
        these = and_(_case.site == site, _case.rule == rule, _case.subject.in_(subjects), newest_opening())
        for subject, number, transition, state, severity, sentence, *mark in connection.execute(
            select(*columns, *marks).where(these)
        ):
            found[Fingerprint(site, rule, subject)] = Standing(
                number, transition, CaseState(state), Severity(severity), sentence, _mark(*mark)
            )
    return found


def leftovers(connection: Connection, openings: Iterable[Opening]) -> dict[Opening, Mark]:
    """The last step of openings that begin: earlier beginnings of the same number may have come to nothing."""
    by_number: dict[int, list[Fingerprint]] = defaultdict(list)
    for fingerprint, number in openings:
        by_number[number].append(fingerprint)
    found = {}
    for number, fingerprints in by_number.items():
        for site, rule, subjects in by_rule(fingerprints):
            for subject, mark in _last_steps(connection, site, rule, number, subjects):
                found[Fingerprint(site, rule, subject), number] = mark
    return found


def _last_steps(
    connection: Connection, site: str, rule: str, number: int, subjects: list[str]
) -> Iterable[tuple[str, Mark]]:
    """By subject. Two plain questions instead of a join: PostgreSQL has no figures yet of tables that just filled."""
    of_rule = and_(_step.site == site, _step.rule == rule, _step.number == number)
    last = select(_step.subject, func.max(_step.step)).where(of_rule, _step.subject.in_(subjects))
    by_step: dict[int, list[str]] = defaultdict(list)
    for subject, step in connection.execute(last.group_by(_step.subject)):
        by_step[step].append(subject)
    columns = (_step.subject, _step.step, _step.at, _step.reason, _step.transition, _step.state)
    for step, of_step in by_step.items():
        these = select(*columns).where(of_rule, _step.step == step, _step.subject.in_(of_step))
        for subject, *mark in connection.execute(these):
            yield subject, _mark(*mark)


def _mark(step: int, at: float, reason: str, transition: str | None, state: str | None) -> Mark:
    return Mark(
        step=step,
        at=at,
        reason=Reason(reason),
        transition=None if transition is None else Transition(transition),
        state=None if state is None else CaseState(state),
    )

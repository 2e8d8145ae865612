"""Decisions about cases, brought into the ledger with their history and their messages in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import Connection, bindparam, delete

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.case import Case, CaseState, Fingerprint
from lnwatch.store import case_tables as tables
from lnwatch.store.cases.rows import case_row, key_of, outbox_rows, step_row, stored
from lnwatch.store.cases.standing import Mark, Opening, Standing, leftovers, standing
from lnwatch.store.cases.values import CaseChange, HistoryStep
from lnwatch.store.upsert import Row, insert_new, put

SLICE = 200  # decisions in one transaction

_Stories = Mapping[Fingerprint, Sequence[CaseChange]]


def slices(changes: Iterable[CaseChange]) -> Iterator[Sequence[CaseChange]]:
    """The decisions in parts small enough for a transaction each; those about one case are never parted."""
    part: list[CaseChange] = []
    for story in _stories(changes).values():
        part += story
        if len(part) >= SLICE:
            yield part
            part = []
    if part:
        yield part


def commit(connection: Connection, changes: Sequence[CaseChange]) -> None:
    """Store decisions in their order. Raises LedgerError where one speaks of an opening that is over.

    What is stored already changes nothing: the last decisions about a case may be told again, alone or
    before those that follow.
    """
    stories = _stories(changes)
    stands = standing(connection, stories)
    for fingerprint, story in stories.items():
        _refuse_outdated(fingerprint, story[-1].case, stands.get(fingerprint))
    last = {(of, each.number): each.mark for of, each in stands.items()}
    last |= leftovers(connection, _openings(stories) - last.keys())
    history = [row for of, story in stories.items() for row in _new_steps(of, story, stands.get(of), last)]
    insert_new(connection, tables.case_history, history)
    _store_cases(connection, stories, stands, last)
    insert_new(connection, tables.outbox, outbox_rows(notice for change in changes for notice in change.notices))


def _stories(changes: Iterable[CaseChange]) -> dict[Fingerprint, list[CaseChange]]:
    stories: dict[Fingerprint, list[CaseChange]] = defaultdict(list)
    for change in changes:
        stories[stored(change.fingerprint)].append(change)
    return stories


def _openings(stories: _Stories) -> set[Opening]:
    return {(of, change.case.number) for of, story in stories.items() for change in story if change.case is not None}


def _refuse_outdated(fingerprint: Fingerprint, case: Case | None, stands: Standing | None) -> None:
    """An opening with a number that was used before would pass for that one, and its messages for sent."""
    if case is None or stands is None or (case.number, case.transition) >= (stands.number, stands.transition):
        return
    message = (
        f"case {fingerprint.rule} {fingerprint.subject} stands at {stands.number}.{stands.transition} in the ledger, "
        f"what was decided is older ({case.number}.{case.transition}): start lnwatch anew, so that it reads the ledger"
    )
    raise LedgerError(LedgerTrouble.FAILED, message)


def _new_steps(
    fingerprint: Fingerprint, story: Sequence[CaseChange], stands: Standing | None, last: dict[Opening, Mark]
) -> Iterator[Row]:
    """What goes into the history; `last` has the last step of each opening, and is kept so."""
    told = _told_before(fingerprint, story, stands, last)
    before: Case | Standing | None = story[told - 1].case if told else stands
    for change in story[told:]:
        pending = before if before is not None and before.state is CaseState.PENDING else None
        concerned, before = change.case or pending, change.case
        if concerned is None:
            continue
        previous = last.get((fingerprint, concerned.number))
        if previous is not None and not _says_more(change, previous):
            continue
        step = HistoryStep(
            number=concerned.number,
            step=1 if previous is None else previous.step + 1,
            at=change.at,
            reason=change.reason,
            transition=change.tell,
            state=_state(change),
            severity=concerned.severity,
            sentence=concerned.sentence,
            actor="" if change.case is None else change.case.actor,
            note="" if change.case is None else change.case.note,
        )
        last[fingerprint, step.number] = Mark(step.step, step.at, step.reason, step.transition, step.state)
        yield step_row(fingerprint, step)


def _told_before(
    fingerprint: Fingerprint,
    story: Sequence[CaseChange],
    stands: Standing | None,
    last: Mapping[Opening, Mark],
) -> int:
    """How many decisions of the story are in the ledger already: those up to the last step that is stored."""
    numbers = {change.case.number for change in story if change.case is not None}
    if stands is not None:
        numbers.add(stands.number)
    for number in sorted(numbers, reverse=True):
        if (mark := last.get((fingerprint, number))) is not None:
            same = (place for place, change in enumerate(story, 1) if _is(change, number, mark, stands))
            return max(same, default=0)
    return 0


def _is(change: CaseChange, number: int, mark: Mark, stands: Standing | None) -> bool:
    if (change.at, change.reason, change.tell, _state(change)) != (mark.at, mark.reason, mark.transition, mark.state):
        return False
    case = change.case
    if case is None:
        return True
    told_more = stands is not None and stands.number == number and case.transition > stands.transition
    return case.number == number and not told_more


def _says_more(change: CaseChange, previous: Mark) -> bool:
    return change.tell is not None or (change.reason, _state(change)) != (previous.reason, previous.state)


def _state(change: CaseChange) -> CaseState | None:
    return None if change.case is None else change.case.state


def _store_cases(
    connection: Connection,
    stories: _Stories,
    stands: Mapping[Fingerprint, Standing],
    last: Mapping[Opening, Mark],
) -> None:
    rows, gone = [], []
    for fingerprint, story in stories.items():
        before = stands.get(fingerprint)
        openings, vanished = _outcome(story, before)
        rows += [{**case_row(case), **last[fingerprint, number].columns} for number, case in openings.items()]
        if before is not None and before.number in vanished:
            key = {**key_of(fingerprint), "number": before.number}
            gone.append({f"key_{name}": value for name, value in key.items()})
    if gone:
        keys = tables.case_state.primary_key
        connection.execute(
            delete(tables.case_state).where(*(column == bindparam(f"key_{column.name}") for column in keys)), gone
        )
    put(connection, tables.case_state, rows)


def _outcome(story: Sequence[CaseChange], stands: Standing | None) -> tuple[dict[int, Case], set[int]]:
    """The openings as they are in the end, by number, and the numbers of those that vanished, were it for a moment."""
    openings: dict[int, Case] = {}
    vanished: set[int] = set()
    now: Case | Standing | None = stands
    for change in story:
        if change.case is not None:
            openings[change.case.number] = change.case
        elif now is not None and now.state is CaseState.PENDING:
            openings.pop(now.number, None)
            vanished.add(now.number)
        now = change.case
    return openings, vanished

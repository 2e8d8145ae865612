"""Whatever is decided, in whatever batches, across restarts and told again: the ledger holds it once."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.store import CaseChange, LedgerSettings, open_ledger
from lnwatch.store.schema import metadata
from tests.manual_clock import ManualClock
from tests.store.case_stories import case, change
from tests.store.stories import NOW

Held = dict[str, list[tuple[Any, ...]]]
CHANNELS = ("slack", "pagerduty")
KEEPING = (Reason.STILL_FOUND, Reason.HELD_UNKNOWN, Reason.KEEP_FIRING)

_sites = itertools.count()  # each example has a site of its own, so that all may share a ledger


@dataclass
class Life:
    """One subject: what was decided of it so far, as the lifecycle would; `kept` is its newest ended opening."""

    fingerprint: Fingerprint
    now: Case | None = None
    kept: Case | None = None

    def decide(self, word: str, at: float) -> CaseChange:
        """What the word means where the case stands."""
        if self.now is None or self.now.state is CaseState.RESOLVED:
            self.kept = self.now or self.kept
            number = self.kept.number + 1 if self.kept is not None else 1
            return self._become(
                case(CaseState.PENDING, self.fingerprint, number=number, seen_at=at), Reason.PENDING, at
            )
        now = replace(self.now, seen_at=at)
        return self._pending(now, word, at) if now.state is CaseState.PENDING else self._living(now, word, at)

    def _pending(self, now: Case, word: str, at: float) -> CaseChange:
        if word == "end":
            self.now = self.kept
            return change(None, Reason.VANISHED, at, fingerprint=self.fingerprint)
        if word == "keep":
            return self._become(now, Reason.PENDING, at)
        return self._become(replace(now, state=CaseState.OPEN, opened_at=at), Reason.LASTED, at, Transition.OPENED)

    def _living(self, now: Case, word: str, at: float) -> CaseChange:
        if word == "end":
            ended = replace(now, state=CaseState.RESOLVED, ended_at=at)
            return self._become(ended, Reason.CLEAR, at, Transition.RESOLVED)
        if word == "take":
            taken = replace(now, state=CaseState.ACKNOWLEDGED, actor="anna", note="\udcff")
            return self._become(taken, Reason.ACKNOWLEDGED, at, Transition.ACKNOWLEDGED)
        return self._become(now, KEEPING[int(at) % 3], at)

    def _become(self, of: Case, reason: Reason, at: float, tell: Transition | None = None) -> CaseChange:
        self.now = of if tell is None else replace(of, transition=of.transition + 1)
        return change(self.now, reason, at, tell, CHANNELS)


@dataclass
class Oracle:
    """The same in plain dictionaries."""

    cases: dict[tuple[str, int], Case] = field(default_factory=dict)
    history: dict[tuple[str, int], list[tuple[float, Reason, CaseState | None]]] = field(default_factory=dict)
    letters: set[tuple[str, int, int, str]] = field(default_factory=set)

    def tell(self, told: CaseChange) -> None:
        subject = told.fingerprint.subject
        if told.case is None:
            number = max(number for of, number in self.cases if of == subject)
            del self.cases[subject, number]
        else:
            number = told.case.number
            self.cases[subject, number] = told.case
        steps = self.history.setdefault((subject, number), [])
        state = None if told.case is None else told.case.state
        if told.tell is not None or not steps or steps[-1][1:] != (told.reason, state):
            steps.append((told.at, told.reason, state))
        self.letters |= {(subject, each.number, each.transition_number, channel) for channel, each, _ in told.notices}


WORDS = st.sampled_from(["open", "keep", "take", "end"])
STORIES = st.lists(st.tuples(WORDS, st.sampled_from(["node:a", "node:b"])), min_size=1, max_size=14)


@examples(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(words=STORIES, cuts=st.lists(st.integers(0, 14), max_size=6), data=st.data())
def test_decided_once(
    settings: LedgerSettings, tmp_path: Path, words: list[tuple[str, str]], cuts: list[int], data: st.DataObject
) -> None:
    """Cases, history and messages are what a plain reckoning holds, though every batch may be told again."""
    site = f"s{next(_sites)}"
    lives = {subject: Life(Fingerprint(site, "lightning_down", subject)) for _, subject in words}
    told = [lives[subject].decide(word, NOW + place) for place, (word, subject) in enumerate(words)]
    oracle = Oracle()
    for each in told:
        oracle.tell(each)
    batches = _batches(told, cuts)
    again = data.draw(st.lists(st.sampled_from(["", "alone", "with the next", "restart"]), max_size=len(batches)))
    held = asyncio.run(_store(settings, tmp_path, batches, again, site))
    assert [row[2:5] for row in held["case_state"]] == [
        (subject, number, of.state.value) for (subject, number), of in sorted(oracle.cases.items())
    ]
    assert [row[2:9] for row in held["case_history"]] == [
        (subject, number, step, at, reason.value, tell, None if state is None else state.value)
        for (subject, number), steps in sorted(oracle.history.items())
        for step, (at, reason, state) in enumerate(steps, 1)
        for tell in [_transition(told, subject, at)]
    ]
    assert [row[2:6] for row in held["outbox"]] == sorted(oracle.letters)


def _transition(told: Sequence[CaseChange], subject: str, at: float) -> str | None:
    (tell,) = (each.tell for each in told if each.fingerprint.subject == subject and each.at == at)
    return None if tell is None else tell.value


def _batches(told: Sequence[CaseChange], cuts: Sequence[int]) -> list[list[CaseChange]]:
    edges = [0, *sorted({cut % len(told) for cut in cuts} - {0}), len(told)]
    return [list(told[start:end]) for start, end in itertools.pairwise(edges)]


async def _store(
    settings: LedgerSettings, folder: Path, batches: Sequence[list[CaseChange]], again: Sequence[str], site: str
) -> Held:
    ledger = await open_ledger(settings, folder, ManualClock())
    before: list[CaseChange] = []
    for batch, how in itertools.zip_longest(batches, again, fillvalue=""):
        assert isinstance(batch, list)
        await ledger.commit([*before, *batch])
        before = batch if how == "with the next" else []
        if how == "restart":
            await ledger.close()
            ledger = await open_ledger(settings, folder, ManualClock())
        if how in {"alone", "restart"}:
            await ledger.commit(batch)
    held = await ledger._workers.read(lambda connection: {name: _rows(connection, name, site) for name in TABLES})
    await ledger.close()
    return held


TABLES = ("case_state", "case_history", "outbox")


def _rows(connection: Connection, name: str, site: str) -> list[tuple[Any, ...]]:
    table = metadata.tables[name]
    query = select(table).where(table.c.site == site).order_by(*table.primary_key)
    return [tuple(row) for row in connection.execute(query)]

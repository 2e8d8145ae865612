from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from lnwatch.errors import LedgerError
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Owner, Severity
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from lnwatch.store.case_tables import case_state
from lnwatch.store.cases.commit import SLICE, slices
from tests.manual_clock import ManualClock
from tests.store.case_stories import DOWN, FULL, case, change, notice, opened, resolved
from tests.store.stories import NOW, SITE, rows

PENDING, OPEN, RESOLVED, CLOSED = CaseState.PENDING, CaseState.OPEN, CaseState.RESOLVED, CaseState.CLOSED
FLAP_WINDOW = 900.0


async def steps(ledger: Ledger, fingerprint: Fingerprint = DOWN) -> list[tuple[int, int, Reason, CaseState | None]]:
    """The history: opening, step, reason and state."""
    found = await ledger.case(fingerprint)
    assert found is not None
    return [(step.number, step.step, step.reason, step.state) for step in found.history]


EVERYTHING = case(
    CaseState.SNOOZED,
    number=3,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    facts={"löb": "\N{BITCOIN SIGN} 1.5", "": ""},
    evidence="b105",
    opened_at=NOW - 9.5,
    clear_since=NOW - 1.0,
    transition=4,
    told=True,
    told_severity=Severity.CRITICAL,
    flaps=2,
    actor="anna",
    note='it\'s the "disk"',
    snoozed_until=NOW + 3_600.0,
)


@pytest.mark.parametrize("told", [case(PENDING), EVERYTHING, replace(EVERYTHING, fingerprint=FULL, scope="")])
async def test_a_case_comes_back(ledger: Ledger, settings: LedgerSettings, tmp_path: Path, told: Case) -> None:
    """A case is read after a restart exactly as it was decided."""
    await ledger.commit([change(told, Reason.SNOOZED)])
    assert await ledger.cases(NOW) == (told,)
    await ledger.close()
    again = await open_ledger(settings, tmp_path, ManualClock())
    assert await again.cases(NOW) == await again.recall([told.fingerprint, DOWN]) == (told,)
    await again.close()


async def test_history_is_what_changed(ledger: Ledger) -> None:
    """A step is written where reason or state are not what they were, and whenever something is told."""
    pending, living = case(PENDING), case(opened_at=NOW + 60, transition=1)
    told = [
        change(pending, Reason.PENDING, NOW),
        change(replace(pending, seen_at=NOW + 5), Reason.PENDING, NOW + 5),
        change(living, Reason.LASTED, NOW + 60, Transition.OPENED),
        change(living, Reason.STILL_FOUND, NOW + 65),
        change(replace(living, sentence="Other words."), Reason.STILL_FOUND, NOW + 70),
        change(replace(living, transition=2), Reason.STILL_FOUND, NOW + 75, Transition.EASED),
    ]
    for each in told:
        await ledger.commit([each])
    assert await steps(ledger) == [
        (1, 1, Reason.PENDING, PENDING),
        (1, 2, Reason.LASTED, OPEN),
        (1, 3, Reason.STILL_FOUND, OPEN),
        (1, 4, Reason.STILL_FOUND, OPEN),
    ]
    found = await ledger.case(DOWN)
    assert found is not None
    assert [(step.at, step.transition) for step in found.history] == [
        (NOW, None),
        (NOW + 60, Transition.OPENED),
        (NOW + 65, None),
        (NOW + 75, Transition.EASED),
    ]


async def test_a_pending_case_vanishes(ledger: Ledger) -> None:
    """What was clear before it opened leaves its history and no case; the next beginning goes on from there."""
    for at in (NOW, NOW + 300):
        await ledger.commit([change(case(PENDING, seen_at=at), Reason.PENDING, at)])
        await ledger.commit([change(None, Reason.VANISHED, at + 5)])
        await ledger.commit([change(None, Reason.VANISHED, at + 5)])
    assert await ledger.cases(0) == ()
    assert await ledger.recall([DOWN]) == ()
    kinds = [(Reason.PENDING, PENDING), (Reason.VANISHED, None)] * 2
    assert await steps(ledger) == [(1, step, *kind) for step, kind in enumerate(kinds, 1)]


async def test_a_vanished_opening_leaves_the_one_before(ledger: Ledger) -> None:
    """A second opening that comes to nothing leaves the first: its number is not given again."""
    await ledger.commit([opened(), resolved(at=NOW + 9)])
    await ledger.commit([change(case(PENDING, number=2, seen_at=NOW + 5_000), Reason.PENDING, NOW + 5_000)])
    (newest,) = await ledger.cases(NOW)
    assert newest.number == 2
    await ledger.commit([change(None, Reason.VANISHED, NOW + 5_010)])
    (before,) = await ledger.recall([DOWN])
    assert (before.number, before.state) == (1, RESOLVED)


async def test_only_what_is_pending_vanishes(ledger: Ledger) -> None:
    """An open case is never removed by a decision that there is none."""
    await ledger.commit([opened()])
    await ledger.commit([change(None, Reason.VANISHED, NOW + 5)])
    assert await ledger.cases(NOW) == (opened().case,)
    assert len(await steps(ledger)) == 1


async def test_told_again(ledger: Ledger, settings: LedgerSettings) -> None:
    """A commit that is told again, alone or with what follows, changes nothing and tells nobody twice."""
    living = opened(channels=("slack", "pagerduty"))
    batch = [change(case(PENDING), Reason.PENDING, NOW - 1), living, change(living.case, Reason.STILL_FOUND, NOW)]
    acknowledged = replace(case(CaseState.ACKNOWLEDGED, actor="anna"), transition=2)
    following = change(acknowledged, Reason.ACKNOWLEDGED, NOW, Transition.ACKNOWLEDGED, ("slack",))
    await ledger.commit(batch)
    held = [rows(settings, table) for table in ("case_state", "case_history", "outbox")]
    for _ in range(2):
        await ledger.commit(batch)
    assert held == [rows(settings, table) for table in ("case_state", "case_history", "outbox")]
    await ledger.commit([*batch, following])
    await ledger.commit([following])
    assert [reason for *_, reason, _ in await steps(ledger)] == [
        Reason.PENDING,
        Reason.LASTED,
        Reason.STILL_FOUND,
        Reason.ACKNOWLEDGED,
    ]
    stored = [(row["transition"], row["channel"]) for row in rows(settings, "outbox")]
    assert stored == [(1, "pagerduty"), (1, "slack"), (2, "slack")]
    assert await ledger.cases(NOW) == (acknowledged,)


async def test_two_at_one_instant(ledger: Ledger) -> None:
    """Two people who take a case at the very same instant are both in its history."""
    await ledger.commit([opened()])
    for transition, actor in ((2, "anna"), (3, "bert")):
        taken = case(CaseState.ACKNOWLEDGED, transition=transition, actor=actor)
        await ledger.commit([change(taken, Reason.ACKNOWLEDGED, NOW + 5, Transition.ACKNOWLEDGED)])
    found = await ledger.case(DOWN)
    assert found is not None
    assert [step.actor for step in found.history] == ["", "anna", "bert"]


async def test_messages_come_with_their_case(ledger: Ledger, settings: LedgerSettings) -> None:
    """Where one decision of a transaction can't be stored, nothing of it is: no case without its message."""
    bad = replace(opened(FULL), at=None)  # type: ignore[arg-type]  # what a bug would do
    with pytest.raises(LedgerError):
        await ledger.commit([opened(), bad])
    for table in ("case_state", "case_history", "outbox"):
        assert rows(settings, table) == []
    await ledger.commit([opened()])
    assert [len(rows(settings, table)) for table in ("case_state", "case_history", "outbox")] == [1, 1, 1]


async def test_an_opening_that_is_over(ledger: Ledger, settings: LedgerSettings) -> None:
    """A number that was used before is refused in words: its messages would pass for those sent long ago."""
    await ledger.commit([opened(), resolved(at=NOW + 9)])
    for outdated in (case(PENDING), case(transition=1)):
        with pytest.raises(LedgerError, match=r"lightning_down node:ln1 stands at 1\.2 in the ledger"):
            await ledger.commit([change(outdated, Reason.PENDING, NOW + 9_000)])
    (known,) = await ledger.recall([DOWN])
    again = case(number=known.number + 1, transition=1, opened_at=NOW + 9_000)
    await ledger.commit([change(again, Reason.LASTED, NOW + 9_000, Transition.OPENED, ("slack",))])
    assert [(row["number"], row["transition"]) for row in rows(settings, "outbox")] == [(1, 1), (1, 2), (2, 1)]


async def test_which_cases_stand(ledger: Ledger) -> None:
    """Everything that is not over is taken up after a start, and what ended within the flap window."""
    ended: dict[str, Any] = {"ended_at": NOW - FLAP_WINDOW}
    long_ago: dict[str, Any] = {"ended_at": NOW - FLAP_WINDOW - 1}
    wanted = {
        "a": case(PENDING),
        "b": case(CaseState.ACKNOWLEDGED),
        "c": case(RESOLVED, **ended),
        "d": case(CLOSED, **long_ago),
        "e": case(CLOSED, **long_ago, clear_since=NOW - 5),
    }
    others = {
        "f": case(RESOLVED, **long_ago),
        "g": case(CLOSED, **long_ago, clear_since=NOW - FLAP_WINDOW - 1),
    }
    named = {name: replace(of, fingerprint=replace(DOWN, subject=name)) for name, of in (wanted | others).items()}
    await ledger.commit([change(of, Reason.NOTHING) for of in named.values()])
    old = replace(named["f"], fingerprint=named["a"].fingerprint)
    await ledger.commit([change(replace(named["a"], number=2), Reason.NOTHING)])
    stand = await ledger.cases(NOW - FLAP_WINDOW)
    assert {each.fingerprint.subject: each.number for each in stand} == dict.fromkeys(wanted, 1) | {"a": 2}
    forgotten = await ledger.recall([named["f"].fingerprint, named["g"].fingerprint, old.fingerprint])
    assert {each.fingerprint.subject: each.number for each in forgotten} == {"a": 2, "f": 1, "g": 1}


async def test_cases_of_a_time(ledger: Ledger) -> None:
    """Every opening that was open at some time of a window is listed, the newest first; what never opened is not."""
    await ledger.commit([change(case(PENDING, FULL), Reason.PENDING)])
    times = {1: (NOW, NOW + 10), 2: (NOW + 100, NOW + 110), 3: (NOW + 200, None)}
    for number, (start, end) in times.items():
        state = OPEN if end is None else RESOLVED
        of = case(state, number=number, opened_at=float(start), ended_at=None if end is None else float(end))
        await ledger.commit([change(of, Reason.NOTHING, start)])

    async def listed(since: float, until: float, limit: int = 9) -> list[int]:
        return [each.number for each in await ledger.cases_between(since, until, limit)]

    assert await listed(NOW, NOW + 1_000) == [3, 2, 1]
    assert await listed(NOW, NOW + 1_000, limit=2) == [3, 2]
    assert await listed(NOW + 10, NOW + 100) == [1]
    assert await listed(NOW + 11, NOW + 100) == []
    assert await listed(NOW + 5_000, NOW + 5_001) == [3]


async def test_the_page_of_a_case(ledger: Ledger) -> None:
    """A case's page has its newest opening, the steps of all, oldest first, and its messages."""
    assert await ledger.case(DOWN) is None
    again = case(number=2, opened_at=NOW + 5_000, transition=1)
    reopened = change(again, Reason.LASTED, NOW + 5_000, Transition.OPENED, ("slack",))
    await ledger.commit([opened(), resolved(at=NOW + 9), reopened])
    found = await ledger.case(DOWN)
    assert found is not None
    assert found.case == again
    assert [(step.number, step.step, step.at) for step in found.history] == [
        (1, 1, NOW),
        (1, 2, NOW + 9),
        (2, 1, NOW + 5_000),
    ]
    assert [message.notice.transition for message in found.messages] == [
        Transition.OPENED,
        Transition.RESOLVED,
        Transition.OPENED,
    ]
    assert found.messages[2].notice == notice(again, at=NOW + 5_000)
    shorter = await ledger.case(DOWN, limit=1)
    assert shorter is not None
    assert [step.number for step in shorter.history] == [2]
    assert [message.notice.number for message in shorter.messages] == [2]


async def test_hostile_text(ledger: Ledger) -> None:
    """What no database can store is replaced, wherever it stands, and told again it is the same case still."""
    hostile = "peer:a\0\udcff'; DROP TABLE outbox; --"
    bad = case(fingerprint=replace(DOWN, subject=hostile), sentence=hostile, facts={"alias": hostile}, note=hostile)
    told = change(bad, Reason.LASTED, NOW, Transition.OPENED, ("slack",))
    for _ in range(2):
        await ledger.commit([told])
    (stored,) = await ledger.cases(NOW)
    assert stored.sentence == stored.fingerprint.subject == stored.note
    assert "\0" not in stored.sentence
    assert "\udcff" not in stored.facts["alias"]
    found = await ledger.case(bad.fingerprint)
    assert found is not None
    assert len(found.history) == len(found.messages) == 1


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(case_state)).scalar_one()


def subjects(number: int) -> list[Fingerprint]:
    return [Fingerprint(SITE, f"rule_{n % 3}", f"channel:{n:064x}:0") for n in range(number)]


async def test_a_storm(ledger: Ledger, settings: LedgerSettings) -> None:
    """However many cases open at once, they are all stored, in transactions of bounded size."""
    storm = [opened(fingerprint, ("slack", "pagerduty")) for fingerprint in subjects(2 * SLICE + 1)]
    await ledger.commit(storm)
    assert await ledger._workers.read(_count) == len(storm)
    await ledger.commit([resolved(each.fingerprint, ("slack",), NOW + 60) for each in storm])
    assert {each.state for each in await ledger.cases(0)} == {RESOLVED}
    stored = rows(settings, "outbox")
    assert len(stored) == 3 * len(storm)
    assert len(rows(settings, "case_history")) == 2 * len(storm)


def test_slices_keep_a_case_whole() -> None:
    """A transaction holds all that is decided of a case, in its order."""
    many = [change(case(seen_at=NOW + n), Reason.STILL_FOUND, NOW + n) for n in range(SLICE + 5)]
    others = [opened(fingerprint) for fingerprint in subjects(SLICE)]
    mixed = [each for pair in zip(many, others, strict=False) for each in pair] + many[SLICE:]
    parts = list(slices(mixed))
    assert sum(len(part) for part in parts) == len(mixed)
    assert all(len(part) < 2 * SLICE for part in parts)
    holders = [part for part in parts if any(each.fingerprint == DOWN for each in part)]
    assert len(holders) == 1
    assert [each for each in holders[0] if each.fingerprint == DOWN] == many
    assert list(slices([])) == []

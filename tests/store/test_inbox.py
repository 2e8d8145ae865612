import asyncio
from pathlib import Path

import pytest
from sqlalchemy import event

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.store import Ledger, LedgerSettings, open_ledger, visit_ledger
from tests.manual_clock import ManualClock
from tests.store.stories import NOW


async def test_question_and_answer(ledger: Ledger) -> None:
    """What is asked waits, oldest first, until it is answered; the first answer stands."""
    second = await ledger.inbox_put("silence", {"rule": "x", "hours": 2}, NOW + 5)
    first = await ledger.inbox_put("prune", {}, NOW)
    waiting = await ledger.inbox_pending(10)
    assert [(each.id, each.kind, each.body) for each in waiting] == [
        (first, "prune", {}),
        (second, "silence", {"rule": "x", "hours": 2}),
    ]
    assert [each.id for each in await ledger.inbox_pending(1)] == [first]
    await ledger.inbox_answer(first, {"rows": 7}, NOW + 9)
    await ledger.inbox_answer(first, {"rows": 8}, NOW + 10)
    assert [each.id for each in await ledger.inbox_pending(10)] == [second]
    answered = await ledger.inbox_wait(first, 0)
    assert answered is not None
    assert answered.answer == {"rows": 7}


async def test_waiting(ledger: Ledger, clock: ManualClock) -> None:
    """Whoever asked from another process waits for the answer, on the clock, and not for ever."""
    request = await ledger.inbox_put("prune", {}, NOW)
    patient = asyncio.create_task(ledger.inbox_wait(request, 60))
    hasty = asyncio.create_task(ledger.inbox_wait(request, 1))
    while not hasty.done():
        await clock.advance(0.1)
        await asyncio.sleep(0.001)
    assert hasty.result() is None
    await ledger.inbox_answer(request, {"done": True}, NOW + 2)
    while not patient.done():
        await clock.advance(0.1)
        await asyncio.sleep(0.001)
    found = patient.result()
    assert found is not None
    assert found.answer == {"done": True}


async def test_visitor(ledger: Ledger, settings: LedgerSettings, clock: ManualClock, tmp_path: Path) -> None:
    """A second process may ask and read while the daemon holds the ledger; a second daemon may not."""
    visitor = await visit_ledger(settings, tmp_path, clock)
    request = await visitor.inbox_put("prune", {"by": "ops"}, NOW)
    assert [each.id for each in await ledger.inbox_pending(10)] == [request]
    await ledger.inbox_answer(request, {}, NOW)
    assert await visitor.inbox_wait(request, 0) is not None
    assert visitor.starts == ledger.starts == 1
    await visitor.close()
    with pytest.raises(LedgerError, match="another lnwatch holds the ledger") as refused:
        await open_ledger(settings, tmp_path, clock)
    assert refused.value.trouble is LedgerTrouble.LOCKED
    await ledger.probe()


@pytest.mark.bare
async def test_visitor_before_the_first_start(settings: LedgerSettings, clock: ManualClock, tmp_path: Path) -> None:
    """Where no daemon ever started there is nothing to visit, and the message says what to do."""
    with pytest.raises(LedgerError, match="start `lnwatch run` once"):
        await visit_ledger(settings, tmp_path, clock)


async def test_withdrawn(ledger: Ledger) -> None:
    """What is taken back is never begun; what was begun is not taken back, and is told again after a crash."""
    early = await ledger.inbox_put("ack", {"rule": "x"}, NOW)
    late = await ledger.inbox_put("ack", {"rule": "y"}, NOW + 1)
    assert await ledger.inbox_withdraw(early, NOW + 2)
    assert not await ledger.inbox_begin(early)
    assert await ledger.inbox_begin(late)
    assert not await ledger.inbox_withdraw(late, NOW + 3)
    assert [(each.id, each.answer) for each in await ledger.inbox_pending(10)] == [(late, None)]
    assert await ledger.inbox_wait(late, 0) is None
    assert await ledger.inbox_begin(late)
    await ledger.inbox_answer(late, {"done": True}, NOW + 4)
    assert not await ledger.inbox_withdraw(late, NOW + 5)
    answered = await ledger.inbox_wait(late, 0)
    assert answered is not None
    assert answered.answer == {"done": True}


async def test_an_inbox_that_nobody_writes_to_is_not_read(tmp_path: Path) -> None:
    """On SQLite a look costs no query until somebody writes; what a visitor asks is seen at the next look."""
    long_after, reads = ManualClock(4_000_000_000.0), 0
    ledger = await open_ledger(LedgerSettings(), tmp_path, long_after)

    def count(_connection: object) -> None:
        nonlocal reads
        reads += 1

    event.listen(ledger._workers.database.reader, "begin", count)
    for _ in range(3):
        assert await ledger.inbox_pending(10) == ()
    assert reads == 1
    visitor = await visit_ledger(LedgerSettings(), tmp_path, long_after)
    await asyncio.sleep(0.01)  # the file's time moves in steps
    request = await visitor.inbox_put("prune", {}, NOW)
    for _ in range(2):
        assert [each.id for each in await ledger.inbox_pending(10)] == [request]
    await ledger.inbox_answer(request, {}, NOW)
    assert await ledger.inbox_pending(10) == ()
    await visitor.close()
    await ledger.close()


async def test_what_was_just_written_is_looked_for_again(tmp_path: Path) -> None:
    """While the last writing is young, each look asks: what was being written then may not have been seen."""
    just_then = ManualClock(0.0)
    ledger = await open_ledger(LedgerSettings(), tmp_path, just_then)
    looks = []
    event.listen(ledger._workers.database.reader, "begin", lambda _: looks.append(1))
    for _ in range(3):
        assert await ledger.inbox_pending(10) == ()
    assert len(looks) == 3
    await ledger.close()

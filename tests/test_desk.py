"""What people ask through the inbox, over both ledgers: carried out once, or refused in one sentence."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lnwatch.caseload import Caseload
from lnwatch.desk import INBOX_PATIENCE, Desk
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.assessments import NOW
from tests.manual_clock import ManualClock
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.store.conftest import ledger_url, settings  # noqa: F401 - likewise: each test runs over both backends
from tests.test_caseload import DOWN, Court

CASE: Mapping[str, Any] = {"site": "main", "rule": "lightning_down", "subject": "node:ln1", "actor": "ann"}
QUIET: Mapping[str, Any] = {"kind": "silence", "author": "ann", "reason": "upgrade"}
HOUR = 3_600.0


class Counter:
    """A desk over one open case, and a person in front of it."""

    def __init__(self, ledger: Ledger, clock: ManualClock) -> None:
        self.court = Court(ledger, clock)
        self.ledger, self.clock = ledger, clock
        self.served = 0

    @property
    def caseload(self) -> Caseload:
        return self.court.caseload

    async def begin(self) -> None:
        await self.court.start()
        await self.court.judge(0)
        self.desk = Desk(self.court.caseload, self.ledger, self.clock, frozenset({"breach"}))

    async def ask(self, kind: str, body: Mapping[str, Any], *, waited: float = 0.0, times: int = 1) -> dict[str, Any]:
        """The answer; asked `times` times as after crashes before the answer was written."""
        request = await self.ledger.inbox_put(kind, body, self.clock.now() - waited)
        for _ in range(times - 1):
            (pending,) = await self.ledger.inbox_pending(10)
            await self.desk.carry_out(pending)
        before = self.served
        serving = asyncio.create_task(self.desk.serve(self._served))
        for _ in range(200):
            await self.clock.advance(0.5)
            await asyncio.sleep(0.01)  # the ledger's own threads
            answered = await self.ledger.inbox_wait(request, 0)
            if answered is not None and self.served > before:
                break
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        assert answered is not None
        assert answered.answer is not None
        return dict(answered.answer)

    def _served(self) -> None:
        self.served += 1

    async def told(self) -> list[str]:
        return [each.transition.value for each in await self.court.waiting("ops", 10 * HOUR)]


@pytest.fixture
async def counter(tmp_path: Path, settings: LedgerSettings) -> AsyncGenerator[Counter, None]:  # noqa: F811 - the fixture
    clock = ManualClock(NOW)
    ledger = await open_ledger(settings, tmp_path, clock)
    made = Counter(ledger, clock)
    await made.begin()
    yield made
    await ledger.close()


async def test_acknowledge_snooze_and_close(counter: Counter) -> None:
    """Each word changes the case, is told to those who know of it, and wakes the engine."""
    assert await counter.ask("ack", {**CASE, "note": "on it"}) == {"state": "acknowledged", "opening": 1}
    until = NOW + HOUR
    assert await counter.ask("snooze", {**CASE, "until": until}) == {"state": "snoozed", "opening": 1, "until": until}
    assert await counter.ask("close", {**CASE, "note": "sold it"}) == {"state": "closed", "opening": 1}
    assert await counter.told() == ["opened", "acknowledged", "snoozed", "closed"]
    assert counter.served == 3


@pytest.mark.parametrize(
    ("kind", "more"), [("ack", {"note": "x"}), ("snooze", {"until": NOW + HOUR}), ("close", {"note": "done"})]
)
async def test_carried_out_again_it_does_no_more(counter: Counter, kind: str, more: Mapping[str, Any]) -> None:
    """A crash between the deed and its answer leads to no second message."""
    await counter.ask(kind, {**CASE, **more}, times=3)
    assert len(await counter.told()) == 2


REFUSALS: list[tuple[str, Mapping[str, Any], str]] = [
    ("ack", {**CASE, "subject": "node:ln9"}, "site main has no open case lightning_down node:ln9: see `lnwatch cases`"),
    ("close", CASE, "closing needs a reason"),
    ("snooze", {**CASE, "until": NOW - 1}, "a snooze ends in the future"),
    ("ack", {**CASE, "actor": ""}, "ack: actor: string should have at least 1 character"),
    ("ack", {**CASE, "colour": "red"}, "ack: colour: extra inputs are not permitted"),
    ("ack", {"site": "main"}, "ack: rule: field required"),
    ("silence", {**QUIET, "starts_at": NOW + 2, "ends_at": NOW + 1}, "before it begins"),
    ("silence", {**QUIET, "starts_at": NOW - 9, "ends_at": NOW - 1}, "it has ended already"),
    ("silence", {**QUIET, "starts_at": NOW, "ends_at": NOW + HOUR, "rule": "breach"}, "breach is never muted"),
    ("silence", {**QUIET, "starts_at": NOW, "ends_at": NOW + HOUR, "reason": " "}, "silence: reason"),
    ("silence", {**QUIET, "kind": "party", "starts_at": NOW, "ends_at": NOW + HOUR}, "silence: kind"),
    ("end_silence", {"id": "abc", "actor": "ann"}, "no silence or maintenance window has the id abc; there is none"),
    ("dance", {}, "this lnwatch does not know how to dance"),
]


@pytest.mark.parametrize(("kind", "body", "error"), REFUSALS)
async def test_refusals(counter: Counter, kind: str, body: Mapping[str, Any], error: str) -> None:
    """One sentence that says what is wrong, and nothing is changed."""
    answer = await counter.ask(kind, body)
    assert set(answer) == {"error"}
    assert error in answer["error"]
    assert await counter.told() == ["opened"]
    assert counter.caseload.silences(NOW) == ()


async def test_what_waited_too_long_is_not_carried_out(counter: Counter) -> None:
    """Who asked has gone long ago: a daemon that comes back hours later does not surprise."""
    answer = await counter.ask("ack", CASE, waited=INBOX_PATIENCE + 60)
    assert "ask again" in answer["error"]
    assert await counter.told() == ["opened"]


async def test_silence_and_its_end(counter: Counter) -> None:
    """A silence has a short id, is the same one when it is carried out again, and ends by the beginning of its id."""
    asked = {**QUIET, "starts_at": NOW, "ends_at": NOW + HOUR, "rule": "lightning_*"}
    answer = await counter.ask("silence", asked, times=2)
    assert answer["overlaps"] == []
    (silence,) = counter.caseload.silences(NOW)
    assert silence.id == answer["id"]
    assert (silence.author, silence.rule, silence.subject) == ("ann", "lightning_*", "*")
    ended = await counter.ask("end_silence", {"id": silence.id[:4], "actor": "bob"})
    assert ended == {"id": silence.id, "ended": True}
    assert counter.caseload.silences(counter.clock.now()) == ()


async def test_overlapping_windows(counter: Counter) -> None:
    """Two windows over the same things at the same time are a mistake; over other things they are told of."""
    window = {**QUIET, "kind": "maintenance", "starts_at": NOW, "ends_at": NOW + HOUR}
    first = await counter.ask("silence", window)
    same = await counter.ask("silence", {**window, "author": "bob", "starts_at": NOW + 60, "ends_at": NOW + 2 * HOUR})
    assert f"it overlaps maintenance {first['id']} of ann" in same["error"]
    other = await counter.ask("silence", {**window, "site": "main"})
    assert other["overlaps"] == [first["id"]]
    later = await counter.ask("silence", {**window, "starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR})
    assert later["overlaps"] == []


async def test_coverage(counter: Counter) -> None:
    """Every rule with what is in force for it."""
    (covered,) = (await counter.ask("coverage", {}))["coverage"]
    assert covered == {
        "site": "main",
        "rule": DOWN.rule,
        "scope": "ln1",
        "severity": "critical",
        "owner": "oncall",
        "covered": True,
        "why": "",
        "grant": "",
    }


async def test_prune(counter: Counter) -> None:
    """The ledger is thinned out, and the rows that went are counted by table."""
    assert set(await counter.ask("prune", {})) == {"removed"}

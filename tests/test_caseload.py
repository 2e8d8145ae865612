"""The cases in memory, over both ledgers: what is committed, what is told to whom, what a restart takes up."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from lnwatch.caseload import REWORDED_AFTER, Caseload
from lnwatch.domain import lifecycle
from lnwatch.domain.lifecycle import FLAP_WINDOW
from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.view import TargetView, View
from lnwatch.notify._quiet import QuietHours
from lnwatch.notify._routing import Route, RoutingSettings
from lnwatch.store import CaseChange, Ledger, LedgerSettings, open_ledger
from tests.assessments import NOW
from tests.brains import make_office
from tests.manual_clock import ManualClock
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.rules.views import make_target, make_view
from tests.store.conftest import ledger_url, settings  # noqa: F401 - likewise: each test runs over both backends

DOWN = Fingerprint("main", "lightning_down", "node:ln1")
CHANNELS = {"ops": "slack", "oncall": "pagerduty"}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """None."""


@dataclass
class World:
    """What the one rule of these tests finds; a test changes it."""

    finds: list[Finding] = field(default_factory=list)

    def judge(self, _view: View, _target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
        return list(self.finds)


@dataclass
class Counting:
    """A real ledger that counts commits, and that a test can break."""

    ledger: Ledger
    commits: list[Sequence[CaseChange]] = field(default_factory=list)
    broken: bool = False

    def __getattr__(self, name: str) -> object:
        return getattr(self.ledger, name)

    async def commit(self, changes: Sequence[CaseChange]) -> None:
        if self.broken:
            raise LedgerError(LedgerTrouble.FULL, "the disk is full")
        self.commits.append(changes)
        await self.ledger.commit(changes)


class Court:
    """A caseload over a ledger, judging one node at a time of the test's choice."""

    def __init__(self, ledger: Ledger, clock: ManualClock) -> None:
        self.world = World([down()])
        self.ledger = Counting(ledger)
        self.clock = clock
        self.routing = RoutingSettings()
        self.rule: Rule[Any] = Rule(
            "lightning_down", Scope.NODE, Severity.CRITICAL, Owner.ONCALL, Thresholds, self.world.judge
        )
        self.caseload: Caseload

    async def start(self, **more: Any) -> None:  # noqa: ANN401 - fields of Rule
        """Begin, or begin anew over what the ledger knows."""
        self.rule = replace(self.rule, **more)
        ledger = cast("Ledger", self.ledger)
        office = make_office(ledger, self.clock, of=[self.rule], channels=CHANNELS, routing=self.routing)
        self.wakes = office.commits
        self.caseload = office.brain.caseload
        await self.caseload.restore(self.clock.now())

    async def judge(self, at: float) -> None:
        """A cycle at NOW + `at`."""
        await self.caseload.judge(make_view(make_target("lnd", at=NOW + at), at=NOW + at))

    async def waiting(self, channel: str, at: float) -> list[Notice]:
        return [each.notice for each in await self.ledger.ledger.outbox.waiting(channel, 100, NOW + at)]

    @property
    def case(self) -> Case:
        case = self.caseload.find(DOWN)
        assert case is not None
        return case


def down(sentence: str = "node:ln1 is down.", **more: Any) -> Finding:  # noqa: ANN401 - fields of Finding
    return Finding("node:ln1", sentence, **more)


@pytest.fixture
async def court(tmp_path: Path, settings: LedgerSettings) -> AsyncGenerator[Court, None]:  # noqa: F811 - the fixture
    clock = ManualClock(NOW)
    ledger = await open_ledger(settings, tmp_path, clock)
    made = Court(ledger, clock)
    await made.start()
    yield made
    await ledger.close()


async def test_found_is_told_to_all_it_concerns(court: Court) -> None:
    """A critical case goes to the chat and to the pager, in the transaction that opened it, and delivery is woken."""
    await court.judge(0)
    for channel in CHANNELS:
        (notice,) = await court.waiting(channel, 0)
        assert (notice.transition, notice.sentence, notice.at) == (Transition.OPENED, "node:ln1 is down.", NOW)
    assert len(court.wakes) == 1
    record = await court.ledger.ledger.case(DOWN)
    assert record is not None
    assert [step.reason for step in record.history] == [Reason.LASTED]


@pytest.mark.parametrize(
    ("begins", "at_the_chat", "at_the_pager"),
    [
        (Severity.INFO, [Transition.OPENED], [Transition.OPENED]),
        (Severity.WARNING, [Transition.OPENED, Transition.ESCALATED], [Transition.ESCALATED]),
    ],
)
async def test_what_nobody_heard_of_begins_when_it_is_told(
    court: Court, begins: Severity, at_the_chat: list[Transition], at_the_pager: list[Transition]
) -> None:
    """A case that nobody was told of while it was small is told as new when it grows; else it has become worse."""
    court.world.finds = [down(severity=begins)]
    await court.judge(0)
    court.world.finds = [down(severity=Severity.CRITICAL)]
    await court.judge(10)
    told = {channel: [notice.transition for notice in await court.waiting(channel, 10)] for channel in CHANNELS}
    assert told == {"ops": at_the_chat, "oncall": at_the_pager}
    record = await court.ledger.ledger.case(DOWN)
    assert record is not None
    assert [step.transition for step in record.history] == [Transition.OPENED, Transition.ESCALATED]


async def test_nothing_new_is_not_committed(court: Court) -> None:
    """A case that goes on as it was writes nothing; moving figures are written once a minute."""
    await court.judge(0)
    court.world.finds = [down("node:ln1 is down for 5 s.")]
    await court.judge(5)
    assert len(court.ledger.commits) == 1
    assert court.case.sentence == "node:ln1 is down for 5 s."
    await court.judge(REWORDED_AFTER)
    assert len(court.ledger.commits) == 2
    assert len(court.wakes) == 1


async def test_what_can_not_be_committed_has_not_happened(court: Court) -> None:
    """A full disk opens no case in memory either; when it is mended the case opens, once."""
    court.ledger.broken = True
    with pytest.raises(LedgerError):
        await court.judge(0)
    assert court.caseload.standing == {}
    court.ledger.broken = False
    await court.judge(5)
    assert len(await court.waiting("ops", 5)) == 1


async def test_resolve_goes_to_those_who_were_told(court: Court) -> None:
    """Also when the routes have changed since, and over a restart."""
    await court.judge(0)
    court.routing = RoutingSettings(routes=(Route(channels=("ops",)),))
    await court.start()
    court.world.finds = []
    await court.judge(60)
    for channel in CHANNELS:
        assert [each.transition for each in await court.waiting(channel, 60)] == [
            Transition.OPENED,
            Transition.RESOLVED,
        ]


async def test_restart_changes_nothing(court: Court) -> None:
    """A new process over the same ledger tells nothing again; a case of long ago is counted on."""
    await court.judge(0)
    await court.start()
    assert court.case.state is CaseState.OPEN
    await court.judge(5)
    assert len(await court.waiting("ops", 5)) == 1
    court.world.finds = []
    await court.judge(10)
    court.clock = ManualClock(NOW + 10 + FLAP_WINDOW + 100)
    await court.start()
    assert court.caseload.standing == {}
    court.world.finds = [down()]
    await court.judge(2 * FLAP_WINDOW)
    assert court.case.number == 2
    assert [each.number for each in await court.waiting("ops", 2 * FLAP_WINDOW)] == [1, 1, 2]


async def test_memory_lets_go_of_what_is_over(court: Court) -> None:
    """After the flap window a case is the ledger's alone."""
    await court.judge(0)
    court.world.finds = []
    await court.judge(1)
    assert DOWN in court.caseload.standing
    await court.judge(2 + FLAP_WINDOW)
    assert court.caseload.standing == {}


async def test_a_pending_case_that_vanishes(court: Court) -> None:
    """It never opened: the ledger keeps no case of it, and nobody is told."""
    await court.start(after=60.0)
    await court.judge(0)
    assert court.case.state is CaseState.PENDING
    assert court.caseload.due(NOW + 10) == 50
    court.world.finds = []
    await court.judge(30)
    assert court.caseload.standing == {}
    assert court.caseload.due(NOW + 30) == float("inf")
    record = await court.ledger.ledger.case(DOWN)
    assert record is not None
    assert record.case is None
    assert [step.reason for step in record.history] == [Reason.PENDING, Reason.VANISHED]


async def test_a_person_s_word(court: Court) -> None:
    """It is committed and told like any other change; on a case that is not there it is None."""
    await court.judge(0)
    taken = await court.caseload.change(DOWN, lambda case: lifecycle.acknowledge(case, "ann", "on it"), NOW + 1)
    assert taken is not None
    assert taken.state is CaseState.ACKNOWLEDGED
    assert (await court.waiting("ops", 1))[-1].actor == "ann"
    other = replace(DOWN, subject="node:ln9")
    assert await court.caseload.change(other, lambda case: lifecycle.acknowledge(case, "ann", ""), NOW + 1) is None


async def test_a_silence_keeps_it_untold_until_it_ends(court: Court) -> None:
    """The case opens, says who silenced it, and is told when the silence is over or taken back."""
    quiet = Silence("s1", SilenceKind.SILENCE, "ann", "upgrade", NOW - 1, NOW + 100)
    await court.caseload.silence(quiet, NOW)
    await court.judge(0)
    standing = court.caseload.standing[DOWN]
    assert (standing.case.told, standing.reason, standing.muted_by) == (False, Reason.SILENCED, "ann: upgrade")
    await court.start()
    await court.judge(50)
    assert await court.waiting("ops", 50) == []
    assert await court.caseload.end_silence("s1", "bob", NOW + 60)
    assert not await court.caseload.end_silence("s1", "bob", NOW + 60)
    await court.judge(61)
    assert [each.transition for each in await court.waiting("ops", 61)] == [Transition.OPENED]


async def test_quiet_hours_put_off(court: Court) -> None:
    """What opens in quiet hours is written at once and told when they end."""
    hours = QuietHours(start="00:00", end="23:59", zone="UTC")  # NOW is 2027-01-15 08:00 UTC
    court.routing = RoutingSettings(routes=(Route(channels=("ops",), quiet_hours=hours),))
    await court.start()
    await court.judge(0)
    assert await court.waiting("ops", 0) == []
    assert len(await court.waiting("ops", 16 * 3_600)) == 1


async def test_a_site_that_is_gone_takes_its_cases_along(court: Court) -> None:
    """At start, cases of a site that is not configured any more end by lnwatch's own word."""
    await court.judge(0)
    office = make_office(court.ledger.ledger, court.clock, of=[court.rule], sites=["other"], channels=CHANNELS)
    await office.brain.caseload.restore(NOW + 5)
    record = await court.ledger.ledger.case(DOWN)
    assert record is not None
    assert record.case is not None
    assert (record.case.state, record.case.actor) == (CaseState.CLOSED, "lnwatch")
    assert (await court.waiting("ops", 5))[-1].transition is Transition.CLOSED


async def test_a_rule_that_breaks_is_told_of(court: Court) -> None:
    """Its error is at hand for the rule that watches rules, and its cases stay as they were."""
    await court.judge(0)
    court.world.finds = cast("list[Finding]", [None])
    await court.caseload.judge(make_view(make_target("lnd", at=NOW + 5, version="9"), at=NOW + 5))
    assert court.caseload.broken_rules["lightning_down"].startswith("AttributeError: 'NoneType' object")
    assert court.case.state is CaseState.OPEN
    (covered,) = court.caseload.coverage
    assert not covered.covered

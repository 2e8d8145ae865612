"""A scenario through a whole daemon, both in one process: over sockets and in lockstep, or for days without any."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from lnwatch.clock import Clock, SystemClock
from lnwatch.errors import LnwatchError
from lnwatch.model.case import Case
from lnwatch.simulator.demo.house import House, Pace, configure
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.indoors import Indoors
from lnwatch.simulator.scenario.alone import schedule
from lnwatch.simulator.scenario.causes import CAUSES, Place
from lnwatch.simulator.scenario.file import Cause, Scenario, Window
from lnwatch.simulator.scenario.verdict import Outcome, Seen, Verdict, judge
from lnwatch.simulator.scenario.witness import Witness
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.lockstep import LockstepLoop, RestlessError
from lnwatch.simulator.world.stage import Stage

Daemon = Callable[[Path, Clock], Awaitable[None]]
Inside = Callable[[Path, Clock, Indoors, float], Awaitable[None]]  # looks up once in so many seconds
Cases = Callable[[Path, Clock, float], Awaitable[Sequence[Case]]]
Ask = Callable[[Path, Clock, str, Mapping[str, object]], Awaitable[None]]  # of the daemon, through its inbox

_WEEK: Final = 7 * 86_400
_WARM_UP: Final = 300.0  # seconds before the beginning in which the daemon reads what was before
_LOOKS_EVERY: Final = 5.0  # seconds, at whether it has
_ASKS: Final = Pace(often="15s", answer="5s", invoices="60s", slow="60s", tells_after="")
_GRAIN: Final = 300.0  # seconds between two looks of a daemon that lives through days
_LONG_WARM_UP: Final = 2 * 3_600.0  # for that
_LOOKS_AT_DOUBLES_EVERY: Final = 60.0  # seconds, at what stands in the customers' way: it changes within minutes there


class ScenarioError(LnwatchError):
    """Why a scenario could not be run."""


@dataclass(frozen=True, slots=True)
class Run:
    """How it is run: where, and by which daemon, over sockets or `inside`, whose `rules` these are."""

    house: House
    daemon: Daemon
    inside: Inside
    cases: Cases
    ask: Ask
    rules: frozenset[str]


def play(scenario: Scenario, run: Run) -> Verdict:
    """Let it happen, and judge. The same hour of the same week day as in the file, as late as can be.

    Raises ScenarioError.
    """
    random.seed(scenario.seed)  # of the daemon's jitter
    try:
        with asyncio.Runner(loop_factory=LockstepLoop) as runner:
            return runner.run(_play(scenario, run))
    except RestlessError as error:
        raise ScenarioError(str(error)) from error


async def _play(scenario: Scenario, run: Run) -> Verdict:
    asked = scenario.begin.timestamp()
    begin = asked + (SystemClock().now() - asked) // _WEEK * _WEEK
    over_sockets = scenario.way == "sockets"
    stage = Stage(scenario.world(begin), run.house.folder, lacking=scenario.lacks, listens=over_sockets)
    people, host = People(stage.clock), HostClock(stage.clock)
    indoors = None if over_sockets else Indoors(stage, (people.slack, people.pagerduty, people.shop, people.hook))
    witness = Witness(stage, begin)
    if not over_sockets:
        stage.looks_every = _LOOKS_AT_DOUBLES_EVERY
    async with stage.opened(), people.opened():
        for cause in scenario.earlier:
            schedule(stage.world, cause, begin)
        await stage.live_through(begin - (_WARM_UP if over_sockets else _LONG_WARM_UP), lambda _: None)
        configure(run.house, stage, people, _ASKS, scenario.rules)
        living = asyncio.ensure_future(stage.run())
        watching = asyncio.ensure_future(
            run.daemon(run.house.config, host)
            if indoors is None
            else run.inside(run.house.config, host, indoors, _GRAIN)
        )
        page = _Page(run.house, indoors)
        happening = asyncio.ensure_future(_happen(scenario, run, page, Place(stage, people, host), begin))
        try:
            await asyncio.wait({living, watching, happening}, return_when=asyncio.FIRST_COMPLETED)
            if not happening.done():
                raise ScenarioError(f"the daemon or its world ended: {_why(living) or _why(watching)}")
            samples = happening.result()
        finally:
            for task in (happening, watching, living):
                task.cancel()
            await asyncio.gather(happening, watching, living, return_exceptions=True)
        cases = await run.cases(run.house.config, stage.clock, begin)
        seen = _seen(cases, people, witness, begin)
        outcome = Outcome(_counted(people), run.rules, samples, _times_told(people), witness.digest)
        return judge(scenario, seen, outcome)


def _why(task: "asyncio.Future[Any]") -> str:
    error = task.exception() if task.done() and not task.cancelled() else None
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error) if error is not None else ""


async def _happen(scenario: Scenario, run: Run, page: "_Page", place: Place, begin: float) -> list[Sample]:
    """From when the daemon knows all that was before to the end; what it shows then."""
    stage = place.stage
    await page.ready(stage.clock, begin)
    await stage.clock.sleep(begin - stage.clock.now())
    for window in scenario.maintenance:
        await run.ask(run.house.config, place.host, "silence", _announced(window, begin))
    async with asyncio.TaskGroup() as group:
        for cause in scenario.causes:
            if cause not in scenario.earlier:
                group.create_task(_go_wrong(cause, place))
        await stage.clock.sleep(scenario.lasts)
    return await page.samples()


def _announced(window: Window, begin: float) -> Mapping[str, object]:
    globs = dict.fromkeys(("site", "rule", "subject", "owner", "severity"), "*")
    times = {"starts_at": begin + window.at, "ends_at": begin + window.at + window.lasts}
    return {"kind": "maintenance", "author": "the scenario", "reason": window.reason, **times, **globs}


@dataclass(frozen=True, slots=True)
class _Page:
    """What the daemon shows of itself."""

    house: House
    indoors: Indoors | None

    async def samples(self) -> list[Sample]:
        """All that is on `/metrics`."""
        transport = None if self.indoors is None else self.indoors.transport()
        async with httpx.AsyncClient(transport=transport, timeout=10) as client:
            text = (await client.get(f"{self.house.page}/metrics")).text
        return [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    async def ready(self, clock: Clock, by: float) -> None:
        """Until it has read all of history."""
        began, every = clock.now(), _LOOKS_EVERY if self.indoors is None else _GRAIN
        while clock.now() + every < by:
            await clock.sleep(every)
            with suppress(httpx.HTTPError):
                read = [each.value for each in await self.samples() if each.name == "lnwatch_backfill_finished"]
                if read and all(read):
                    return
        raise ScenarioError(f"the daemon had not read what was before within {by - began:.0f} s")


async def _go_wrong(cause: Cause, place: Place) -> None:
    await place.stage.clock.sleep(cause.at)
    kind, stage = CAUSES[cause.what], place.stage
    began = stage.clock.now()
    with kind.in_world(stage.world, cause.how):
        async with kind.on_stage(place, cause.how):
            await stage.clock.sleep(max(0.0, began + cause.lasts - stage.clock.now()))


def _seen(cases: Sequence[Case], people: People, witness: Witness, start: float) -> list[Seen]:
    posts = [each.get("metadata", {}).get("event_payload", {}) for each in people.channel.messages.values()]
    told = {
        "slack": {str(each.get("rule")) for each in posts},
        "pagerduty": {str(each["payload"]["class"]) for each in people.pagerduty.events if "payload" in each},
        "webhook": {str(case["rule"]) for body in people.hook.deliveries.values() for case in body["cases"]},
    }
    return [
        Seen(
            rule=each.fingerprint.rule,
            subject=each.fingerprint.subject,
            severity=str(each.severity),
            opened=each.opened_at - start,
            ended=None if each.ended_at is None else each.ended_at - start,
            told=frozenset(kind for kind, rules in told.items() if each.fingerprint.rule in rules),
            explained=witness.explains(each.fingerprint.rule, each.fingerprint.subject, each.opened_at),
        )
        for each in cases
        if each.opened_at is not None and each.opened_at >= start
    ]


def _counted(people: People) -> Mapping[str, int]:
    """How many messages each kind of channel got, and how many of BTCPay's webhooks the shop."""
    return {
        "slack": len(people.channel.messages),
        "pagerduty": len(people.pagerduty.events),
        "webhook": len(people.hook.deliveries),
        "shop": people.shop.heard,
    }


def _times_told(people: People) -> Mapping[str, int]:
    """How often each rule was told anew, on the channel that heard of it most often."""
    rooted = Counter(
        str(each.get("metadata", {}).get("event_payload", {}).get("rule")) for each in people.channel.roots
    )
    called = Counter({str(each.shown["payload"]["class"]): each.incidents for each in people.pagerduty.alerts.values()})
    return rooted | called

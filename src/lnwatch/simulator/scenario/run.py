"""A scenario through a whole daemon over sockets, in one process, on one clock that runs faster than the wall's."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from lnwatch.clock import Clock, SystemClock
from lnwatch.errors import LnwatchError
from lnwatch.model.case import Case
from lnwatch.simulator.demo.house import House, Pace, configure
from lnwatch.simulator.demo.people import People
from lnwatch.simulator.scenario.causes import CAUSES, Place
from lnwatch.simulator.scenario.file import Cause, Scenario
from lnwatch.simulator.scenario.verdict import Seen, Verdict, judge
from lnwatch.simulator.world.hostclock import HostClock
from lnwatch.simulator.world.stage import Stage

Daemon = Callable[[Path, Clock], Awaitable[None]]
Cases = Callable[[Path, Clock, float], Awaitable[Sequence[Case]]]

_WEEK: Final = 7 * 86_400
_READY_WITHIN: Final = 60.0  # seconds of the wall's clock
_ASKS: Final = Pace(often="15s", answer="1s", invoices="60s", slow="60s", tells_after="")  # answers by the wall's clock


class ScenarioError(LnwatchError):
    """Why a scenario could not be run."""


@dataclass(frozen=True, slots=True)
class Run:
    """How it is run: where, how fast, and by which daemon."""

    house: House
    speed: float
    daemon: Daemon
    cases: Cases


async def play(scenario: Scenario, run: Run) -> Verdict:
    """Let it happen, and judge. The same hour of the same week day as in the file, as late as can be."""
    asked = scenario.begin.timestamp()
    begin = asked + (SystemClock().now() - asked) // _WEEK * _WEEK
    stage = Stage(scenario.world(begin), run.house.folder)
    people, host = People(stage.clock), HostClock(stage.clock)
    async with stage.opened(), people.opened():
        await stage.live_through(begin, lambda _: None)
        configure(run.house, stage, people, _ASKS)
        living = asyncio.ensure_future(stage.run(run.speed))
        watching = asyncio.ensure_future(run.daemon(run.house.config, host))
        happening = asyncio.ensure_future(_happen(scenario, run, Place(stage, people, host)))
        try:
            await asyncio.wait({living, watching, happening}, return_when=asyncio.FIRST_COMPLETED)
            if not happening.done():
                raise ScenarioError(f"the daemon or its world ended: {_why(living) or _why(watching)}")
            start = happening.result()
        finally:
            for task in (happening, watching, living):
                task.cancel()
            await asyncio.gather(happening, watching, living, return_exceptions=True)
        cases = await run.cases(run.house.config, stage.clock, start)
        return _judged(scenario, cases, people, (start, stage.late))


def _why(task: "asyncio.Future[Any]") -> str:
    error = task.exception() if task.done() and not task.cancelled() else None
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return repr(error) if error is not None else ""


async def _happen(scenario: Scenario, run: Run, place: Place) -> float:
    """From when the daemon knows all that was before to the end; when that began."""
    stage = place.stage
    await _ready(run.house, stage.clock)
    start = stage.clock.now()
    async with asyncio.TaskGroup() as group:
        for cause in scenario.causes:
            group.create_task(_go_wrong(cause, place))
        await stage.clock.sleep(scenario.lasts)
    return start


async def _ready(house: House, clock: Clock) -> None:
    """Until it judged twice with all of history read."""
    wall = SystemClock()
    deadline = wall.monotonic() + _READY_WITHIN
    async with httpx.AsyncClient(timeout=10) as client:
        while wall.monotonic() < deadline:
            await clock.sleep(5)
            with suppress(httpx.HTTPError):
                lines = (await client.get(f"{house.page}/metrics")).text.splitlines()
                read = [line for line in lines if line.startswith("lnwatch_backfill_finished{")]
                if read and all(line.endswith(" 1") for line in read):
                    await clock.sleep(60)
                    return
    raise ScenarioError(f"the daemon was not ready within {_READY_WITHIN:.0f} s")


async def _go_wrong(cause: Cause, place: Place) -> None:
    await place.stage.clock.sleep(cause.at)
    kind, stage = CAUSES[cause.what], place.stage
    began = stage.clock.now()
    with kind.in_world(stage.world, cause.how):
        async with kind.on_stage(place, cause.how):
            await stage.clock.sleep(max(0.0, began + cause.lasts - stage.clock.now()))


def _judged(scenario: Scenario, cases: Sequence[Case], people: People, times: tuple[float, float]) -> Verdict:
    start, late = times
    posts = people.channel.messages.values()
    said = [each.get("metadata", {}).get("event_payload", {}) for each in posts]
    told = {"slack": {str(each.get("rule")) for each in said}}
    told["pagerduty"] = {str(each["payload"]["class"]) for each in people.pagerduty.events if "payload" in each}
    seen = [
        Seen(
            rule=each.fingerprint.rule,
            subject=each.fingerprint.subject,
            severity=str(each.severity),
            opened=each.opened_at - start,
            ended=None if each.ended_at is None else each.ended_at - start,
            told=frozenset(kind for kind, rules in told.items() if each.fingerprint.rule in rules),
        )
        for each in cases
        if each.opened_at is not None and each.opened_at >= start
    ]
    return judge(scenario, seen, {"slack": len(posts), "pagerduty": len(people.pagerduty.events)}, late)

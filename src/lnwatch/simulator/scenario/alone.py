"""A scenario's world without any socket: everything that happens in it, what goes wrong, and the truth."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from lnwatch.simulator.scenario.causes import CAUSES
from lnwatch.simulator.scenario.file import Cause, Scenario
from lnwatch.simulator.world.events import Event, line
from lnwatch.simulator.world.world import World


def _truth(scenario: Scenario, begin: float) -> Iterator[tuple[int, str]]:
    for each in scenario.opens:
        for seconds, hurt in ((each.hurt_from, True), (each.hurt_until, False)):
            at = int((begin + seconds) * 1_000)
            told = {"at": at, "what": "Truth", "rule": each.rule, "subject": each.subject, "hurt": hurt}
            by = {"open_by": at + int(each.within * 1_000)} if hurt else {}
            yield at, json.dumps(told | by, separators=(",", ":"))


def events(scenario: Scenario) -> list[str]:
    """One line for each event from the beginning on, by time; the same for the same file."""
    begin = scenario.begin.timestamp()
    start, end = int(begin * 1_000), int((begin + scenario.lasts) * 1_000)
    lines: list[tuple[int, str]] = []

    def hear(at: int, event: Event) -> None:
        if at >= start:
            lines.append((at, line(at, event)))

    world = World(scenario.world(begin), hear)

    def note(cause: Cause, phase: str) -> None:
        told = {"at": world.now, "what": "Cause", "cause": cause.what, "phase": phase}
        lines.append((world.now, json.dumps(told, separators=(",", ":"))))

    for cause in scenario.earlier:
        schedule(world, cause, begin, note)
    world.run(start)
    for cause in scenario.causes:
        if cause not in scenario.earlier:
            schedule(world, cause, begin, note)
    world.run(end)
    return [text for _, text in sorted([*lines, *_truth(scenario, begin)], key=lambda pair: pair[0])]


def schedule(
    world: World, cause: Cause, begin: float, note: Callable[[Cause, str], None] = lambda _cause, _phase: None
) -> None:
    """Let one thing go wrong in a world at its time, and be mended at its end; `note` is told of both."""
    timetable, stack = world.scene.timetable, ExitStack()

    def go_wrong() -> None:
        note(cause, "begins")
        stack.enter_context(CAUSES[cause.what].in_world(world, cause.how))
        timetable.after(cause.lasts * 1_000, end)

    def end() -> None:
        stack.close()
        note(cause, "ends")

    timetable.at(int((begin + cause.start) * 1_000), go_wrong)

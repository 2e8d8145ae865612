"""A scenario's world without any socket: everything that happens in it, what goes wrong, and the truth."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

from lnwatch.simulator.scenario.causes import CAUSES, How
from lnwatch.simulator.scenario.file import Cause, Scenario
from lnwatch.simulator.world.events import Event, line
from lnwatch.simulator.world.world import World


def how(cause: Cause) -> How:
    """What a cause's kind takes."""
    return How(cause.amount or 0.0, cause.who, cause.lasts)


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
    world.run(start)
    for cause in scenario.causes:
        _schedule(world, cause, lines)
    world.run(end)
    return [text for _, text in sorted([*lines, *_truth(scenario, begin)], key=lambda pair: pair[0])]


def _schedule(world: World, cause: Cause, lines: list[tuple[int, str]]) -> None:
    """Let one thing go wrong at its time, and be mended at its end."""
    timetable, stack = world.scene.timetable, ExitStack()

    def note(phase: str) -> None:
        told = {"at": world.now, "what": "Cause", "cause": cause.what, "phase": phase}
        lines.append((world.now, json.dumps(told, separators=(",", ":"))))

    def begin() -> None:
        note("begins")
        stack.enter_context(CAUSES[cause.what].in_world(world, how(cause)))
        timetable.after(cause.lasts * 1_000, end)

    def end() -> None:
        stack.close()
        note("ends")

    timetable.after(cause.at * 1_000, begin)

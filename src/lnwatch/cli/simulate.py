"""`lnwatch simulate`: a scenario's events, or the daemon through it and what it made of it."""

import json
import multiprocessing
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lnwatch import log as logging
from lnwatch import rules
from lnwatch.cli.demo import simulator
from lnwatch.cli.output import complain, say, say_table
from lnwatch.clock import Clock
from lnwatch.config import load
from lnwatch.discover import discover
from lnwatch.files import write_file
from lnwatch.model.case import Case
from lnwatch.model.rule import Rule
from lnwatch.net import Door
from lnwatch.store import open_ledger, visit_ledger

if TYPE_CHECKING:
    from lnwatch.simulator.indoors import Indoors
    from lnwatch.simulator.scenario.file import Scenario
    from lnwatch.simulator.scenario.verdict import Caught, Verdict

_LIMIT = 1_000


def _place(path: Path | None) -> Path | None:
    """A file that can be written once all is over, as can be told now: that is many minutes later."""
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        raise typer.BadParameter(f"{path} can't be written: give a file in a folder that is there")
    return path


def simulate(
    scenario: Annotated[
        str,
        typer.Option("--scenario", metavar="FILE", help="A file, the name of one that comes with lnwatch, or `all`."),
    ],
    list_events: Annotated[  # noqa: FBT002 - how the library takes a flag
        bool, typer.Option("--list-events", help="Print what happens in it and the truth, no daemon.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="OUT.json", callback=_place, help="Write the verdicts as JSON."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="How many of several run side by side: as many as there are processors.")
    ] = None,
) -> None:
    """Run a daemon through a scenario, and say what it caught, missed and made up.

    Ends with 1 where the daemon did not do as the truth has it.
    """
    with simulator():
        from lnwatch.simulator.scenario import Scenario, shipped  # noqa: PLC0415 - the other verbs do without
        from lnwatch.simulator.scenario.alone import events  # noqa: PLC0415 - likewise

    known = shipped()
    chosen = known if scenario == "all" else {Path(scenario).stem: known.get(scenario, Path(scenario))}
    read = {name: Scenario.read(path, _rules()) for name, path in chosen.items()}
    if list_events:
        for each in read.values():
            for line in events(each):
                say(line)
        return
    verdicts = _all(read, jobs or os.cpu_count() or 1)
    _show(verdicts)
    if report is not None:
        write_file(report, json.dumps({name: each.document() for name, each in verdicts.items()}, indent=2) + "\n")
    if not all(each.well for each in verdicts.values()):
        raise typer.Exit(1)


def _rules() -> frozenset[str]:
    return frozenset(rule.id for rule in discover(rules, "RULE", Rule).values())


def _all(scenarios: "dict[str, Scenario]", jobs: int) -> "dict[str, Verdict]":
    """The verdict of each, side by side in processes of their own; the longest begin first."""
    if len(scenarios) == 1:
        ((name, alone),) = scenarios.items()
        complain(f"{name}: {alone.about}")
        return {name: _run(alone)}
    fresh = multiprocessing.get_context("forkserver")
    fresh.set_forkserver_preload(["lnwatch.app", "lnwatch.cli.simulate", "lnwatch.simulator.scenario.run"])
    verdicts: dict[str, Verdict] = {}
    with ProcessPoolExecutor(min(jobs, len(scenarios)), fresh, max_tasks_per_child=1) as processes:
        longest = sorted(scenarios, key=lambda name: -scenarios[name].lasts)
        names = {processes.submit(_run, scenarios[name]): name for name in longest}
        for ended in as_completed(names):
            name = names[ended]
            verdicts[name] = verdict_of(ended)
            complain(f"{name}: {_word(verdicts[name])}: {scenarios[name].about}")
    return dict(sorted(verdicts.items()))


def verdict_of(ended: "Future[Verdict]") -> "Verdict":
    """What a process found, also where it was killed, with all that were still to come: the others' stand."""
    from lnwatch.simulator.scenario.verdict import broken  # noqa: PLC0415 - as above

    try:
        return ended.result()
    except BrokenProcessPool as error:
        return broken(f"not run to its end: {error}")


def _run(scenario: "Scenario") -> "Verdict":
    from lnwatch.simulator.demo.house import House  # noqa: PLC0415 - as above
    from lnwatch.simulator.ports import free_port  # noqa: PLC0415 - likewise
    from lnwatch.simulator.scenario.run import Run, ScenarioError, play  # noqa: PLC0415 - likewise
    from lnwatch.simulator.scenario.verdict import broken  # noqa: PLC0415 - likewise

    with tempfile.TemporaryDirectory(prefix="lnwatch-scenario-") as folder:
        try:
            return play(
                scenario, Run(House(Path(folder), free_port(), 0), _watch, _watch_inside, _cases, _ask, _rules())
            )
        except ScenarioError as error:
            return broken(str(error))


async def _watch(config: Path, clock: Clock) -> None:
    from lnwatch.app import run  # noqa: PLC0415 - every room: the other verbs do without

    logging.configure(logging.LogSettings(level="error"))
    await run(load(config, os.environ), clock)


async def _watch_inside(config: Path, clock: Clock, indoors: "Indoors", grain: float) -> None:
    from lnwatch.app import run_inside  # noqa: PLC0415 - likewise
    from lnwatch.simulator.indoors import CoarseClock  # noqa: PLC0415 - likewise

    logging.configure(logging.LogSettings(level="error"))
    loaded = load(config, os.environ)
    show = partial(indoors.show, loaded.web.port)
    await run_inside(loaded, CoarseClock(clock, grain), Door(clock=clock, inside=indoors), show, grain)


async def _cases(config: Path, clock: Clock, since: float) -> Sequence[Case]:
    """What was opened; the daemon is not there any more."""
    loaded = load(config, os.environ)
    ledger = await open_ledger(loaded.ledger, loaded.data_dir, clock)
    try:
        return await ledger.cases_between(since, clock.now(), _LIMIT)
    finally:
        await ledger.close()


async def _ask(config: Path, clock: Clock, kind: str, body: Mapping[str, object]) -> None:
    """The daemon is in this very process: it is there."""
    loaded = load(config, os.environ)
    ledger = await visit_ledger(loaded.ledger, loaded.data_dir, clock)
    try:
        await ledger.inbox_put(kind, body, clock.now())
    finally:
        await ledger.close()


def _show(verdicts: "dict[str, Verdict]") -> None:
    rows = []
    for name, each in verdicts.items():
        ended = [f"{one.ended:.0f} s" for one in each.caught if one.ended is not None]
        wrong = [*each.false, *(f"{rule} was not silent" for rule in each.loud)]
        wrong += [f"{rule} is called covered" for rule in each.covered]
        wrong += [f"{rule} was told again" for rule in each.again]
        wrong += [f"{rule} paged" for rule in each.paged if not each.may_page]
        wrong += each.off
        told = sum(number for kind, number in each.messages.items() if kind != "shop")
        rows.append(
            (
                name,
                _word(each),
                each.broken or "; ".join(map(_caught, each.caught)) or "-",
                ", ".join(ended) or "-",
                "; ".join(wrong) or "-",
                str(each.pages),
                str(told),
            )
        )
    say_table(("scenario", "verdict", "caught", "ended after", "false", "pages", "messages"), rows)


def _word(verdict: "Verdict") -> str:
    return "well" if verdict.well else "NOT WELL"


def _caught(one: "Caught") -> str:
    if not one.built:
        return f"no rule yet: {one.rule}"
    when = "missed" if one.opened is None else f"after {one.opened:.0f} s"
    return f"{one.rule} {when} of {one.within:.0f} s" + (f", not told to {', '.join(one.untold)}" if one.untold else "")

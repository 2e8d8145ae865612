"""`lnwatch demo`: a simulated merchant with a daemon beside it, and incidents at will."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

from lnwatch.cli.options import seconds
from lnwatch.cli.output import hush, say, say_table
from lnwatch.errors import LnwatchError

Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where everything of the demo is kept.")]
_FOLDER = Path("lnwatch-demo")

app = typer.Typer(
    help="A simulated merchant with three shops, and lnwatch beside it. Needs no node and no account.",
    invoke_without_command=True,
)


class MissingError(LnwatchError):
    """Something that the simulator needs is not installed."""


@contextmanager
def simulator() -> Iterator[None]:
    """Import what belongs to the simulator, which needs more than the daemon does. Raises MissingError."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingError(f"the simulator needs the package {error.name}: pip install {error.name}") from error


@app.callback()
def demo(
    context: typer.Context,
    folder: Folder = _FOLDER,
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Of lnwatch's page.")] = 8_735,
    desk_port: Annotated[int, typer.Option(min=1, max=65_535, help="Of the demo's own page.")] = 8_736,
    days: Annotated[int, typer.Option(min=1, max=90, help="How much of a past there is.")] = 30,
) -> None:
    """Run the demo until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    with simulator():
        from lnwatch.simulator.demo.house import House  # noqa: PLC0415 - the other verbs do without the simulator
        from lnwatch.simulator.demo.show import show  # noqa: PLC0415 - likewise
    show(House(folder.absolute(), port, desk_port, "main"), days, _say_at_once, _commands(folder))


def _say_at_once(line: str) -> None:
    try:
        say(line)
        sys.stdout.flush()  # whoever reads it through a pipe waits for it
    except OSError as error:
        hush(error)
        signal.raise_signal(signal.SIGTERM)  # nobody looks on: it ends as by Ctrl-C


def _commands(folder: Path) -> tuple[str, ...]:
    """What to try from another shell, which need not have us on its path."""
    ours = Path(sys.executable).with_name("lnwatch")
    lnwatch = _near(ours) if ours.exists() else f"{_near(Path(sys.executable))} -m lnwatch"
    option = "" if folder == _FOLDER else f" --folder {_near(folder)}"
    return (
        f"cd {shlex.quote(str(Path.cwd()))}",
        f"{lnwatch} demo incident{option}   # lists what can go wrong",
        f"{lnwatch} demo incident lnd-locked{option}",
        f"{lnwatch} cases --config {_near(folder / 'lnwatch.toml')}",
        f"{lnwatch} kpi --config {_near(folder / 'lnwatch.toml')}",
    )


def _near(path: Path) -> str:
    """As it is called from the folder that we were started in."""
    here, there = Path.cwd(), path.absolute()
    return shlex.quote(str(there.relative_to(here) if there.is_relative_to(here) else there))


@app.command()
def incident(
    name: Annotated[str, typer.Argument(help="Which one; without it all of them are listed.")] = "",
    lasts: Annotated[str, typer.Option("--for", help="How long it lasts.")] = "3m",
    folder: Folder = _FOLDER,
) -> None:
    """Let something go wrong in the demo that runs."""
    with simulator():
        from lnwatch.simulator.demo.house import DemoError, running  # noqa: PLC0415 - as above
        from lnwatch.simulator.demo.incidents import INCIDENTS  # noqa: PLC0415 - likewise

    if not name:
        say_table(
            ("incident", "what happens", "opens"), [(n, e.sentence, ", ".join(e.rules)) for n, e in INCIDENTS.items()]
        )
        return
    if name not in INCIDENTS:
        raise typer.BadParameter(f"there is no incident {name}: choose among {', '.join(INCIDENTS)}")
    duration = seconds(lasts)
    where = running(folder.absolute())
    try:
        answer = httpx.post(f"{where['desk']}/incidents/{name}", data={"seconds": str(duration)}, timeout=10)
    except httpx.HTTPError as error:
        raise DemoError(f"the demo does not answer at {where['desk']}: {error}") from error
    if not answer.is_success:
        raise DemoError(str(answer.json()["error"]))
    chosen = INCIDENTS[name]
    say(f"{chosen.sentence}, for {duration:.0f} seconds")
    say(
        f"look for {', '.join(chosen.rules)} at {where['page']} and {where['page']}/metrics, "
        f"and for what is told at {where['desk']}"
    )

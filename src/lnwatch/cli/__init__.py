"""The command `lnwatch`: one module per verb, each parses, calls and prints."""

from typing import Annotated

import typer

from lnwatch import __version__, log
from lnwatch.cli import check, config, db, init, run
from lnwatch.cli.options import help_alone
from lnwatch.cli.output import say
from lnwatch.cli.shell import Shell

app = typer.Typer(
    name="lnwatch",
    cls=Shell,
    help="The operations desk of a merchant who takes Bitcoin with their own stack.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # it would print local variables, and so secrets
)


def _version(asked: bool) -> None:  # noqa: FBT001 - how the library calls back
    if asked:
        say(f"lnwatch {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,  # noqa: FBT002 - how the library takes a flag
) -> None:
    log.configure(log.LogSettings(level="warning"))  # stdout is for what a verb prints; `run` has its own settings
    help_alone(context)


@app.command()
def version() -> None:
    """Print the version."""
    _version(asked=True)


app.command()(run.run)
app.command()(init.init)
app.command()(config.config)
app.command()(check.check)
app.add_typer(db.app, name="db")


def main() -> None:
    """The entry point of the command."""
    app(prog_name="lnwatch")

"""The command `lnwatch`: one module per verb, each parses, calls and prints."""

import gc
from typing import Annotated

import typer

from lnwatch import __version__, log
from lnwatch.cli import (
    alerts,
    cases,
    casework,
    check,
    config,
    coverage,
    db,
    demo,
    init,
    kpi,
    notify,
    orders,
    proposals,
    run,
    silences,
    simulate,
    webhook,
)
from lnwatch.cli.options import help_alone
from lnwatch.cli.output import say
from lnwatch.cli.shell import Shell

app = typer.Typer(
    name="lnwatch",
    cls=Shell,
    help="The operations desk of a merchant who takes Bitcoin with their own stack.\n\n"
    "Ends with 0 where it did what was asked, with 1 where something else is to be mended first, with 2 where the "
    "configuration or the command is wrong; what is wrong stands in one line on stderr.",
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
app.command()(cases.cases)
app.command()(cases.case)
app.command()(casework.ack)
app.command()(casework.snooze)
app.command()(casework.close)
app.add_typer(silences.silence, name="silence")
app.add_typer(silences.maintenance, name="maintenance")
app.command()(coverage.coverage)
app.command()(kpi.kpi)
app.command()(orders.order)
app.command()(orders.exceptions)
app.command()(proposals.proposals)
app.command()(proposals.proposal)
app.command()(proposals.approve)
app.command()(proposals.reject)
app.command(name="kill-switch")(proposals.kill_switch)
app.command()(proposals.journal)
app.add_typer(alerts.app, name="alerts")
app.add_typer(notify.app, name="notify")
app.add_typer(webhook.app, name="webhook")
app.add_typer(db.app, name="db")
app.add_typer(demo.app, name="demo")
app.command()(simulate.simulate)


def main() -> None:
    """The entry point of the command."""
    gc.freeze()  # what was imported stays to the end, which need not look through all of it once more
    app(prog_name="lnwatch")

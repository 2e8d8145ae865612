"""The command `lnwatch`, inside this process and as one of its own."""

import subprocess
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from lnwatch import log
from lnwatch.cli import app
from tests.forks import COMMAND

RUNNER = CliRunner()


def invoke(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    """Run it here; what is no exit is raised."""
    try:
        return RUNNER.invoke(app, list(arguments), env=env, catch_exceptions=False)
    finally:
        log.configure()  # the runner's streams are closed by now


def spawn(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a process, with its own exit status and streams."""
    return COMMAND.run(arguments, env=env)

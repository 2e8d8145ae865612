"""The command `lnwatch`, inside this process and as one of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from lnwatch import log
from lnwatch.cli import app

RUNNER = CliRunner()


def invoke(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    """Run it here; what is no exit is raised."""
    try:
        return RUNNER.invoke(app, list(arguments), env=env, catch_exceptions=False)
    finally:
        log.configure()  # the runner's streams are closed by now


def spawn(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a process, with its own exit status and streams."""
    command = [sys.executable, "-m", "lnwatch", *arguments]
    return subprocess.run(
        command, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=60, check=False
    )

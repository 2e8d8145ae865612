"""How every verb ends: expected failures are one line each on stderr and a status, never a traceback."""

import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from lnwatch.cli.output import complain, hush
from lnwatch.errors import ConfigError, LnwatchError

MEND = 1  # something outside is to be mended
CONFIGURATION = 2  # nothing was started: the configuration, or the command itself, is wrong


class Shell(TyperGroup):
    """The command with its verbs. Exit statuses: 0, 1 (something to mend), 2 (configuration or usage)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - the signature of the library
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - likewise
        **extra: Any,  # noqa: ANN401 - likewise
    ) -> Any:  # noqa: ANN401 - likewise
        """Run a verb and leave with its status."""
        try:
            status = super().main(
                args, prog_name, complete_var, standalone_mode=False, windows_expand_args=windows_expand_args, **extra
            )
        except typer.TyperException as error:
            complain(f"lnwatch: {error.format_message()}")
            status = error.exit_code
        except typer.Abort:
            complain("lnwatch: stopped; nothing was changed")
            status = MEND
        except ConfigError as error:
            complain(*(str(problem) for problem in error.problems))
            status = CONFIGURATION
        except LnwatchError as error:
            complain(f"lnwatch: {error}")
            status = MEND
        if not standalone_mode:
            return status
        _flush()
        sys.exit(status)


def _flush() -> None:
    """Write out what is left, quietly where the reader has left early, as `head` does."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush()

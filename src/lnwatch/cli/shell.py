"""How every verb ends: expected failures are one line each on stderr and a status, never a traceback."""

import errno
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
        except OSError as error:
            status = _unprinted(error)
        if not standalone_mode:
            return status
        sys.exit(_flush() or status)


def _flush() -> int:
    """Write out what is left, quietly where the reader has left early, as `head` does. Returns 0, or the status."""
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        hush(error)
    except OSError as error:
        return _unprinted(error)
    return 0


def _unprinted(error: OSError) -> int:
    """Of all troubles only that the disk is full to which stdout leads: whatever else gets here is a bug."""
    if error.errno != errno.ENOSPC:
        raise error
    hush(error)
    return MEND

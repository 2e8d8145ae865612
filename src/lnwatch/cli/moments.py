"""Instants and lengths of time on the command line."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from lnwatch.cli.options import seconds
from lnwatch.domain.wording import moment

For = Annotated[
    float | None, typer.Option("--for", parser=seconds, metavar="DURATION", help="How long, such as `2h` or `1h30m`.")
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Its end instead, such as `2026-01-31T18:00`; in UTC unless it says."),
]


def instant(text: str, flag: str) -> float:
    """Epoch seconds of `2026-01-31T12:00`, in UTC unless it says."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        message = "write a date or a time, such as `2026-01-31` or `2026-01-31T18:00`"
        raise typer.BadParameter(message, param_hint=flag) from error


def end_of(start: float, length: float | None, until: str | None, now: float) -> float:
    """Where something ends that begins at `start`, by the one of the two that is given."""
    flags = "--for, --until"
    if (length is None) == (until is None):
        raise typer.BadParameter("give one of the two", param_hint=flags)
    end = start + length if length is not None else instant(until or "", "--until")
    try:
        told = moment(end)
    except (ValueError, OverflowError, OSError) as error:
        raise typer.BadParameter("is too far away", param_hint=flags) from error
    if end <= max(start, now):
        which = "is past" if end <= now else "is not after the beginning"
        raise typer.BadParameter(f"the end, {told}, {which}", param_hint=flags)
    return end

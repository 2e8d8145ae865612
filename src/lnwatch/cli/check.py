"""`lnwatch check`: look at every source once, at the channels of delivery too, and tell what is to be mended."""

import asyncio
import os
from dataclasses import asdict
from itertools import groupby
from typing import Annotated, Any

import typer

from lnwatch.cli.inspection import Inspected, Inspection, inspect, lifetime_left
from lnwatch.cli.options import AsJson, ConfigFile, seconds
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.shell import MEND
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.redaction import redact, scrub
from lnwatch.sources import Scope

_HEADS = ("source", "kind", "reachable", "state", "version", "credential", "TLS left", "clock", "network", "synced")
_SCOPES = {
    Scope.ENOUGH: "enough",
    Scope.TOO_LITTLE: "too little",
    Scope.TOO_MUCH: "too much",
    Scope.UNKNOWN: "-",
}
_UNKNOWN = "-"
_TIMEOUT = 30.0  # seconds
_HELP = "For all sources together, 30s by default."


def check(
    config: ConfigFile = None,
    timeout: Annotated[float | None, typer.Option(parser=seconds, metavar="DURATION", help=_HELP)] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Try every source once, side by side, and tell who would be told of what.

    Reachable, state, version, rights of the credential, certificate, clock, chain and sync. Nothing is sent to
    anybody: that is for `lnwatch notify test`. Ends with 0 where all is well, 1 where something is to be mended,
    2 where the configuration is wrong.
    """
    clock = SystemClock()
    found = asyncio.run(inspect(load(config, os.environ), clock, timeout or _TIMEOUT))
    if as_json:
        say_json(scrub(_document(found)))
    else:
        _show(found, clock.now())
    if found.problems:
        raise typer.Exit(MEND)


def _show(found: Inspection, now: float) -> None:
    for site, of_site in groupby(found.inspected, key=lambda each: each.source.site):
        say_table(_HEADS, [_row(each, now) for each in of_site], title=f"site {site}")
        say()
    if found.channels:
        told = [(each.slug, each.kind.kind, ", ".join(gets) or "nothing") for each, gets in found.channels]
        say_table(("channel", "kind", "gets"), told, title="channels of delivery")
        say()
    for heading, sentences in (("problem", found.problems), ("warning", found.warnings), ("note", found.notes)):
        for sentence in sentences:
            say(f"{heading}: {redact(sentence)}")
    if not found.problems:
        say("nothing to mend")


def _row(each: Inspected, now: float) -> tuple[str, ...]:
    checkup = each.checkup
    support = " (untested)" if checkup.supported is False else ""
    return (
        each.source.slug,
        each.source.kind.kind,
        _yes(checkup.reachable),
        checkup.state,
        f"{redact(checkup.version)}{support}" or _UNKNOWN,
        _SCOPES[checkup.scope],
        lifetime_left(checkup, now) or _UNKNOWN,
        f"{checkup.clock_offset:+.1f} s" if checkup.clock_offset is not None else _UNKNOWN,
        checkup.network or _UNKNOWN,
        _yes(checkup.synced),
    )


def _yes(value: bool | None) -> str:  # noqa: FBT001 - it is the value to be told
    if value is None:
        return _UNKNOWN
    return "yes" if value else "no"


def _document(found: Inspection) -> dict[str, Any]:
    return {
        "ok": not found.problems,
        "sources": [_source(each) for each in found.inspected],
        "channels": [{"channel": each.slug, "kind": each.kind.kind, "gets": gets} for each, gets in found.channels],
        "problems": found.problems,
        "warnings": found.warnings,
        "notes": found.notes,
    }


def _source(each: Inspected) -> dict[str, Any]:
    facts = asdict(each.checkup)
    facts["missing"] = [{"permission": permission, "cost": cost} for permission, cost in each.checkup.missing]
    return {"site": each.source.site, "source": each.source.slug, "kind": each.source.kind.kind, **facts}

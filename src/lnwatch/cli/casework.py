"""`lnwatch ack`, `snooze` and `close`: what people do with a case; the daemon does it and answers.

JSON: {"id", "site", "rule", "subject", "number", "state"} as the case is now, after `snooze` with
"snoozed_until" in seconds since 1970.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from lnwatch.cli.cases import find
from lnwatch.cli.moments import For, Until, end_of
from lnwatch.cli.naming import By, CaseName, own_name, title
from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json
from lnwatch.cli.visit import visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.domain.wording import moment
from lnwatch.model.case import Fingerprint, short_id
from lnwatch.redaction import redact

Note = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="What the others should know.")]


def ack(case: CaseName, note: Note = "", by: By = None, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Say that you are at it.

    It is told again only when it gets worse or ends. Ends with 1, and nothing is changed, where the daemon
    does not run, is silent or refuses.
    """
    named, answer = asyncio.run(_ask(config, "ack", case, {"actor": by or own_name(), "note": note}))
    _tell(named, answer, as_json=as_json)


def snooze(  # noqa: PLR0913, PLR0917 - the library makes a flag of each
    case: CaseName,
    length: For = None,
    until: Until = None,
    note: Note = "",
    by: By = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Put it off for a while.

    If it still lasts then, it is told again. Ends with 1, and nothing is changed, where the daemon does not
    run, is silent or refuses.
    """
    now = SystemClock().now()
    body = {"actor": by or own_name(), "note": note, "until": end_of(now, length, until, now)}
    named, answer = asyncio.run(_ask(config, "snooze", case, body))
    _tell(named, answer, as_json=as_json)


def close(
    case: CaseName,
    reason: Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why it is done.")],
    by: By = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Say that it is done.

    It stays closed while the evidence is unchanged. Ends with 1, and nothing is changed, where the daemon
    does not run, is silent or refuses.
    """
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    named, answer = asyncio.run(_ask(config, "close", case, {"actor": by or own_name(), "note": reason}))
    _tell(named, answer, as_json=as_json)


async def _ask(
    config: Path | None, kind: str, words: Sequence[str], body: Mapping[str, object]
) -> tuple[Fingerprint, Mapping[str, object]]:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        named = (await find(visit, words)).fingerprint
        key = {"site": named.site, "rule": named.rule, "subject": named.subject}
        return named, await visit.ask(kind, {**key, **body})


def _tell(named: Fingerprint, answer: Mapping[str, object], *, as_json: bool) -> None:
    state, until = str(answer["state"]), answer.get("until")
    if not as_json:
        told = f" until {moment(until)}" if isinstance(until, int | float) else ""
        say(f"{redact(title(named))}: {state}{told}")
        return
    key = {"id": short_id(named), "site": named.site, "rule": named.rule, "subject": redact(named.subject)}
    stands = {"number": answer["opening"], "state": state}
    say_json(key | stands | ({"snoozed_until": until} if until is not None else {}))

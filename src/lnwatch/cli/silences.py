"""`lnwatch silence` and `lnwatch maintenance`: what is not told for a while, by whom, why and until when.

JSON, times in seconds since 1970:

    list  {"silences": [SILENCE, …], "daemon_runs": true | false | null where it can't be told}
    add   SILENCE with "overlaps": [the ids of those of its kind that it overlaps with]
    end   {"id", "ended": true}

    SILENCE  {"id", "kind": "silence" | "maintenance", "author", "reason", "starts_at", "ends_at",
              "site", "rule", "subject", "owner", "severity"}, the last five globs
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from lnwatch.cli.matchers import FIELDS, check_matchers, given
from lnwatch.cli.moments import For, Until, end_of, instant
from lnwatch.cli.naming import By, own_name
from lnwatch.cli.options import AsJson, ConfigFile, help_alone
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.config.nearest import nearest
from lnwatch.domain.wording import duration, moment
from lnwatch.errors import InboxError
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.redaction import redact

_NOUNS = {SilenceKind.SILENCE: "silence", SilenceKind.MAINTENANCE: "maintenance window"}

_Reason = Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why.")]
_From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Its beginning; otherwise now.")]


def _glob(text: str) -> Any:  # noqa: ANN401 - as the library has it
    return typer.Option(metavar="GLOB", help=text, show_default=False)


_Site = Annotated[str | None, _glob("Of these sites; `lnwatch` is the daemon itself.")]
_Rule = Annotated[str | None, _glob("Of these rules.")]
_Subject = Annotated[str | None, _glob("About these subjects, such as `node:ln1` or `path:*`.")]
_Owner = Annotated[str | None, _glob("For these owners.")]
_Severity = Annotated[str | None, _glob("Of these severities.")]


def verbs(kind: SilenceKind, words: str) -> typer.Typer:
    """The command of one kind, with its verbs."""
    app = typer.Typer(help=words, rich_markup_mode=None, invoke_without_command=True)
    app.callback()(help_alone)
    for make in (_adding, _listing, _ending):
        make(app, kind)
    return app


def _adding(app: typer.Typer, kind: SilenceKind) -> None:
    @app.command()
    def add(  # noqa: PLR0913, PLR0917 - the library makes a flag of each
        reason: _Reason,
        length: For = None,
        until: Until = None,
        start: _From = None,
        site: _Site = None,
        rule: _Rule = None,
        subject: _Subject = None,
        owner: _Owner = None,
        severity: _Severity = None,
        by: By = None,
        config: ConfigFile = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        """Tell nobody of what fits all the globs, until its end.

        Cases open and resolve as ever. Ends with 1, and nothing is changed, where the daemon does not run,
        is silent or refuses.
        """
        now = SystemClock().now()
        begin = instant(start, "--from") if start is not None else now
        end, author = end_of(begin, length, until, now), by or own_name()
        globs = {"site": site, "rule": rule, "subject": subject, "owner": owner, "severity": severity}
        wanted = Silence("", kind, author, reason, begin, end, **given(globs))
        put, overlaps, known = asyncio.run(_add(config, wanted))
        if as_json:
            say_json({**_document(put), "overlaps": overlaps})
            return
        say(f"{_NOUNS[kind]} {put.id} {_span(put)}, {duration(end - begin)}: {_what(put)}")
        for each in overlaps:
            say(f"note: it overlaps with {each}{_about(each, known)}")


def _listing(app: typer.Typer, kind: SilenceKind) -> None:
    @app.command(name="list")
    def show(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
        """List what is in force or still to come."""
        found, runs = asyncio.run(_list(config, kind))
        if as_json:
            say_json({"silences": [_document(each) for each in found], "daemon_runs": runs})
        elif found:
            say_table(("id", "from", "to", "what", "by"), [_row(each) for each in found])
        else:
            say(f"no {_NOUNS[kind]}")


def _ending(app: typer.Typer, kind: SilenceKind) -> None:
    @app.command()
    def end(
        identity: Annotated[str, typer.Argument(metavar="ID", help="As `list` shows it.", show_default=False)],
        by: By = None,
        config: ConfigFile = None,
        *,
        as_json: AsJson = False,
    ) -> None:
        """End one before its time.

        What it kept back is told now, where it lasts. Ends with 1, and nothing is changed, where the daemon
        does not run, is silent or refuses.
        """
        asyncio.run(_end(config, kind, identity, by or own_name()))
        if as_json:
            say_json({"id": identity, "ended": True})
        else:
            say(f"{_NOUNS[kind]} {identity} ended")


silence = verbs(SilenceKind.SILENCE, "Keep quiet about something for a while.")
maintenance = verbs(SilenceKind.MAINTENANCE, "Announce work: it is not told, and counts as no downtime.")


async def _add(config: Path | None, wanted: Silence) -> tuple[Silence, list[str], Sequence[Silence]]:
    loaded, clock = load(config, os.environ), SystemClock()
    check_matchers(wanted, loaded)
    body = asdict(wanted)
    del body["id"]  # the daemon gives it one
    async with visiting(loaded, clock) as visit:
        answer = await visit.ask("silence", body)
        overlaps = answer["overlaps"]
        known = await visit.ledger.silences(clock.now())
    return replace(wanted, id=str(answer["id"])), overlaps if isinstance(overlaps, list) else [], known


async def _list(config: Path | None, kind: SilenceKind) -> tuple[list[Silence], bool | None]:
    clock = SystemClock()
    async with visiting(load(config, os.environ), clock) as visit:
        found = await visit.ledger.silences(clock.now())
        return [each for each in found if each.kind is kind], await visit.note_absence()


async def _end(config: Path | None, kind: SilenceKind, identity: str, actor: str) -> None:
    clock = SystemClock()
    async with visiting(load(config, os.environ), clock) as visit:
        lasting = [each.id for each in await visit.ledger.silences(clock.now()) if each.kind is kind]
        ended = identity in lasting and (await visit.ask("end_silence", {"id": identity, "actor": actor}))["ended"]
    if not ended:
        close = nearest(identity, lasting)
        remedy = f"did you mean `{close}`?" if close is not None else f"`lnwatch {kind} list` tells which do"
        raise InboxError(f"no {_NOUNS[kind]} `{identity}` lasts; {remedy}")


def _document(silence: Silence) -> dict[str, object]:
    return asdict(silence) | {"author": redact(silence.author), "reason": redact(silence.reason)}


def _row(silence: Silence) -> tuple[str, ...]:
    by = f"{redact(silence.author)}: {redact(silence.reason)}"
    return silence.id, moment(silence.starts_at), moment(silence.ends_at), _what(silence), by


def _about(identity: str, known: Sequence[Silence]) -> str:
    """Whose it is, where the ledger still tells."""
    return "".join(
        f", {_span(each)}, by {redact(each.author)}: {redact(each.reason)}" for each in known if each.id == identity
    )


def _span(silence: Silence) -> str:
    return f"from {moment(silence.starts_at)} to {moment(silence.ends_at)}"


def _what(silence: Silence) -> str:
    globs = ((name, getattr(silence, name)) for name in FIELDS)
    return ", ".join(f"{name} {glob}" for name, glob in globs if glob != "*") or "everything"

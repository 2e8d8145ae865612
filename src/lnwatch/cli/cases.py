"""`lnwatch cases` and `case`: what is wrong, since when, and what was done and told about it.

JSON, times in seconds since 1970 or null:

    cases  {"cases": [CASE, …], "daemon_runs": true | false | null where it can't be told}
    case   CASE with "facts": {…}, "history": [{"number", "at", "reason", "transition", "state", "severity",
           "sentence", "actor", "note"}, …], "messages": [{"channel", "number", "transition", "at", "status",
           "tries", "not_before", "sent_at", "failure", "words"}, …] and "daemon_runs"

    CASE   {"id", "site", "rule", "subject", "number", "state", "severity", "owner", "sentence", "found_at",
           "seen_at", "opened_at", "ended_at", "snoozed_until", "actor", "note", "runbook_url", "case_url"}
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Annotated

import typer

from lnwatch.cli.naming import CaseName, not_found, pick, title
from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import Visit, visiting
from lnwatch.clock import SystemClock
from lnwatch.config import Config, load
from lnwatch.config.nearest import instead
from lnwatch.config.schema import RESERVED
from lnwatch.domain.wording import count, duration, moment
from lnwatch.model.case import LIVING, Case, CaseState, short_id
from lnwatch.model.message import case_url, runbook_url
from lnwatch.model.rule import Severity
from lnwatch.redaction import redact, scrub
from lnwatch.store import CaseMessage, CaseRecord, HistoryStep

_RECENT = 7 * 86_400.0  # seconds since a case ended
_HEADS = ("id", "severity", "state", "age", "what")


def cases(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is pending, was closed, or ended within a week.")
    ] = False,
    site: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of one site; `lnwatch` is the daemon itself.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the open cases, the worst first.

    Acknowledged and snoozed ones are open too. Ends with 0 whether there are any or not.
    """
    loaded = load(config, os.environ)
    if site is not None and site not in (sites := [*loaded.sites, RESERVED]):
        raise typer.BadParameter(f"there is no site `{site}`; {instead(site, sites)}", param_hint="--site")
    clock = SystemClock()
    now = clock.now()

    async def look() -> tuple[list[Case], bool | None]:
        async with visiting(loaded, clock) as visit:
            found = await visit.ledger.cases(now - _RECENT if everything else now)
            return [case for case in found if _wanted(case, site, everything=everything)], await visit.note_absence()

    found, runs = asyncio.run(look())
    if as_json:
        say_json({"cases": [document(case, loaded) for case in _sorted(found)], "daemon_runs": runs})
    else:
        _show(found, now)


def case(case: CaseName, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Show one case: findings, decisions, messages.

    Ends with 1 where there is no such case.
    """
    loaded = load(config, os.environ)
    clock = SystemClock()

    async def look() -> tuple[Case, CaseRecord | None, bool | None]:
        async with visiting(loaded, clock) as visit:
            named = await find(visit, case)
            return named, await visit.ledger.case(named.fingerprint), await visit.note_absence()

    named, record, runs = asyncio.run(look())
    history, messages = (record.history, record.messages) if record is not None else ((), ())
    if as_json:
        told = {
            **document(named, loaded),
            "facts": scrub(named.facts),
            "history": [scrub(asdict(step)) for step in history],
            "messages": [scrub(_message(message)) for message in messages],
            "daemon_runs": runs,
        }
        say_json(told)
        return
    _describe(named, loaded, clock.now())
    _show_history(history)
    _show_messages(messages)


async def find(visit: Visit, words: Sequence[str]) -> Case:
    """The case that is named so: one that lasts, else one that ended. Raises InboxError where there is none."""
    lasting = await visit.ledger.cases(visit.clock.now())
    if (found := pick(words, lasting)) is not None:
        return found
    known = await visit.ledger.cases(0.0)
    if (found := pick(words, known)) is not None:
        return found
    raise not_found(words, lasting or known)


def document(case: Case, config: Config) -> dict[str, object]:
    """A case for programs, in the shape that stands above."""
    named, base = case.fingerprint, config.web.link_base
    return {
        "id": short_id(named),
        "site": named.site,
        "rule": named.rule,
        "subject": redact(named.subject),
        "number": case.number,
        "state": case.state,
        "severity": case.severity,
        "owner": case.owner,
        "sentence": redact(case.sentence),
        "found_at": case.found_at,
        "seen_at": case.seen_at,
        "opened_at": case.opened_at,
        "ended_at": case.ended_at,
        "snoozed_until": case.snoozed_until,
        "actor": redact(case.actor),
        "note": redact(case.note),
        "runbook_url": runbook_url(base, named.rule),
        "case_url": case_url(base, named),
    }


def _wanted(case: Case, site: str | None, *, everything: bool) -> bool:
    return (everything or case.state in LIVING) and site in (None, case.fingerprint.site)


def _sorted(cases: Iterable[Case]) -> list[Case]:
    """By site; within it what lasts first, the worst first, the oldest first."""

    def rank(case: Case) -> tuple[object, ...]:
        named = case.fingerprint
        over = case.state not in LIVING | {CaseState.PENDING}
        return named.site, over, -case.severity.rank, _begin(case), named.rule, named.subject

    return sorted(cases, key=rank)


def _begin(case: Case) -> float:
    return case.opened_at if case.opened_at is not None else case.found_at


def _show(cases: Iterable[Case], now: float) -> None:
    found = _sorted(cases)
    for site, of_site in groupby(found, key=lambda case: case.fingerprint.site):
        say_table(_HEADS, [_row(case, now) for case in of_site], title=f"site {site}")
        say()
    living = [case for case in found if case.state in LIVING]
    critical = sum(case.severity is Severity.CRITICAL for case in living)
    say(f"{count(len(living), 'open case')}, {critical} critical" if living else "no open case")


def _row(case: Case, now: float) -> tuple[str, ...]:
    what = f"{case.fingerprint.rule}: {redact(case.sentence)}"
    return short_id(case.fingerprint), case.severity, case.state, duration(now - _begin(case)), what


def _describe(case: Case, config: Config, now: float) -> None:
    document_ = document(case, config)
    say(redact(title(case.fingerprint)))
    until = f" until {moment(case.snoozed_until)}" if case.snoozed_until is not None else ""
    by = f" by {document_['actor']}" if case.actor else ""
    note = f": {document_['note']}" if case.note else ""
    say(f"{case.severity} for {case.owner}, {case.state}{until}{by}{note}")
    say(f"{document_['sentence']}")
    for name, value in case.facts.items():
        say(f"  {redact(name)}: {scrub(value, name)}")
    end = case.ended_at if case.ended_at is not None else now
    ended = f" to {moment(end)}" if case.ended_at is not None else ""
    say(f"from {moment(_begin(case))}{ended}, {duration(end - _begin(case))}")
    say(f"what to do: {document_['runbook_url']}")


def _show_history(history: Sequence[HistoryStep]) -> None:
    rows = [
        (moment(step.at), _words(step.transition or "-"), _words(step.reason), step.severity, _said(step))
        for step in history
    ]
    if rows:
        say()
        say_table(("at", "change", "why", "severity", "who"), rows, title="decided")


def _said(step: HistoryStep) -> str:
    return redact(": ".join(filter(None, (step.actor, step.note)))) or "-"


def _show_messages(messages: Sequence[CaseMessage]) -> None:
    rows = [
        (
            moment(message.sent_at if message.sent_at is not None else message.notice.at),
            message.channel,
            message.notice.transition,
            message.status,
            redact(message.words) or "-",
        )
        for message in messages
    ]
    if rows:
        say()
        say_table(("at", "channel", "change", "status", "words"), rows, title="told")


def _message(message: CaseMessage) -> dict[str, object]:
    return {
        "channel": message.channel,
        "number": message.notice.number,
        "transition": message.notice.transition,
        "at": message.notice.at,
        "status": message.status,
        "tries": message.tries,
        "not_before": message.not_before,
        "sent_at": message.sent_at,
        "failure": message.failure,
        "words": message.words,
    }


def _words(value: str) -> str:
    return value.replace("_", " ")

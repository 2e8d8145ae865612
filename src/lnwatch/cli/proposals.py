"""`lnwatch proposals`, `proposal`, `approve`, `reject`, `kill-switch` and `journal`: what lnwatch would do, and may.

JSON: as `lnwatch.domain.documents` writes it.
"""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lnwatch.cli.naming import By, own_name
from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import Visit, visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.domain.book import Book
from lnwatch.domain.documents import document, standing_document, switch_document
from lnwatch.domain.wording import count, moment
from lnwatch.errors import InboxError, LedgerError, LedgerTrouble
from lnwatch.executor.executor import Executor
from lnwatch.executor.requests import Requests
from lnwatch.executor.settings import BLOCK
from lnwatch.model.action import Ground, ProposalRecord, ProposalView, Standing, Verdict
from lnwatch.model.money import format_msat
from lnwatch.store.backend import backend_of
from lnwatch.store.journal import BrokenChainError

ProposalId = Annotated[str, typer.Argument(metavar="ID", help="As `lnwatch proposals` shows it.", show_default=False)]
Note = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="What the others should know.")]


class Switch(StrEnum):
    """What can be done with the kill switch."""

    ON = "on"
    OFF = "off"
    STATUS = "status"


def proposals(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """List what lnwatch would do, what keeps it from that, and why it would not do more."""
    stands = asyncio.run(_standing(config))
    if as_json:
        say_json(stands)
        return
    if stands["trouble"]:
        say(f"nothing is done: {stands['trouble']}")
    if stands["kill_switch"]["on"]:
        say(_switch_line(stands["kill_switch"]))
    rows = [(each["id"], each["site"], each["state"], _when(each["at"]), _why(each)) for each in stands["proposals"]]
    if rows:
        say_table(("id", "site", "state", "proposed", "why"), rows)
        for each in stands["proposals"]:
            say(f"{each['id']}: {each['sentence']}")
    else:
        say("nothing is proposed")
    for each in stands["nothing"]:
        say(f"{each['automation']} at {each['site']}, {each['subject']}: {each['sentence']}")


def proposal(identity: ProposalId, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Show one proposal with its exact parameters and all that became of it."""
    told = asyncio.run(_proposal(config, identity))
    if as_json:
        say_json(told)
        return
    say(f"{told['id']} {told['state']}: {told['sentence']}")
    rows = [
        ("digest", str(told["digest"])),
        ("action", f"{told['action']} by {told['automation']} at {told['site']}, {told['node']}"),
        ("subject", str(told["subject"])),
        *((name, str(text)) for name, text in told["parameters"].items()),
        ("amount", format_msat(told["amount_msat"])),
        ("fee at most", format_msat(told["fee_limit_msat"])),
        ("proposed", moment(told["at"])),
        *(
            ("approved", f"{moment(each['at'])} by {each['actor']} {each['note']}".rstrip())
            for each in told["approvals"]
        ),
    ]
    if told["intended_at"] is not None:
        rows.append(("begun", f"{moment(told['intended_at'])} by hands `{told['hands']}`"))
    if told["outcome"] is not None:
        rows.append(("outcome", f"{moment(told['ended_at'])} {told['outcome']}"))
    say_table(("what", "it is"), rows)


def approve(
    identity: ProposalId, note: Note = "", by: By = None, config: ConfigFile = None, *, as_json: AsJson = False
) -> None:
    """Allow a proposal, exactly as it is shown, once.

    Ends with 1, and nothing is changed, where the daemon does not run, is silent or refuses.
    """
    body = {"actor": by or own_name(), "note": note}
    _tell(asyncio.run(_ask(config, "approve", identity, body)), as_json=as_json)


def reject(
    identity: ProposalId,
    reason: Annotated[str, typer.Option("--reason", "-m", metavar="TEXT", help="Why it must not be done.")],
    by: By = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Forbid a proposal.

    Ends with 1, and nothing is changed, where the daemon does not run, is silent or refuses.
    """
    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    body = {"actor": by or own_name(), "note": reason}
    _tell(asyncio.run(_ask(config, "reject", identity, body)), as_json=as_json)


def kill_switch(
    what: Annotated[
        Switch,
        typer.Argument(metavar="on|off|status", help="`on` stops everything that lnwatch would do to other systems."),
    ],
    note: Note = "",
    by: By = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Stop everything that lnwatch does to other systems, or let it go on.

    It is kept in the ledger: a restart does not move it. It works without the daemon too.
    """
    body = None if what is Switch.STATUS else {"on": what is Switch.ON, "actor": by or own_name(), "note": note}
    told = asyncio.run(_switch(config, body))
    if as_json:
        say_json(told)
    else:
        say(_switch_line(told))


def journal(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Verify the journal, in which every step of what lnwatch did is chained to the one before."""
    heads = dict(asyncio.run(_book(config)).heads)
    if as_json:
        say_json({"holds": True, "rows": sum(heads.values()), "sites": heads})
    else:
        say(f"the journal holds together: {count(sum(heads.values()), 'row')}")


async def _standing(config: Path | None) -> dict[str, Any]:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        if await visit.note_absence():
            return dict(await visit.ask("proposals", {}))
        book = await _read(visit)
    old = Verdict(Ground.NOT_OFFERED, "the daemon does not run")
    open_ones = tuple(ProposalView(record, old) for record in book.open)
    return standing_document(Standing(open_ones, (), book.kill_switch))


async def _proposal(config: Path | None, identity: str) -> dict[str, Any]:
    return document(_found(await _book(config), identity))


async def _ask(config: Path | None, kind: str, identity: str, body: Mapping[str, object]) -> Mapping[str, Any]:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        record = _found(await _read(visit), identity)
        asked = {**body, "proposal": record.id, "digest": record.proposal.digest}
        return await visit.ask(kind, asked)


async def _switch(config: Path | None, body: Mapping[str, object] | None) -> Mapping[str, Any]:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        if body is None:
            return switch_document((await _read(visit)).kill_switch)
        if await visit.daemon_runs():
            return await visit.ask("kill_switch", body)
        holder = backend_of(visit.config.ledger, visit.config.data_dir)
        holder.hold()  # so that no daemon begins in the middle
        try:
            executor = Executor(visit.ledger.journal, {}, BLOCK(), visit.clock)
            return await Requests(executor).kill_switch(body)
        finally:
            holder.release()


async def _book(config: Path | None) -> Book:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        return await _read(visit)


async def _read(visit: Visit) -> Book:
    try:
        return Book().after(await visit.ledger.journal.read())
    except (BrokenChainError, ValueError) as error:
        raise LedgerError(LedgerTrouble.CORRUPT, f"the journal does not hold together: {error}") from error


def _found(book: Book, identity: str) -> ProposalRecord:
    record = book.records.get(identity)
    if record is None:
        raise InboxError(f"there is no proposal `{identity}`; `lnwatch proposals` lists those that there are")
    return record


def _tell(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(dict(told))
    else:
        say(f"{told['id']} {told['state']}: {_why(told)}")


def _why(told: Mapping[str, Any]) -> str:
    """What keeps it, or what became of it."""
    return str(told["outcome"] or told["verdict"]["words"])


def _switch_line(told: Mapping[str, Any]) -> str:
    by = f", by {told['actor']}" if told["actor"] else ""
    note = f": {told['note']}" if told["note"] else ""
    state = "on, nothing is done" if told["on"] else "off"
    return f"the kill switch is {state}{by}{note}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M")

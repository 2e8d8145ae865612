import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from lnwatch.clock import SystemClock
from lnwatch.errors import InboxError
from lnwatch.executor.requests import Requests
from lnwatch.model.action import Nothing, Offer
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.cli.commands import invoke
from tests.executor.office import MOVE, make_office

pytestmark = pytest.mark.usefixtures("standin_room")

WHY = Nothing("main", "peer_reconnect", "node:ln1", "all_online", "Every channel of node:ln1 is online.")


@pytest.fixture(autouse=True)
def _configured(folder: Path) -> None:
    Path("lnwatch.toml").write_text('data_dir = "data"\n[site.main.standin.core]\n')
    Path("data").mkdir()


async def serve(ledger: Ledger, stop: threading.Event, ready: threading.Event, offers: tuple[Offer, ...]) -> None:
    office = make_office(ledger)
    office.executor._clock = SystemClock()
    handlers = Requests(office.executor).handlers
    await office.consider(*offers)
    ready.set()
    while not stop.is_set():
        for request in await ledger.inbox_pending(10):
            try:
                answer: Any = await handlers[request.kind](request)
            except InboxError as error:
                answer = {"error": str(error)}
            await ledger.inbox_answer(request.id, answer, SystemClock().now())
        await asyncio.sleep(0.02)


@contextmanager
def daemon(*offers: Offer) -> Iterator[None]:
    """One that holds the ledger, has considered these offers, and serves what people ask of its executor."""
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        ledger = await open_ledger(LedgerSettings(), Path("data"), SystemClock())
        await serve(ledger, stop, ready, offers)
        await ledger.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(30), "it did not start"
    try:
        yield
    finally:
        stop.set()
        thread.join()


def listed() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(invoke("proposals", "--json").stdout)
    return told


def test_from_proposal_to_approval() -> None:
    """What is proposed is listed with what keeps it, shown with its exact parameters, and approved by who types."""
    with daemon(MOVE, WHY):
        result = invoke("proposals")
        (each,) = listed()["proposals"]
        assert result.exit_code == 0
        assert "it needs the approval of one person" in result.stdout
        assert f"{each['id']}: {MOVE.sentence}" in result.stdout
        assert "peer_reconnect at main, node:ln1: Every channel of node:ln1 is online." in result.stdout
        shown = invoke("proposal", each["id"])
        assert ["digest", each["digest"]] in [line.split() for line in shown.stdout.splitlines()]
        assert "150 sat" in shown.stdout
        said = invoke("approve", each["id"], "--by", "ann", "-m", "ticket 7")
        assert (said.exit_code, said.stdout) == (0, f"{each['id']} proposed: approved by ann\n")
        told = json.loads(invoke("proposal", each["id"], "--json").stdout)
        assert [(one["actor"], one["note"]) for one in told["approvals"]] == [("ann", "ticket 7")]


def test_reject() -> None:
    """A no takes a reason, and ends it for the next who would say yes."""
    with daemon(MOVE):
        (each,) = listed()["proposals"]
        assert invoke("reject", each["id"], "--reason", " ").exit_code == 2
        said = invoke("reject", each["id"], "--reason", "not today", "--by", "ben")
        assert said.stdout == f"{each['id']} rejected: rejected by ben: not today\n"
        late = invoke("approve", each["id"])
        assert (late.exit_code, late.stdout) == (1, "")
        assert late.stderr == f"lnwatch: proposal {each['id']} is rejected: it can't be approved or rejected any more\n"


def test_unknown_proposal() -> None:
    """A name that there is not is told so, in one line."""
    with daemon():
        for words in (["proposal", "zz"], ["approve", "zz"], ["reject", "zz", "--reason", "x"]):
            result = invoke(*words)
            assert result.exit_code == 1
            assert result.stderr.startswith("lnwatch: there is no proposal `zz`")
        assert invoke("proposals").stdout == "nothing is proposed\n"


def test_kill_switch_with_the_daemon() -> None:
    """The daemon moves it at once, and everybody sees who did."""
    with daemon(MOVE):
        assert invoke("kill-switch", "status").stdout == "the kill switch is off\n"
        on = invoke("kill-switch", "on", "--by", "ann", "-m", "incident 7")
        assert on.stdout == "the kill switch is on, nothing is done, by ann: incident 7\n"
        told = listed()
        assert told["kill_switch"] == {"on": True, "actor": "ann", "note": "incident 7"}
        assert [each["verdict"]["ground"] for each in told["proposals"]] == ["stopped"]
        off = json.loads(invoke("kill-switch", "off", "--by", "ann", "--json").stdout)
        assert off == {"on": False, "changed": True, "actor": "ann", "note": ""}


def test_kill_switch_without_the_daemon() -> None:
    """It can be put on before the daemon is started again, which then does nothing."""
    with daemon(MOVE):
        pass
    assert invoke("kill-switch", "on", "--by", "ann").exit_code == 0
    assert invoke("kill-switch", "status").stdout == "the kill switch is on, nothing is done, by ann\n"
    with daemon(MOVE):
        assert [each["verdict"]["ground"] for each in listed()["proposals"]] == ["stopped"]


def test_without_the_daemon() -> None:
    """What was left is still listed, and said to be old; a yes is refused where nobody would take it."""
    with daemon(MOVE):
        pass
    result = invoke("proposals")
    assert "the daemon does not run" in result.stderr
    (each,) = listed()["proposals"]
    assert each["verdict"]["words"] == "the daemon does not run"
    refused = invoke("approve", each["id"])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "the daemon does not run: start `lnwatch run`; nothing was changed" in refused.stderr


def test_journal_is_verified() -> None:
    """The command says that the journal holds together, or names the row where it does not."""
    with daemon(MOVE):
        assert invoke("journal").stdout == "the journal holds together: 1 row\n"
        assert json.loads(invoke("journal", "--json").stdout) == {"holds": True, "rows": 1, "sites": {"main": 1}}

    async def tamper() -> None:
        ledger = await open_ledger(LedgerSettings(), Path("data"), SystemClock())
        change = text("UPDATE journal SET deed = replace(deed, '300,000', '3')")
        await ledger._workers.write(lambda connection: connection.execute(change).rowcount)
        await ledger.close()

    asyncio.run(tamper())
    result = invoke("journal")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "row 1 of site main in the journal is not what was written" in result.stderr

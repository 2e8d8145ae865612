"""A case's own page: over a real ledger, and where little or nothing is known."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import case_url
from lnwatch.model.rule import Severity
from lnwatch.store import Addressed, CaseChange, CaseMessage, CaseRecord, Delivery, Ledger, LedgerSettings, open_ledger
from lnwatch.web.pages import decisions
from tests.manual_clock import ManualClock
from tests.store.case_stories import notice
from tests.web import casebook as book
from tests.web.outline import Outline
from tests.web.stage import Stage

NOW = book.NOW
OPEN = book.case()
PENDING = replace(OPEN, state=CaseState.PENDING, opened_at=None, told=False, told_severity=None, transition=0)
TAKEN = replace(OPEN, state=CaseState.ACKNOWLEDGED, actor="anna", note="restarting it", transition=2)
GONE = replace(
    OPEN,
    state=CaseState.RESOLVED,
    told=False,
    told_severity=None,
    ended_at=NOW - 30,
    clear_since=NOW - 30,
    transition=3,
)
AGAIN = replace(PENDING, number=2, found_at=NOW - 5, sentence="node:ln1 (lnd) has hung since 2027-01-15 07:59:55 UTC.")


def tell(case: Case, what: Transition, at: float) -> tuple[Addressed, ...]:
    return tuple(Addressed(channel, notice(case, what, at)) for channel in ("slack", "pager"))


STORY = (
    CaseChange(PENDING, book.DOWN, NOW - 300, Reason.PENDING),
    CaseChange(OPEN, book.DOWN, NOW - 240, Reason.LASTED, Transition.OPENED, tell(OPEN, Transition.OPENED, NOW - 240)),
    CaseChange(TAKEN, book.DOWN, NOW - 100, Reason.ACKNOWLEDGED, Transition.ACKNOWLEDGED),
    CaseChange(GONE, book.DOWN, NOW - 30, Reason.CLEAR, Transition.RESOLVED, tell(GONE, Transition.RESOLVED, NOW - 30)),
    CaseChange(AGAIN, book.DOWN, NOW - 5, Reason.PENDING),
)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await open_ledger(LedgerSettings(), tmp_path, ManualClock(NOW))
    yield opened
    await opened.close()


async def show(stage: Stage, fingerprint: Fingerprint = book.DOWN) -> Outline:
    answer = await stage.get(case_url("", fingerprint))
    assert answer.status_code == 200
    return Outline(answer.text)


async def test_the_timeline_of_a_case(ledger: Ledger) -> None:
    """Every decision with its reason and every message with what became of it, as the ledger has them."""
    for change in STORY[:4]:
        await ledger.commit([change])
    outline = await show(Stage(lambda: book.assessed([]), archive=ledger))
    expected = (
        "2027-01-15 07:55:00 UTC ■ Pending · critical Found; it opens if it lasts. node:ln1 (lnd) has given no answer "
        "since 2027-01-15 07:55:00 UTC: connection refused. "
        "2027-01-15 07:56:00 UTC ■ Open · critical Found for as long as the rule asks: opened. "
        "○ pager is told that it opened: waits for its turn ○ slack is told that it opened: waits for its turn "
        "2027-01-15 07:58:20 UTC ■ Acknowledged · critical A person took it. By anna: restarting it. "
        "2027-01-15 07:59:30 UTC ● Resolved · critical Not found any more: over. "
        "○ pager is told that it resolved: waits for its turn ○ slack is told that it resolved: waits for its turn"
    )
    assert expected in outline.text
    assert "Critical, resolved 30 s ago, after 3 min" in outline.text
    assert "Told pager, slack" in outline.text
    assert "lnwatch ack" not in outline.text


async def test_occurrences_stand_apart(ledger: Ledger) -> None:
    """What came back after a while is another occurrence, and the newest stands first."""
    for change in STORY:
        await ledger.commit([change])
    text = (await show(Stage(lambda: book.assessed([book.standing(AGAIN, Reason.PENDING)]), archive=ledger))).text
    timeline = text.partition("Timeline")[2]
    assert timeline.index("Occurrence 2") < timeline.index("has hung since") < timeline.index("Occurrence 1")
    assert "given no answer" in timeline.partition("Occurrence 1")[2]


async def test_what_to_do_comes_with_it() -> None:
    """The runbook, the facts, and the commands with the case's own short name."""
    outline = await show(Stage(lambda: book.assessed([book.standing(OPEN)])))
    assert "../../../runbooks/lightning_down" in outline.links()
    assert "lnwatch ack 59a1ab89 you are at it" in outline.text
    assert "lnwatch snooze 59a1ab89 --for 2h" in outline.text
    assert "lnwatch close 59a1ab89 --reason" in outline.text
    assert "version0.21.2-beta" in outline.text.replace(" ", "")


@pytest.mark.parametrize(
    "subject",
    [book.HTLC.subject, "path:/data/../etc", "order:shop/7", "path:/", "peer:a?b#c%2F", "invoice:\N{BITCOIN SIGN} ½"],
)
async def test_any_subject_has_its_page(ledger: Ledger, subject: str) -> None:
    """A subject may hold what addresses are made of; its style sheet and links are found all the same."""
    named = Fingerprint("main", "host_disk_low", subject)
    await ledger.commit([CaseChange(replace(OPEN, fingerprint=named), named, NOW, Reason.LASTED)])
    stage = Stage(lambda: book.assessed([]), archive=ledger)
    outline = await show(stage, named)
    assert subject in outline.text
    assert "../../../static/style.css" in [attributes.get("href") for _, attributes in outline.tags]


async def test_an_address_as_people_type_it() -> None:
    """A slash that was not quoted leads to the same page, from which its links lead home too."""
    stage = Stage(lambda: book.assessed(book.night()))
    answer = await stage.get(f"/cases/main/htlc_near_expiry/{book.HTLC.subject}")
    assert answer.status_code == 200
    assert "../../../../../static/style.css" in answer.text


@pytest.mark.parametrize("path", ["/cases/main/lightning_down/node%3Aother", "/cases/main/x/y%00", "/cases/main/x/"])
async def test_an_unknown_case(ledger: Ledger, path: str) -> None:
    """Who follows an old link is told so, and led to what there is."""
    stage = Stage(lambda: book.assessed([]), archive=ledger)
    answer = await stage.get(path)
    assert answer.status_code == 404
    assert "../../../cases" in Outline(answer.text).links()[-4]
    answer = await stage.get(path, Accept="application/json")
    assert (answer.status_code, answer.json()) == (404, {"error": "No case of that name is known."})


async def test_what_never_opened(ledger: Ledger) -> None:
    """What was seen once and vanished has its history, and is not called a case."""
    await ledger.commit([STORY[0]])
    await ledger.commit([CaseChange(None, book.DOWN, NOW - 280, Reason.VANISHED)])
    outline = await show(Stage(lambda: book.assessed([]), archive=ledger))
    assert "It was seen, and never opened." in outline.text
    assert "Gone again before it had lasted long enough: it did not open." in outline.text


async def test_a_case_for_programs(ledger: Ledger) -> None:
    """JSON has facts, history and messages beside the case."""
    for change in STORY[:2]:
        await ledger.commit([change])
    stage = Stage(lambda: book.assessed([book.standing(OPEN)]), archive=ledger)
    told = (await stage.get(case_url("", book.DOWN), Accept="application/json")).json()
    assert (told["id"], told["state"], told["reason"]) == ("59a1ab89", "open", "still_found")
    assert told["facts"]["version"] == "0.21.2-beta"
    assert [(step["reason"], step["state"]) for step in told["history"]] == [("pending", "pending"), ("lasted", "open")]
    assert [(one["channel"], one["transition"], one["status"]) for one in told["messages"]] == [
        ("pager", "opened", "pending"),
        ("slack", "opened", "pending"),
    ]


def message(status: Delivery, **changes: Any) -> CaseMessage:  # noqa: ANN401 - a table of fields
    usual = CaseMessage("slack", notice(OPEN), status, 0, 0.0, None, None, "", None)
    return replace(usual, **changes)


@pytest.mark.parametrize(
    ("sent", "mark", "became"),
    [
        (message(Delivery.PENDING), "none", "waits for its turn"),
        (message(Delivery.CLAIMED), "wait", "being sent"),
        (message(Delivery.SENT, sent_at=NOW), "good", "sent 2027-01-15 08:00:00 UTC"),
        (message(Delivery.SENT), "good", "needed no sending"),
        (
            message(Delivery.PENDING, tries=2, not_before=NOW + 61, failure="refused", words="slack.com refused us"),
            "wait",
            "not sent yet, tried again in 1 min after 2 tries: slack.com refused us",
        ),
        (
            message(Delivery.PARKED, tries=1, failure="rejected", words="token_revoked"),
            "bad",
            "can't be sent after 1 try: token_revoked",
        ),
    ],
)
def test_what_became_of_a_message(sent: CaseMessage, mark: str, became: str) -> None:
    """A message that did not leave says why, and when it is tried again."""
    assert decisions.delivery(sent, NOW) == (mark, became)


async def test_a_step_tells_only_what_is_new() -> None:
    """A sentence is repeated in the timeline only where it changed; each change of severity shows."""
    steps = [
        book.step(1, Reason.LASTED, sentence="20 blocks left."),
        book.step(2, Reason.STILL_FOUND, sentence="20 blocks left."),
        book.step(3, Reason.WORSE, sentence="17 blocks left.", severity=Severity.CRITICAL),
    ]
    archive = book.Shelf({book.DOWN: CaseRecord(OPEN, tuple(steps), ())})
    text = (await show(Stage(lambda: book.assessed([]), archive=archive))).text
    assert (text.count("20 blocks left."), text.count("17 blocks left.")) == (1, 1)
    assert "Open · critical Told again: it is worse than what was told. 17 blocks left." in text

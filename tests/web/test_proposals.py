"""Proposals: what stands on their page, what it says on the first page, and what can't get onto either."""

from dataclasses import replace
from typing import Any

import pytest

from lnwatch.model.action import (
    Action,
    Approval,
    Ground,
    KillSwitch,
    Nothing,
    Outcome,
    ProposalState,
    ProposalView,
    Receipt,
    Rejection,
    Standing,
    Verdict,
    Withdrawal,
    Withdrawn,
)
from lnwatch.model.assessment import Assessment
from lnwatch.web.pages.proposals import proposals_page, wanted_of_people
from tests import assessments as build
from tests import secrets
from tests.domain.proposals import awaited, called, standing
from tests.web.outline import Outline
from tests.web.stage import Stage
from tests.web.test_status import HOSTILE

NOW = build.NOW


def acting(stands: Standing) -> Assessment:
    return replace(build.merchant(), acting=stands)


async def shown(stands: Standing, path: str = "/proposals") -> Outline:
    answer = await Stage(lambda: acting(stands)).get(path)
    assert answer.status_code == 200
    return Outline(answer.text)


def alone(view: ProposalView) -> Standing:
    return standing(proposals=(view,))


def test_what_stands() -> None:
    """Open ones come first with what a person can do, then what ended; each with its exact parameters."""
    page = proposals_page(acting(standing()), NOW)
    assert (page.mark, page.headline) == ("wait", "1 proposal waits for a person's yes.")
    (waiting,), (done,) = page.open, page.ended
    assert (waiting.id, waiting.state, waiting.when) == ("beefed4567", "proposed", "5 min ago")
    assert waiting.why == "anna approved it, a second person must too"
    assert dict(waiting.rows) == {
        "Action": "rebalance_channel at ln1, as channel_rebalance asks",
        "source channel": "0x1x0",
        "target channel": "1x1x0",
        "route": "0x1x0 790000x0x0 1x1x0",
        "fee msat": "2150",
        "Amount": "300,000 sat",
        "Fee at most": "150 sat",
        "Approved": "by anna: looks right, 2027-01-15 07:59:00 UTC",
    }
    assert [command for command, _ in waiting.commands] == [
        "lnwatch approve beefed4567",
        "lnwatch reject beefed4567 --reason '…'",
    ]
    assert (done.mark, done.why, done.commands) == ("good", "connected at 198.51.100.7:9735", ())
    assert dict(done.rows)["Begun"] == "2027-01-15 07:49:50 UTC by hands lnd"


def test_what_hands_there_are() -> None:
    """Which actions are done and which are rehearsed, with what is left of their budgets."""
    live, dry = proposals_page(acting(standing()), NOW).hands
    assert (live.action, live.node, live.acts) == ("connect_peer", "ln1", True)
    assert live.used == "used of the site's budget: 12 % of 24 hours, 12 % of 30 days"
    assert (dry.action, dry.acts) == ("rebalance_channel", False)


@pytest.mark.parametrize(
    ("changes", "mark", "words"),
    [
        (
            {"receipt": Receipt(Outcome.FAILED, "it is not connected"), "state": ProposalState.FAILED},
            "bad",
            "it is not",
        ),
        ({"receipt": Receipt(Outcome.REHEARSED, "a dry run"), "state": ProposalState.REHEARSED}, "none", "a dry run"),
        (
            {"receipt": None, "end": Rejection("ben", "they moved"), "state": ProposalState.REJECTED},
            "none",
            "rejected by ben: they moved",
        ),
        (
            {"receipt": None, "end": Withdrawal(Withdrawn.GONE), "state": ProposalState.WITHDRAWN},
            "none",
            "withdrawn: gone",
        ),
    ],
)
def test_ends(changes: dict[str, Any], mark: str, words: str) -> None:
    """Each end says what it was, and who ended it."""
    (line,) = proposals_page(acting(alone(ProposalView(called(**changes), Verdict(Ground.OVER, "over")))), NOW).ended
    assert line.mark == mark
    assert words in line.why


@pytest.mark.parametrize(
    ("stands", "mark", "words"),
    [
        (Standing(), None, ""),
        (standing(trouble="row 3 of site main is missing"), "bad", "Nothing is done at any other system: row 3 of"),
        (
            standing(kill_switch=KillSwitch(True, "anna", "moving house")),
            "wait",
            "The kill switch was put on by anna: moving house. Nothing is done.",
        ),
        (standing(kill_switch=KillSwitch(True)), "wait", "The kill switch was put on. Nothing is done."),
        (
            alone(
                ProposalView(
                    called(state=ProposalState.INTENDED, receipt=None, ended_at=None), Verdict(Ground.OVER, "")
                )
            ),
            "wait",
            "What came of 1 action is not known yet.",
        ),
        (standing(), "wait", "1 proposal waits for a person's yes."),
        (alone(ProposalView(awaited(), Verdict(Ground.OVER_BUDGET, "the budget is spent"))), None, ""),
    ],
)
async def test_what_people_should_know(stands: Standing, mark: str | None, words: str) -> None:
    """The first page has a box for it, with the way to the proposals, and no box where there is nothing."""
    assert (wanted_of_people(stands) is None) is (mark is None)
    outline = await shown(stands, "/")
    boxes = [attributes["class"] for tag, attributes in outline.tags if tag == "p" and "card" in str(attributes)]
    assert boxes == ([] if mark is None else [f"card {mark}"])
    assert words in outline.text


def hostile(name: str) -> Standing:
    """Everything that a peer or a person may have written bears that name."""
    draft = awaited().proposal
    waiting = replace(draft, sentence=name, subject=name, parameters={name: name}, added={"addresses": name})
    record = awaited(proposal=waiting, approvals=((NOW, Approval(name, waiting.digest, name)),))
    over = called(receipt=None, end=Rejection(name, name), state=ProposalState.REJECTED)
    return standing(
        proposals=(
            ProposalView(record, Verdict(Ground.NEEDS_SECOND, name)),
            ProposalView(over, Verdict(Ground.OVER, name)),
        ),
        nothing=(Nothing("main", "peer_reconnect", name, "broken", name),),
        kill_switch=KillSwitch(True, name, name),
    )


@pytest.mark.parametrize("path", ["/", "/proposals"])
async def test_hostile_words_stay_text(path: str) -> None:
    """Sentences, addresses, people and their notes can't bring a tag or an attribute onto a page."""
    bad, good = await shown(hostile(HOSTILE), path), await shown(hostile("harmless"), path)
    assert bad.skeleton == good.skeleton
    assert bad.text.count(HOSTILE) == good.text.count("harmless") >= 2


async def test_no_secret_reaches_the_page() -> None:
    """What somebody wrote into a note is covered before it is shown, as a page and as JSON."""
    stands = hostile(f"preimage={secrets.PREIMAGE} for {secrets.EMAIL}")
    for path, accept in (("/", "text/html"), ("/proposals", "text/html"), ("/proposals", "application/json")):
        answer = await Stage(lambda: acting(stands)).get(path, Accept=accept)
        assert answer.status_code == 200
        assert not secrets.leaked(answer.text)


async def test_proposals_for_programs() -> None:
    """JSON is what the command prints, with why each is not done."""
    answer = await Stage(lambda: acting(standing())).get("/proposals", Accept="application/json")
    told = answer.json()
    assert [(each["id"], each["verdict"]["ground"]) for each in told["proposals"]] == [
        ("c0ffee0123", "over"),
        ("beefed4567", "needs_second"),
    ]
    assert told["hands"][0] == {"site": "main", "node": "ln1", "action": Action.CONNECT_PEER, "hands": "lnd"}
    assert told["budgets"][0] == {"site": "main", "action": "connect_peer", "window": "day", "used": 0.125}
    assert told["kill_switch"] == {"on": False, "actor": "", "note": ""}
    assert answer.headers["vary"] == "Accept"


async def test_nobody_can_act_through_it() -> None:
    """The page is to be read: it has no form, and takes no other method."""
    stage = Stage(lambda: acting(standing()))
    assert (await stage.get("/proposals", method="POST")).status_code == 405
    outline = await shown(standing())
    assert not [tag for tag, _ in outline.tags if tag in {"form", "button", "input"}]


async def test_before_the_first_cycle() -> None:
    """A page that knows nothing yet says so."""
    answer = await Stage(lambda: None).get("/proposals")
    assert "lnwatch has just started: nothing is known yet." in answer.text
    told = (await Stage(lambda: None).get("/proposals", Accept="application/json")).json()
    assert told["proposals"] == []


async def test_the_way_to_the_case() -> None:
    """A proposal that would end a case leads to it, and every page leads to the proposals."""
    outline = await shown(standing())
    assert "./cases/main/channel_inactive/channel%3Aaa%3A0" in outline.links()
    assert "./proposals" in (await shown(standing(), "/")).links()

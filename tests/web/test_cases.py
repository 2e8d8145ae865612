"""Lists of cases: on the first page and on the page of cases, for people and for programs."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.model.assessment import Assessment, StandingCase
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason
from lnwatch.model.rule import Owner, Severity
from lnwatch.model.silence import SilenceKind
from lnwatch.web.pages import decisions
from lnwatch.web.pages.cases import MOST_ROWS, Wanted, cases_page, living
from lnwatch.web.pages.silences import quiets
from lnwatch.web.pages.status import StatusPage, status_page
from lnwatch.web.settings import WebSettings
from tests import assessments as build
from tests import secrets
from tests.web import casebook as book
from tests.web.outline import Outline
from tests.web.stage import Stage

NOW = book.NOW
DOWN_PAGE = "/cases/main/lightning_down/node%3Aln1"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
DAY = 86_400.0


def page(*cases: StandingCase) -> StatusPage:
    return status_page(book.assessed(cases), NOW, "")


async def html(path: str, current: Assessment, archive: book.Shelf | None = None) -> Outline:
    answer = await Stage(lambda: current, archive=archive).get(path)
    assert answer.status_code == 200
    return Outline(answer.text)


def over(fingerprint: Fingerprint = book.DISK, **changes: Any) -> Case:  # noqa: ANN401 - a table of fields
    """A case that resolved an hour ago, after an hour."""
    usual = {"state": CaseState.RESOLVED, "opened_at": NOW - 7_200, "ended_at": NOW - 3_600, "told": False}
    return book.case(fingerprint, **{**usual, **changes})


def test_a_night_s_headline() -> None:
    """The headline counts open cases and names their rules, the worst first."""
    shown = page(*book.night())
    assert (shown.mark, shown.headline) == (
        "bad",
        "3 open cases, 2 of them critical: htlc_near_expiry, lightning_down and host_disk_low.",
    )
    assert shown.open_count == "3 open, 1 of them acknowledged"


@pytest.mark.parametrize(
    ("severity", "mark", "headline"),
    [
        (Severity.CRITICAL, "bad", "1 open case, 1 of them critical: lightning_down."),
        (Severity.WARNING, "wait", "1 open case, none of them critical: lightning_down."),
        (Severity.INFO, "good", "Everything that lnwatch watches is up. For information: lightning_down."),
    ],
)
def test_headlines(severity: Severity, mark: str, headline: str) -> None:
    """A warning does not look like a page, and what is for information alone does not look like trouble."""
    shown = page(book.standing(book.case(severity=severity)))
    assert (shown.mark, shown.headline) == (mark, headline)


def test_a_case_in_words() -> None:
    """Each open case says what is wrong, since when, for whom, who has it, and why it stands as it does."""
    htlc, node, disk = page(*book.night()).open
    assert (htlc.rule, htlc.mark, htlc.owners, htlc.count) == ("htlc_near_expiry", "bad", "on-call", 1)
    assert htlc.why == "An input is missing, so nothing can be said: kept as it is."
    assert node.lines[0].sentence.startswith("node:ln1 (lnd) has given no answer")
    assert node.lines[0].state == "Critical, open for 4 min"
    assert node.lines[0].at == "2027-01-15 07:56:00 UTC"
    assert (disk.mark, disk.lines[0].state) == (
        "wait",
        "Warning, open for 1 hour, acknowledged by anna: moving the backups away",
    )


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"state": CaseState.PENDING, "opened_at": None}, "Critical, pending for 5 min"),
        ({"state": CaseState.ACKNOWLEDGED, "actor": "bo"}, "Critical, open for 4 min, acknowledged by bo"),
        (
            {"state": CaseState.SNOOZED, "actor": "bo", "note": "later", "snoozed_until": NOW + 60},
            "Critical, open for 4 min, snoozed by bo until 2027-01-15 08:01:00 UTC: later",
        ),
        (
            {"state": CaseState.RESOLVED, "ended_at": NOW - 60, "actor": "bo"},
            "Critical, resolved 1 min ago, after 3 min",
        ),
        (
            {"state": CaseState.CLOSED, "ended_at": NOW - 60, "actor": "bo", "note": "a drill"},
            "Critical, closed by bo 1 min ago, after 3 min: a drill",
        ),
    ],
)
def test_states(changes: dict[str, Any], state: str) -> None:
    """A person's name and note stand where a person decided, and nowhere else."""
    assert decisions.state(book.case(**changes), NOW) == state


def test_every_decision_has_its_words() -> None:
    """Each reason is a sentence of its own, and each state, transition and delivery can be said."""
    assert set(decisions.REASONS) == set(Reason)
    assert all(said.endswith(".") for said in decisions.REASONS.values())
    assert len(set(decisions.REASONS.values())) == len(Reason)
    assert set(decisions.STATES) == set(CaseState)


def test_what_keeps_a_case_untold_is_named() -> None:
    """The parent, the silence or the window stands beside the reason; what the state says already is not repeated."""
    quiet = book.standing(book.case(), Reason.SILENCED, "anna: the peer moves")
    assert decisions.why(quiet) == "Nobody is told: a silence is in force: anna: the peer moves."
    assert decisions.why(book.standing(book.case())) == ""


def test_a_storm_hides_nothing() -> None:
    """Of 300 cases the roots come first, each rule is shown once, with three of its cases and the way to the rest."""
    node, channels = page(book.standing(book.case()), *book.storm(299)).open
    assert (node.rule, channels.rule) == ("lightning_down", "channel_inactive")
    assert (channels.count, len(channels.lines), channels.more) == (299, 3, 296)
    assert channels.query == "site=main&rule=channel_inactive"
    assert channels.why == "Nobody is told: the case that it comes from is told instead: lightning_down node:ln1."
    assert {line.why for line in channels.lines} == {""}


def test_order() -> None:
    """The worst first; of these what nobody has taken, then the oldest."""

    def named(name: str, **changes: Any) -> StandingCase:  # noqa: ANN401 - a table of fields
        return book.standing(book.case(Fingerprint("main", name, "site:main"), **changes))

    cases = [
        named("f", severity=Severity.INFO),
        named("e", severity=Severity.WARNING),
        named("d", state=CaseState.SNOOZED, opened_at=NOW - 900),
        named("c", state=CaseState.ACKNOWLEDGED, opened_at=NOW - 900),
        named("b", opened_at=NOW - 100),
        named("a", opened_at=NOW - 200),
    ]
    assert "".join(one.case.fingerprint.rule for one in living(book.assessed(cases))) == "abcdef"


async def test_the_first_page_links_what_to_do() -> None:
    """Each open case leads to its runbook and to its own page, pending ones follow, ended ones are not there."""
    cases = [*book.night(), *book.waiting(), book.standing(over(book.DISK), Reason.CLEAR)]
    outline = await html("/", book.assessed(cases))
    assert "./runbooks/lightning_down" in outline.links()
    assert f"./cases/main/htlc_near_expiry/{quote(book.HTLC.subject, safe='')}" in outline.links()
    text = outline.text
    assert text.index("Open cases") < text.index("Pending found") < text.index("Coverage ●") < text.index("Site main")
    assert "resolved" not in outline.text


async def test_many_pending_cases_are_counted() -> None:
    """Ten are named on the first page, the rest counted."""
    outline = await html("/", book.assessed(book.waiting(12)))
    assert outline.text.count("pending for 45 s") == 10
    assert "and 2 more" in outline.text
    assert "Open cases" not in outline.text


async def test_the_page_of_cases() -> None:
    """Open, pending and lately ended cases, the newest end first; what ended before a week is not there."""
    archive = book.Shelf(
        openings=(
            book.case(),
            over(ended_at=NOW - 7_000, sentence="Ended first."),
            over(book.HTLC, sentence="Ended last.", state=CaseState.CLOSED, actor="bo", note="paid"),
            over(opened_at=NOW - 9 * DAY, ended_at=NOW - 8 * DAY, sentence="Long ago."),
        )
    )
    outline = await html("/cases", book.assessed([*book.night(), *book.waiting()]), archive)
    text = outline.text
    assert text.index("14 blocks left") < text.index("given no answer") < text.index("pending for 45 s")
    assert text.index("pending for 45 s") < text.index("Ended last.") < text.index("Ended first.")
    assert "closed by bo 1 hour ago, after 1 hour: paid" in text
    assert "Long ago." not in text
    assert text.count("given no answer") == 1


async def test_the_page_is_narrowed() -> None:
    """Choices name what there is; a chosen one can be taken back, and the page keeps to it."""
    current = book.assessed([*book.night(), *book.storm(4)])
    outline = await html("/cases", current)
    assert "severity critical 3 warning 4" in outline.text
    assert "?rule=channel_inactive" in outline.links()
    narrowed = await html("/cases?rule=channel_inactive&severity=warning", current)
    assert "given no answer" not in narrowed.text
    assert narrowed.text.count("is offline") == 3
    assert {"?rule=channel_inactive", "?severity=warning"} <= set(narrowed.links())


def test_more_than_a_page_can_bear() -> None:
    """Beyond the limit cases are counted, not dropped in silence."""
    shown = cases_page(book.assessed(book.storm(MOST_ROWS + 7)), (), Wanted(), NOW, "")
    assert (len(shown.open), shown.hidden) == (MOST_ROWS, 7)


@pytest.mark.parametrize("path", ["/cases", DOWN_PAGE])
async def test_without_the_ledger(path: str) -> None:
    """What is open is shown all the same, and that the past can't be read is said with its reason."""
    archive = book.Shelf(trouble=LedgerError(LedgerTrouble.FULL, "the disk is full at postgresql://u:hunter2@db/x"))
    outline = await html(path, book.assessed([*book.night(), book.standing(over(), Reason.CLEAR)]), archive)
    assert "given no answer" in outline.text
    assert "can't be read from the ledger: the disk is full" in outline.text
    assert "hunter2" not in outline.text


async def test_before_the_first_cycle() -> None:
    """Nothing is called well that is not known."""
    answer = await Stage(lambda: None, archive=book.Shelf(openings=(over(),))).get("/cases")
    outline = Outline(answer.text)
    assert "Not known before the first cycle." in outline.text
    assert "resolved 1 hour ago" in outline.text


async def test_cases_for_programs() -> None:
    """JSON has the same cases in the shape that the command prints, with absolute links."""
    stage = Stage(
        lambda: book.assessed([book.standing(book.case()), *book.waiting()]),
        WebSettings(public_url="https://watch.shop.example"),
        book.Shelf(openings=(over(),)),
    )
    answer = await stage.get("/cases", Accept="application/json", Host="watch.shop.example")
    assert answer.headers["vary"] == "Accept"
    told = answer.json()
    assert told["open"] == [
        {
            "id": "59a1ab89",
            "site": "main",
            "rule": "lightning_down",
            "subject": "node:ln1",
            "runbook_url": "https://watch.shop.example/runbooks/lightning_down",
            "case_url": "https://watch.shop.example/cases/main/lightning_down/node%3Aln1",
            "number": 1,
            "state": "open",
            "severity": "critical",
            "owner": "oncall",
            "found_at": NOW - 300,
            "seen_at": NOW,
            "opened_at": NOW - 240,
            "ended_at": None,
            "snoozed_until": None,
            "sentence": book.case().sentence,
            "actor": "",
            "note": "",
            "reason": "still_found",
        }
    ]
    assert [one["state"] for one in (*told["pending"], *told["ended"])] == ["pending", "resolved"]
    assert told["assessed_at"] == NOW


def hostile(name: str) -> Assessment:
    """An assessment in which everything that others may name about cases bears that name."""
    fingerprint = Fingerprint("main", "lightning_down", f"node:{name}")
    found = book.case(fingerprint, sentence=name, note=name, actor=name, facts={name: name}, scope=name)
    pending = replace(found, fingerprint=replace(fingerprint, rule="x"), state=CaseState.PENDING)
    taken = replace(found, fingerprint=replace(fingerprint, rule="y"), state=CaseState.ACKNOWLEDGED)
    cases = [
        book.standing(found, Reason.INHIBITED, name),
        book.standing(pending, Reason.PENDING),
        book.standing(taken, Reason.HELD_UNKNOWN),
    ]
    gap = book.coverage(name, covered=False, why=name, grant=f"`{name}`", scope=name)
    mute = book.silence(author=name, reason=name, rule=name, id=name)
    return replace(book.assessed(cases), coverage=(gap,), silences=(mute,))


@pytest.mark.parametrize(
    "path",
    ["/", "/cases", "/cases?rule={}", "/coverage", "/runbooks/lightning_down", "/cases/main/lightning_down/node%3A{}"],
)
async def test_hostile_names_stay_text(path: str) -> None:
    """Subject, sentence, note, actor, facts, gaps and silences can't bring a tag or an attribute onto any page."""
    bad = await html(path.format(quote(HOSTILE, safe="")), hostile(HOSTILE))
    good = await html(path.format("harmless"), hostile("harmless"))
    assert bad.skeleton == good.skeleton
    assert bad.text.count(HOSTILE) == good.text.count("harmless") > 0


@pytest.mark.parametrize("path", ["/runbooks/{}", "/cases/main/x/{}"])
async def test_unknown_names_stay_text(path: str) -> None:
    """Nor can a name that leads nowhere."""
    answers = [await Stage().get(path.format(quote(name, safe=""))) for name in (HOSTILE, "harmless")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert Outline(answers[0].text).skeleton == Outline(answers[1].text).skeleton


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    "path", ["/", "/cases", "/coverage", "/runbooks/lightning_down", "/cases/main/lightning_down/node%3Aln1"]
)
async def test_no_secret_reaches_a_page(path: str, accept: str) -> None:
    """What a system says of a credential is covered wherever it is shown."""
    said = f"preimage={secrets.PREIMAGE} bad macaroon {secrets.MACAROON.hex()} of {secrets.EMAIL}"
    found = book.case(sentence=said, note=said, actor=secrets.EMAIL, facts={"token": secrets.TOKEN, "said": said})
    gap = book.coverage(covered=False, why=said, grant=said)
    mute = book.silence(reason=said, author=secrets.EMAIL)
    current = replace(book.assessed([book.standing(found, Reason.SILENCED, said)]), coverage=(gap,), silences=(mute,))
    answer = await Stage(lambda: current).get(path, Accept=accept)
    assert answer.status_code == 200
    assert "[redacted]" in answer.text
    assert not secrets.leaked(answer.text)


def test_silences_in_force_and_to_come() -> None:
    """What mutes now comes first, with what it mutes, by whom, why and until when; what is over is not shown."""
    window = book.silence(id="m", kind=SilenceKind.MAINTENANCE, rule="*", starts_at=NOW + 3_600, ends_at=NOW + 9_000)
    gone = book.silence(id="gone", ends_at=NOW)
    first, second = quiets((window, gone, book.silence(owner="on*")), NOW)
    assert (first.kind, first.in_force, first.what, first.when) == (
        "Silence",
        True,
        "rule channel_*, owner on*",
        "ends in 1 hour",
    )
    assert (first.author, first.reason) == ("anna", "the peer moves its node")
    assert (second.kind, second.in_force, second.what, second.when) == (
        "Maintenance",
        False,
        "everything",
        "begins in 1 hour",
    )


async def test_silences_stand_on_the_first_page() -> None:
    """Who looks why nobody was told finds it there."""
    outline = await html("/", replace(book.assessed([]), silences=(book.silence(),)))
    assert "Silence of rule channel_*, ends in 1 hour anna: the peer moves its node" in outline.text
    assert "Silences" not in (await html("/", build.merchant())).text


def test_owners_are_named_as_spoken() -> None:
    """Nobody says `oncall`."""
    assert {decisions.owner(who) for who in Owner} >= {"on-call", "treasury"}

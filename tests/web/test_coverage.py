"""Coverage: which rules can fire, on the first page and on its own."""

from dataclasses import replace

from lnwatch.model.assessment import Coverage
from lnwatch.model.snapshot import TargetState
from lnwatch.web.pages.coverage import MOST_GAPS, MOST_GRANTS, gaps, summary
from tests import assessments as build
from tests.web import casebook as book
from tests.web.outline import Outline
from tests.web.stage import Stage


async def shown(path: str, *rows: Coverage) -> str:
    answer = await Stage(lambda: replace(book.assessed([]), coverage=rows)).get(path)
    assert answer.status_code == 200
    return Outline(answer.text).text


def test_silence_means_health_only_where_every_rule_can_fire() -> None:
    """A rule that can't fire for one of two nodes is not counted as one that can; before the first cycle none is."""
    both = (book.coverage(), book.coverage(scope="ln2"))
    assert summary(both) == ("good", "All 1 rule can fire: silence means health.")
    half = (*both, book.coverage("backup_stale"), book.coverage("backup_stale", scope="ln2", covered=False))
    assert summary(half) == ("wait", "1 of 2 rules can't fire everywhere: their silence means nothing.")
    assert summary(()) == ("none", "Not known yet.")


def test_gaps_are_told_once() -> None:
    """Rules that lack the same thing stand together, the widest gap first, with what to grant."""
    rows = (
        book.coverage(),
        book.coverage("watchtower_behind", covered=False, why="watchtower of ln1 was not read lately"),
        *(book.coverage(rule, covered=False, why="ln1 could not be asked") for rule in "abcd"),
    )
    wide, narrow = gaps(rows, {})
    assert (wide.why, wide.rules) == ("ln1 could not be asked", ("a", "b", "c", "d"))
    assert wide.grants == tuple(f"grant what {rule} needs" for rule in "abcd")[:MOST_GRANTS]
    assert narrow.rules == ("watchtower_behind",)


def test_a_gap_names_its_place() -> None:
    """The source, or the site that has none, unless the reason does."""
    (source,) = gaps((book.coverage(covered=False, why="the rule broke"),), {})
    assert source.why == "ln1: the rule broke"
    (site,) = gaps((book.coverage(covered=False, scope="", why="the rule broke"),), {})
    assert site.why == "main: the rule broke"


def test_a_source_that_is_down_lacks_no_grant() -> None:
    """Whatever each rule lacks of it is one gap with one reason, and nobody is sent to grant something."""
    down = build.view(build.lightning_target(state=TargetState.DOWN))
    rows = [book.coverage(rule, covered=False, why=f"{rule} was not read") for rule in "ab"]
    (gap,) = gaps(rows, {"main": down})
    assert (gap.rules, gap.grants) == (("a", "b"), ())
    assert gap.why == "ln1 is not up (down): nothing can be told until it is"


async def test_gaps_on_the_first_page() -> None:
    """In brief: what can't fire, why, what to grant; more than a few are counted."""
    text = await shown("/", book.coverage(), book.coverage("backup_stale", covered=False))
    assert "1 of 2 rules can't fire everywhere: their silence means nothing." in text
    assert "backup of ln1 was not read lately: backup_stale grant what backup_stale needs" in text
    many = [book.coverage(f"r{index}", covered=False, why=f"why {index}") for index in range(MOST_GAPS + 2)]
    assert "and 2 more" in await shown("/", *many)


async def test_every_rule_of_every_site() -> None:
    """The page has each rule for each scope, those that can't fire first."""
    rows = (book.coverage(), book.coverage("backup_stale", covered=False), book.coverage(site="lnwatch", scope=""))
    text = await shown("/coverage", *rows)
    assert text.index("Site lnwatch") < text.index("Site main")
    assert text.index("backup_stale on ln1: backup of ln1 was not read lately") < text.index(
        "lightning_down on ln1: can fire"
    )
    assert "critical, for on-call" in text


async def test_coverage_for_programs() -> None:
    """JSON has the rows as they are."""
    stage = Stage(lambda: replace(book.assessed([]), coverage=(book.coverage(covered=False),)))
    answer = await stage.get("/coverage", Accept="application/json")
    assert answer.json() == {
        "coverage": [
            {
                "site": "main",
                "rule": "lightning_down",
                "scope": "ln1",
                "severity": "critical",
                "owner": "oncall",
                "covered": False,
                "why": "backup of ln1 was not read lately",
                "grant": "grant what lightning_down needs",
            }
        ]
    }

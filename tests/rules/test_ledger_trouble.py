"""Rule `ledger_trouble`: times when nothing could be written, and a journal that is not what was written."""

import pytest

from lnwatch.model.view import Episode, OwnHealth, View
from lnwatch.rules.ledger_trouble import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_view


def own(*episodes: Episode) -> View:
    return make_view(site="lnwatch", own=OwnHealth(ledger=episodes))


def trouble(lasted: float, ended: float = 600.0) -> Episode:
    return Episode(NOW - ended - lasted, NOW - ended, "the disk is full")


def test_found_afterwards_with_how_long_it_lasted() -> None:
    """No case can open meanwhile, so it is told when it is over."""
    finding = judged(RULE, own(trouble(200))).only
    assert finding.subject == "site:lnwatch"
    assert finding.sentence == (
        "lnwatch could not write its ledger for 3 min 20 s (limit 10 s), until 2027-01-15 07:50:00 UTC: "
        "the disk is full."
    )


def test_found_while_it_lasts() -> None:
    """Should a case open all the same, it says that it is not over."""
    finding = judged(RULE, own(Episode(NOW - 30, None, "the disk is full"))).only
    assert "for 30 s (limit 10 s), and still can't: the disk is full." in finding.sentence


@pytest.mark.parametrize(
    ("lasted", "ended", "found"), [(10, 0, True), (9.9, 0, False), (60, 3_600, True), (60, 3_601, False)]
)
def test_at_its_limits(lasted: float, ended: float, found: bool) -> None:
    """Ten seconds or more, within the last hour."""
    assert bool(judged(RULE, own(trouble(lasted, ended))).found) is found


def test_the_longest_is_told_and_all_are_evidence() -> None:
    """Another one brings a case back that was closed by hand."""
    one = judged(RULE, own(trouble(20, 900))).only
    both = judged(RULE, own(trouble(20, 900), trouble(300, 60))).only
    assert "5 min" in both.sentence
    assert len(both.facts) == 2
    assert one.evidence != both.evidence


def test_journal_that_does_not_hold_together() -> None:
    """What does not match what was written is told with its place, and what follows from it, until it is mended."""
    words = (
        "row 3 of site main in the journal is not what was written: nothing is done any more; "
        "restore the ledger from a backup, or ask what happened"
    )
    view = make_view(site="lnwatch", own=OwnHealth(journal=words))
    finding = judged(RULE, view).only
    assert finding.subject == "source:journal"
    assert finding.sentence == f"lnwatch can't trust its journal of what it did at other systems: {words}."
    other = make_view(site="lnwatch", own=OwnHealth(journal=words.replace("row 3", "row 7")))
    assert judged(RULE, other).only.evidence != finding.evidence


def test_both_troubles_are_told() -> None:
    """A journal that can't be trusted does not hide that nothing could be written."""
    view = make_view(site="lnwatch", own=OwnHealth(ledger=(trouble(200),), journal="row 3 is missing"))
    assert set(judged(RULE, view).found) == {"site:lnwatch", "source:journal"}


def test_quiet_without_trouble() -> None:
    """Nothing happened."""
    assert judged(RULE, own()).clear


def test_unknown_without_own_health() -> None:
    """Nothing known is not well."""
    assert list(judged(RULE, make_view(site="lnwatch")).unknown) == [None]


def test_nonsense_is_refused() -> None:
    """Episodes are those of a day."""
    with pytest.raises(ValueError, match="`recent_seconds` is a day"):
        RULE.thresholds(recent_seconds=86_401)
    with pytest.raises(ValueError, match="`lasted_seconds` must be above 0"):
        RULE.thresholds(lasted_seconds=-1)

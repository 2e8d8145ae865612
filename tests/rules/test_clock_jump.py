"""Rule `clock_jump`: a clock that did not simply go on."""

import pytest

from lnwatch.model.view import Episode, OwnHealth, View
from lnwatch.rules.clock_jump import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_view

WORDS = "the clock went 2 h back"


def own(*episodes: Episode) -> View:
    return make_view(site="lnwatch", own=OwnHealth(clock_jumps=episodes))


def test_found_with_when_and_how_far() -> None:
    """The moment by the clock as it is now, and the words of who saw it."""
    finding = judged(RULE, own(Episode(NOW - 60 + 7_200, NOW - 60, WORDS))).only
    assert finding.subject == "site:lnwatch"
    assert finding.sentence == "The clock under lnwatch jumped at 2027-01-15 07:59:00 UTC: the clock went 2 h back."


@pytest.mark.parametrize(("age", "found"), [(0, True), (3_600, True), (3_601, False), (-3_600, True), (-3_601, False)])
def test_it_clears_by_age_either_way(age: float, found: bool) -> None:
    """After the clock went back again the jump lies ahead: that must not hold the case for good."""
    assert bool(judged(RULE, own(Episode(NOW - age, NOW - age, WORDS))).found) is found


def test_the_newest_is_told_and_all_are_evidence() -> None:
    """Another jump brings a case back that was closed by hand."""
    first, second = Episode(NOW - 900, NOW - 900, WORDS), Episode(NOW - 60, NOW - 60, "the clock went 2 h ahead")
    one, both = judged(RULE, own(first)).only, judged(RULE, own(second, first)).only
    assert "07:59:00 UTC, for the last of 2 times: the clock went 2 h ahead." in both.sentence
    assert one.evidence != both.evidence


def test_quiet_without_jumps() -> None:
    """The clock went on."""
    assert judged(RULE, own()).clear


def test_unknown_without_own_health() -> None:
    """Nothing known is not well."""
    assert list(judged(RULE, make_view(site="lnwatch")).unknown) == [None]


def test_nonsense_is_refused() -> None:
    """Episodes are those of a day."""
    with pytest.raises(ValueError, match="`recent_seconds` is a day"):
        RULE.thresholds(recent_seconds=86_401)

"""Rule `loop_stalled`: times when lnwatch stood still."""

import pytest

from lnwatch.model.view import Episode, OwnHealth, View
from lnwatch.rules.loop_stalled import RULE
from tests.assessments import NOW
from tests.rules.views import judged, make_view


def own(*episodes: Episode) -> View:
    return make_view(site="lnwatch", own=OwnHealth(loop_stalls=episodes))


def stall(lasted: float, ended: float = 600.0) -> Episode:
    return Episode(NOW - ended - lasted, NOW - ended, "the event loop did not turn.")


def test_found_afterwards_with_how_long_it_lasted() -> None:
    """When it began, how long it took, and the limit."""
    finding = judged(RULE, own(stall(42))).only
    assert finding.subject == "site:lnwatch"
    assert finding.sentence == (
        "lnwatch stood still for 42 s (limit 5 s) from 2027-01-15 07:49:18 UTC: the event loop did not turn."
    )


@pytest.mark.parametrize(
    ("lasted", "ended", "found"), [(5, 0, True), (4.9, 0, False), (60, 3_600, True), (60, 3_601, False)]
)
def test_at_its_limits(lasted: float, ended: float, found: bool) -> None:
    """Five seconds or more, within the last hour."""
    assert bool(judged(RULE, own(stall(lasted, ended))).found) is found


def test_the_longest_is_told_and_all_are_evidence() -> None:
    """Another one brings a case back that was closed by hand."""
    one = judged(RULE, own(stall(20, 900))).only
    both = judged(RULE, own(stall(20, 900), stall(300, 60))).only
    assert "for 5 min (limit 5 s)" in both.sentence
    assert "one of 2 times" in both.sentence
    assert one.evidence != both.evidence


def test_quiet_without_stalls() -> None:
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
        RULE.thresholds(lasted_seconds=0)

"""Rule `tls_expiring`: by the share of the lifetime, and by days."""

import pytest

from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.tls_expiring import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view

DAY = 86_400.0


def certified(left: float, lifetime: float | None) -> TargetView:
    """A node whose certificate ends in `left` days, of `lifetime` days in all."""
    end = NOW + left * DAY
    return make_target("lnd", tls_expires_at=end, tls_begins_at=None if lifetime is None else end - lifetime * DAY)


@pytest.mark.parametrize(
    ("left", "lifetime", "severity"),
    [
        pytest.param(30, 90, None, id="exactly a third"),
        pytest.param(29.99, 90, Severity.WARNING, id="less than a third"),
        pytest.param(9, 90, Severity.WARNING, id="exactly a tenth"),
        pytest.param(8.99, 90, Severity.WARNING, id="less than a tenth, over 7 days"),
        pytest.param(7, 425, Severity.WARNING, id="exactly 7 days"),
        pytest.param(6.99, 425, Severity.CRITICAL, id="under 7 days, less than a tenth"),
        pytest.param(6, 60, Severity.WARNING, id="under 7 days, exactly a tenth"),
        pytest.param(3, 6, None, id="under 7 days, half of a short life"),
        pytest.param(1.9, 6, Severity.WARNING, id="less than a third of a short life"),
        pytest.param(0.5, 6, Severity.CRITICAL, id="less than a tenth of a short life"),
        pytest.param(200, 425, None, id="long to go"),
    ],
)
def test_severity(left: float, lifetime: float, severity: Severity | None) -> None:
    """Short-lived certificates are held to their own life, not to days alone."""
    node = certified(left, lifetime)
    found = judged(RULE, make_view(node), node).found
    assert [finding.severity for finding in found.values()] == ([] if severity is None else [severity])


def test_the_sentence_names_figure_and_limit() -> None:
    """What is left in time and share, the limit, and the day."""
    node = certified(20, 100)
    assert judged(RULE, make_view(node), node).only.sentence == (
        "The certificate of source:ln1 (lnd) ends in 20 d, 20 % of its lifetime (limit 33.3 %), "
        "on 2027-02-04 08:00:00 UTC."
    )
    last = certified(5, 100)
    assert "5 % of its lifetime (limit 10 % and 7 d)" in judged(RULE, make_view(last), last).only.sentence


@pytest.mark.parametrize("lifetime", [90, None])
def test_past_its_end_it_is_critical(lifetime: float | None) -> None:
    """Nobody gets through any more, whatever its lifetime was; the end is new evidence."""
    node = certified(0, lifetime)
    finding = judged(RULE, make_view(node), node).only
    assert finding.severity is Severity.CRITICAL
    assert "ended on 2027-01-15 08:00:00 UTC" in finding.sentence
    before = certified(1, 90)
    assert judged(RULE, make_view(before), before).only.evidence != finding.evidence


def test_without_a_beginning_only_the_last_days_are_known() -> None:
    """The lifetime is not guessed."""
    near = certified(6.9, None)
    assert judged(RULE, make_view(near), near).only.severity is Severity.WARNING
    far = certified(7, None)
    assert list(judged(RULE, make_view(far), far).unknown) == ["source:ln1"]


def test_quiet_without_tls() -> None:
    """A source that serves and shows no certificate has none."""
    core = make_target("bitcoind", tls_expires_at=None)
    assert judged(RULE, make_view(core), core).clear


def test_unknown_before_a_certificate_was_seen() -> None:
    """A source that is away may have one that is over."""
    node = failing(make_target("lnd", tls_expires_at=None), TargetState.DOWN)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]


def test_a_public_address_is_held_to_the_same() -> None:
    """The certificate that customers meet ends like any other."""
    checkout = make_target("probe", tls_expires_at=NOW + 20 * DAY, tls_begins_at=NOW - 70 * DAY)
    finding = judged(RULE, make_view(checkout), checkout).only
    assert finding.sentence.startswith(
        "The certificate of source:checkout (probe) ends in 20 d, 22.2 % of its lifetime"
    )


def test_nonsense_is_refused() -> None:
    """Critical comes after warning."""
    with pytest.raises(ValueError, match="`warning_share` must be above `critical_share`"):
        RULE.thresholds(critical_share=0.5)
    with pytest.raises(ValueError, match="`warning_share` is a share between 0 and 1"):
        RULE.thresholds(warning_share=33)

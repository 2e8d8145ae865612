"""Rule `mempool_storm`: the next block costs a multiple of what is usual."""

from decimal import Decimal

import pytest

from lnwatch.model.chain import FeeEstimate
from lnwatch.model.view import Baseline, TargetView, View
from lnwatch.rules.mempool_storm import RULE
from tests.rules.views import baseline, core_status, judged, make_target, make_view, stale


def world(rate: str | None, usual: Baseline | None = None) -> tuple[View, TargetView]:
    estimate = FeeEstimate(2, None if rate is None else Decimal(rate))
    core = make_target("bitcoind", {"status": core_status(fees=(estimate, FeeEstimate(6, Decimal(1))))})
    baselines = {("core", "next_block_fee"): usual} if usual is not None else {}
    return make_view(core, baselines=baselines), core


def test_found_above_five_times_the_median() -> None:
    """Fee, multiple, median and limit are all in the sentence."""
    finding = judged(RULE, *world("61.5", baseline(10))).only
    assert finding.sentence == (
        "source:core (Bitcoin Core) estimates 61.5 sat/vB for the next block, "
        "6.15 times the 30-day median of 10 sat/vB (limit 5 times)."
    )
    assert finding.facts["lowest fee kept"] == "0.1 sat/vB"


def test_found_without_mempool_figures() -> None:
    """The estimate alone tells; what the mempool keeps is an extra."""
    estimate = FeeEstimate(2, Decimal(900))
    core = make_target("bitcoind", {"status": core_status(fees=(estimate,), mempool_min_fee=None)})
    view = make_view(core, baselines={("core", "next_block_fee"): baseline(10)})
    assert "lowest fee kept" not in judged(RULE, view, core).only.facts


@pytest.mark.parametrize(("rate", "found"), [("49.9", False), ("50", False), ("50.01", True)])
def test_edge(rate: str, found: bool) -> None:
    """Exactly five times is not over five times."""
    assert bool(judged(RULE, *world(rate, baseline(10))).found) is found


@pytest.mark.parametrize(
    ("rate", "usual"),
    [
        pytest.param(None, baseline(10), id="no estimate"),
        pytest.param("900", None, id="no baseline"),
        pytest.param("900", baseline(10, samples=71), id="too short a past"),
        pytest.param("900", baseline(0), id="a median of nothing"),
    ],
)
def test_unknown_without_a_figure_or_a_past(rate: str | None, usual: Baseline | None) -> None:
    """Without an estimate, or anything to hold it against, nothing is usual or unusual."""
    assert list(judged(RULE, *world(rate, usual)).unknown) == ["source:core"]


def test_a_past_that_is_just_long_enough_counts() -> None:
    """Three days of hours are enough."""
    assert judged(RULE, *world("900", baseline(10, samples=72))).found


def test_unknown_without_a_fresh_status() -> None:
    """A storm of an hour ago may be over."""
    view, core = world("900", baseline(10))
    assert judged(RULE, view, stale(core)).unknown


def test_nonsense_is_refused() -> None:
    """A factor of nothing would be found always."""
    with pytest.raises(ValueError, match="`factor` must be above 0, found nan"):
        RULE.thresholds(factor=float("nan"))

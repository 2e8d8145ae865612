"""Rule `source_slow`: a multiple of its own usual round trip."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Baseline, TargetView, View
from lnwatch.rules.source_slow import RULE
from tests.assessments import node_status
from tests.rules.views import baseline, core_status, failing, judged, make_target, make_view, stale
from tests.shops import btcpay_status


def world(seconds: float, usual: Baseline | None, kind: str = "bitcoind") -> tuple[View, TargetView]:
    facts = (
        {"status": core_status(rpc_seconds=seconds)}
        if kind == "bitcoind"
        else {"node": node_status(rpc_seconds=seconds)}
    )
    source = make_target(kind, facts)
    baselines = {(source.slug, "rpc_seconds"): usual} if usual is not None else {}
    return make_view(source, baselines=baselines), source


def test_found_above_five_times_the_median() -> None:
    """Time, multiple, median and limit are all in the sentence."""
    assert judged(RULE, *world(1.5, baseline("0.2"))).only.sentence == (
        "source:core (bitcoind) takes 1.5 s to answer, 7.5 times its median of 200 ms (limit 5 times)."
    )


def test_found_of_a_lightning_node() -> None:
    """GetInfo's round trip is the node's."""
    assert list(judged(RULE, *world(9, baseline("0.5"), "lnd")).found) == ["source:ln1"]


def test_found_of_a_btcpay_server() -> None:
    """Server info's round trip is its own."""
    pay = make_target("btcpay", {"status": btcpay_status(rpc_seconds=2.0)}, slug="pay")
    view = make_view(pay, baselines={("pay", "rpc_seconds"): baseline("0.05")})
    assert list(judged(RULE, view, pay).found) == ["source:pay"]


@pytest.mark.parametrize(
    ("seconds", "median", "found"),
    [(1.0, "0.2", False), (1.01, "0.2", True), (0.2, "0.002", False), (0.21, "0.002", True)],
)
def test_edge(seconds: float, median: str, found: bool) -> None:
    """Exactly five times is not over five times; what is fast all the same harms nobody."""
    assert bool(judged(RULE, *world(seconds, baseline(median))).found) is found


@pytest.mark.parametrize("usual", [None, baseline("0.2", samples=23), baseline(0)])
def test_unknown_without_a_past(usual: Baseline | None) -> None:
    """Without a past nothing is unusual."""
    assert list(judged(RULE, *world(60, usual)).unknown) == ["source:core"]


def test_a_past_that_is_just_long_enough_counts() -> None:
    """A day of hours is enough."""
    assert judged(RULE, *world(60, baseline("0.2", samples=24))).found


def test_unknown_without_a_fresh_answer() -> None:
    """A source that is away is not slow."""
    view, core = world(60, baseline("0.2"))
    assert judged(RULE, view, stale(core)).unknown
    assert judged(RULE, view, failing(core, TargetState.HANGING, "timeout")).unknown


def test_a_host_has_no_round_trip() -> None:
    """The machine that lnwatch runs on is not asked over a line."""
    host = make_target("host")
    assert judged(RULE, make_view(host), host).clear


def test_nonsense_is_refused() -> None:
    """A factor of nothing would be found always."""
    with pytest.raises(ValueError, match="`factor` must be above 0"):
        RULE.thresholds(factor=0)

"""Rule `inbound_cover_low`: what could come in, held against what a day brings."""

import pytest

from lnwatch.model.kpi import Demand
from lnwatch.model.lightning import Channels
from lnwatch.model.money import Msat, msat
from lnwatch.model.view import ShopView, TargetView
from lnwatch.rules.inbound_cover_low import RULE
from tests.assessments import NOW, channel
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import demand, shop


def node(inbound_sat: int) -> TargetView:
    """One channel over which that much can come in, above the peer's reserve of 100,000 sat."""
    one = channel(remote_msat=msat(inbound_sat + 100_000), initiator=True)
    return make_target("lnd", {"channels": Channels((one,))})


@pytest.mark.parametrize(("inbound", "found"), [(3_000_000, False), (2_999_999, True), (0, True)])
def test_edge(inbound: int, found: bool) -> None:
    """One and a half expected days are enough."""
    ln1 = node(inbound)
    assert bool(judged(RULE, make_view(ln1, shops=[shop()], demand=[demand()]), ln1).found) is found


def test_the_sentence_names_figure_and_limit() -> None:
    """And the facts on how many days the expectation stands."""
    ln1 = node(1_000_000)
    finding = judged(RULE, make_view(ln1, shops=[shop()], demand=[demand()]), ln1).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "node:ln1 could receive 1,000,000 sat, 0.5 times the 2,000,000 sat that a day is expected to bring "
        "(limit 1.5 times)."
    )
    assert finding.facts["expected from"] == "30 days"
    assert finding.severity is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"days": 3, "sure": False}, "3 days, too little to be sure"),
        ({"days": 0, "sure": False}, "what is declared alone, too little to be sure"),
    ],
)
def test_a_young_estimate_says_so(changes: dict[str, object], words: str) -> None:
    """Treasury sees on how little it stands."""
    ln1 = node(1_000_000)
    view = make_view(ln1, shops=[shop()], demand=[demand(**changes)])
    assert judged(RULE, view, ln1).only.facts["expected from"] == words


def test_a_day_that_brings_nothing_needs_nothing() -> None:
    """No division by zero."""
    ln1 = node(0)
    assert judged(RULE, make_view(ln1, shops=[shop()], demand=[demand(daily_msat=Msat(0))]), ln1).clear


@pytest.mark.parametrize(
    ("ln1", "shops", "demands", "why"),
    [
        pytest.param(stale(node(0)), [shop()], [demand()], "`channels` has nothing fresh", id="channels are old"),
        pytest.param(node(0), [shop()], [], "no store is known to stand on node:ln1", id="no demand"),
        pytest.param(node(0), [], [demand()], "no store is known to stand on node:ln1", id="no store"),
        pytest.param(
            node(0), [shop(read_until=None)], [demand()], "store:shop was not read yet", id="the store was never read"
        ),
        pytest.param(
            node(0), [shop(read_until=NOW - 86_401)], [demand()], "was not read for 1 d", id="not read for a day"
        ),
        pytest.param(
            node(0),
            [shop()],
            [demand(daily_msat=Msat(0), days=0, median_msat=None)],
            "no Lightning payment to node:ln1 is known yet",
            id="no payment yet",
        ),
    ],
)
def test_unknown_names_what_is_missing(ln1: TargetView, shops: list[ShopView], demands: list[Demand], why: str) -> None:
    """Silence would look like health."""
    told = judged(RULE, make_view(ln1, shops=shops, demand=demands), ln1)
    assert not told.found
    assert why in told.unknown["node:ln1"]


def test_nonsense_is_refused() -> None:
    """No cover of nothing."""
    with pytest.raises(ValueError, match="`cover` must be above 0"):
        RULE.thresholds(cover=0.0)

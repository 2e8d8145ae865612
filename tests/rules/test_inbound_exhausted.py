"""Rule `inbound_exhausted`: not even a usual payment fits any more."""

import pytest

from lnwatch.model.kpi import Demand
from lnwatch.model.lightning import Channels
from lnwatch.model.money import Msat, msat
from lnwatch.model.view import ShopView, TargetView
from lnwatch.rules.inbound_exhausted import RULE
from tests.assessments import channel
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import demand, shop

YOUNG = demand(median_msat=None, p95_msat=None, tickets=0, days=0, daily_msat=Msat(0), sure=False)


def node(inbound_msat: int, *, active: bool = True) -> TargetView:
    """One channel over which that much can come in, above the peer's reserve of 100,000 sat."""
    one = channel(remote_msat=Msat(inbound_msat + msat(100_000)), initiator=True, active=active)
    return make_target("lnd", {"channels": Channels((one,))})


@pytest.mark.parametrize(("inbound", "found"), [(100_000_000, False), (99_999_999, True), (0, True)])
def test_edge(inbound: int, found: bool) -> None:
    """The median payment still fits."""
    ln1 = node(inbound)
    assert bool(judged(RULE, make_view(ln1, shops=[shop()], demand=[demand()]), ln1).found) is found


def test_the_sentence_names_figure_and_limit() -> None:
    """What could come in, and what is usual."""
    ln1 = node(60_000_000)
    finding = judged(RULE, make_view(ln1, shops=[shop()], demand=[demand()]), ln1).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "node:ln1 could receive 60,000 sat, less than half of its payments are worth (median 100,000 sat)."
    )
    assert finding.facts["payments known"] == "600"
    assert finding.severity is None


def test_nothing_is_less_than_any_payment() -> None:
    """A store stands on the node, and no payment is known yet: with nothing to come in none ever will be."""
    ln1 = node(5_000_000, active=False)
    finding = judged(RULE, make_view(ln1, shops=[shop()], demand=[YOUNG]), ln1).only
    assert finding.sentence == "node:ln1 could receive nothing over Lightning, and stores stand on it."


@pytest.mark.parametrize(
    ("ln1", "shops", "demands", "why"),
    [
        pytest.param(stale(node(0)), [shop()], [demand()], "`channels` has nothing fresh", id="channels are old"),
        pytest.param(node(0), [], [], "no store is known to stand on node:ln1", id="no store"),
        pytest.param(node(0), [shop(read_until=None)], [demand()], "was not read yet", id="the store was never read"),
        pytest.param(node(1), [shop()], [YOUNG], "what is usual can't be told", id="no payment yet"),
    ],
)
def test_unknown_names_what_is_missing(ln1: TargetView, shops: list[ShopView], demands: list[Demand], why: str) -> None:
    """A node without a store wakes nobody, and does not look healthy either."""
    told = judged(RULE, make_view(ln1, shops=shops, demand=demands), ln1)
    assert not told.found
    assert why in told.unknown["node:ln1"]

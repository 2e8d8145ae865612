"""Rule `largest_ticket_not_receivable`: the large payments, in one part or in many."""

import pytest

from lnwatch.model.kpi import Demand
from lnwatch.model.lightning import Channels
from lnwatch.model.money import msat
from lnwatch.model.view import ShopView, TargetView
from lnwatch.rules.largest_ticket_not_receivable import RULE
from tests.assessments import channel
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import demand, shop


def node(*inbound_sat: int) -> TargetView:
    """Channels over which that much can come in each, above the peer's reserve of 100,000 sat."""
    channels = (
        channel(index, remote_msat=msat(amount + 100_000), initiator=True) for index, amount in enumerate(inbound_sat)
    )
    return make_target("lnd", {"channels": Channels(tuple(channels))})


@pytest.mark.parametrize(
    ("inbound", "parts_share", "found"),
    [
        pytest.param((1_000_000,), 0.0, False, id="just fits into one part"),
        pytest.param((999_999, 999_999), 0.0, True, id="not in one part, and customers pay in one"),
        pytest.param((999_999, 999_999), 0.5, True, id="half of them pay in parts, which is not over half"),
        pytest.param((999_999, 999_999), 0.51, False, id="over half pay in parts"),
        pytest.param((500_000, 500_000), 0.51, False, id="just fits into two parts"),
        pytest.param((500_000, 499_999), 0.51, True, id="not even in many parts"),
    ],
)
def test_edge(inbound: tuple[int, ...], parts_share: float, found: bool) -> None:
    """How customers pay decides whether one part counts or many."""
    ln1 = node(*inbound)
    view = make_view(ln1, shops=[shop()], demand=[demand(parts_share=parts_share)])
    assert bool(judged(RULE, view, ln1).found) is found


def test_the_sentence_names_figure_and_limit() -> None:
    """Both figures stand in the facts, whichever of them counted."""
    ln1 = node(700_000, 200_000)
    finding = judged(RULE, make_view(ln1, shops=[shop()], demand=[demand()]), ln1).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "node:ln1 could receive 700,000 sat at most in one part, and one in twenty of its payments is above "
        "1,000,000 sat."
    )
    assert finding.facts == {
        "in one part": "700,000 sat",
        "in many parts": "900,000 sat",
        "95 % of payments up to": "1,000,000 sat",
        "payments known": "600",
        "paid in several parts": "25 %",
    }


@pytest.mark.parametrize(
    ("ln1", "shops", "demands", "why"),
    [
        pytest.param(stale(node(0)), [shop()], [demand()], "`channels` has nothing fresh", id="channels are old"),
        pytest.param(node(0), [], [], "no store is known to stand on node:ln1", id="no store"),
        pytest.param(node(0), [shop()], [demand(p95_msat=None)], "how large they are can't be told", id="no payment"),
    ],
)
def test_unknown_names_what_is_missing(ln1: TargetView, shops: list[ShopView], demands: list[Demand], why: str) -> None:
    """Silence would look like health."""
    told = judged(RULE, make_view(ln1, shops=shops, demand=demands), ln1)
    assert not told.found
    assert why in told.unknown["node:ln1"]


def test_nonsense_is_refused() -> None:
    """A share is a share."""
    with pytest.raises(ValueError, match="`parts_share` is a share"):
        RULE.thresholds(parts_share=0.0)

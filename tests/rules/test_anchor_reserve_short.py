"""Rule `anchor_reserve_short`: no money for the fees of a force close."""

import pytest

from lnwatch.model.lightning import Wallet
from lnwatch.model.money import msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.anchor_reserve_short import RULE
from tests.rules.views import failing, judged, make_target, make_view, stale


def node(confirmed: int, reserve: int, unconfirmed: int = 0) -> TargetView:
    wallet = Wallet(msat(confirmed), msat(unconfirmed), msat(0), msat(reserve))
    return make_target("lnd", {"wallet": wallet})


def test_found_below_the_reserve() -> None:
    """What is there, and what should be."""
    finding = judged(RULE, make_view(target := node(29_999, 30_000)), target).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "The on-chain wallet of node:ln1 holds 29,999 sat, less than the reserve of 30,000 sat that its open channels "
        "need for the fees of a force close."
    )


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(node(30_000, 30_000), id="exactly the reserve"),
        pytest.param(node(10_000, 30_000, unconfirmed=20_000), id="the rest is on its way"),
        pytest.param(node(0, 0), id="no channel that needs any"),
    ],
)
def test_quiet(target: TargetView) -> None:
    """LND's own check counts what is unconfirmed, and demands nothing without channels."""
    assert judged(RULE, make_view(target), target).clear


def test_the_reserve_can_be_set_higher() -> None:
    """LND's own is little when fees are high."""
    target = node(45_000, 30_000)
    assert judged(RULE, make_view(target), target, reserve_factor=1.5).clear
    assert "reserve of 60,000 sat" in judged(RULE, make_view(target), target, reserve_factor=2.0).only.sentence


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(stale(node(0, 30_000), "wallet"), id="not read lately"),
        pytest.param(failing(node(0, 30_000), TargetState.LOCKED), id="locked"),
    ],
)
def test_unknown_without_the_wallet(target: TargetView) -> None:
    """A wallet that can't be read is neither full nor empty."""
    assert list(judged(RULE, make_view(target), target).unknown) == ["node:ln1"]


def test_nonsense_is_refused() -> None:
    """A reserve of nothing guards nothing."""
    with pytest.raises(ValueError, match="`reserve_factor` must be above 0"):
        RULE.thresholds(reserve_factor=0.0)

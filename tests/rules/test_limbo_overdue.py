"""Rule `limbo_overdue`: money that has matured and does not come."""

from typing import Any

import pytest

from lnwatch.model.lightning import PendingChannel, PendingChannels, PendingState
from lnwatch.model.money import msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.limbo_overdue import RULE
from tests.assessments import HEIGHT, pending_channel
from tests.rules.views import failing, judged, make_target, make_view, stale

SUBJECT = f"channel:{pending_channel().point}"


def node(*pending: PendingChannel) -> TargetView:
    return make_target("lnd", {"pending": PendingChannels(pending, msat(0))})


def matured(blocks_ago: int, **changes: Any) -> PendingChannel:  # noqa: ANN401 - fields of PendingChannel
    return pending_channel(maturity_height=HEIGHT - blocks_ago, blocks_to_maturity=-blocks_ago, **changes)


def test_found_at_the_limit() -> None:
    """How much, and for how long it could have been back."""
    finding = judged(RULE, make_view(target := node(matured(144))), target).only
    assert finding.subject == SUBJECT
    assert finding.sentence == (
        "900,000 sat of the force-closed channel eeeeeeeeeeee…:0 of node:ln1 matured 144 blocks ago (limit 144 blocks) "
        "and have not come back."
    )
    assert finding.evidence == finding.facts["closing transaction"] == "dd" * 32


@pytest.mark.parametrize(
    "pending",
    [
        pytest.param(matured(143), id="a block before the limit"),
        pytest.param(pending_channel(), id="not matured"),
        pytest.param(matured(500, limbo_msat=msat(0)), id="nothing left to come"),
        pytest.param(pending_channel(state=PendingState.CLOSING, maturity_height=None), id="not confirmed"),
    ],
)
def test_quiet(pending: PendingChannel) -> None:
    """What has time, and what owes nothing, is well."""
    assert judged(RULE, make_view(target := node(pending)), target).clear


def test_unknown_without_a_maturity() -> None:
    """Outputs of HTLCs alone have no maturity that the node tells."""
    target = node(pending_channel(maturity_height=None, blocks_to_maturity=None))
    assert list(judged(RULE, make_view(target), target).unknown) == [SUBJECT]


def test_unknown_without_the_height() -> None:
    """What the node counted a while ago proves nothing."""
    target = stale(node(matured(500)), "node")
    assert list(judged(RULE, make_view(target), target).unknown) == [SUBJECT]


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, None])
def test_unknown_while_the_node_is_away(state: TargetState | None) -> None:
    """Nobody says whether it came."""
    target = failing(node(matured(500)), state)
    assert list(judged(RULE, make_view(target), target).unknown) == [None]


def test_nonsense_is_refused() -> None:
    """It can't be overdue before it is due."""
    with pytest.raises(ValueError, match="`overdue_blocks` must be above 0"):
        RULE.thresholds(overdue_blocks=-1)

"""Rule `lightning_locked`: the node runs, its wallet does not open."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.lightning_locked import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

NODE = make_target("lnd")


def test_found_while_locked() -> None:
    """What to do is in the sentence, as the source says it."""
    node = failing(NODE, TargetState.LOCKED, "locked", "the wallet is locked: unlock it with `lncli unlock`")
    assert judged(RULE, make_view(node), node).only.sentence == (
        "node:ln1 (lnd) has been locked since 2027-01-15 07:00:00 UTC: "
        "the wallet is locked: unlock it with `lncli unlock`."
    )


@pytest.mark.parametrize("state", [TargetState.UP, TargetState.SYNCING])
def test_clear_while_it_serves(state: TargetState) -> None:
    """Who serves has an open wallet."""
    node = make_target("lnd", state=state)
    assert judged(RULE, make_view(node), node).clear


def test_found_from_the_first_look_on() -> None:
    """The edge is `for`, a minute: a wallet that was locked this instant is found."""
    node = failing(NODE, TargetState.LOCKED, "locked", since=NOW)
    assert judged(RULE, make_view(node), node).found
    assert RULE.after == 60


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(failing(NODE, TargetState.STARTING, "starting"), id="a start may end locked"),
        pytest.param(failing(NODE, TargetState.DOWN), id="down"),
        pytest.param(failing(NODE, TargetState.HANGING, "timeout"), id="hanging"),
        pytest.param(failing(NODE, TargetState.REJECTED, "rejected"), id="rejected"),
        pytest.param(failing(NODE, None), id="not asked"),
        pytest.param(
            with_collector(failing(NODE, TargetState.LOCKED, "locked"), "node", last_run_at=NOW - 46),
            id="asked long ago",
        ),
    ],
)
def test_unknown_while_the_wallet_can_not_be_seen(node: TargetView) -> None:
    """A node that dies locked does not send that it was unlocked."""
    verdict = judged(RULE, make_view(node), node)
    assert list(verdict.unknown) == ["node:ln1"]

"""Rule `lightning_down`: no answer or none in time; a locked or starting node answers."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.lightning_down import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, with_collector

NODE = make_target("lnd")


def test_found_while_it_is_down() -> None:
    """Told as the node's own, with the reason."""
    node = failing(NODE, TargetState.DOWN, message="nothing listens at 127.0.0.1:10009.")
    assert judged(RULE, make_view(node), node).only.sentence == (
        "node:ln1 (lnd) has given no answer since 2027-01-15 07:00:00 UTC: nothing listens at 127.0.0.1:10009."
    )


def test_found_while_it_hangs() -> None:
    """A node that takes the call and never answers serves nobody."""
    node = failing(NODE, TargetState.HANGING, "timeout", "LND is up, but does not answer GetInfo in time")
    finding = judged(RULE, make_view(node), node).only
    assert "has hung since" in finding.sentence
    assert finding.facts["state"] == "hanging"


@pytest.mark.parametrize(
    "state", [TargetState.UP, TargetState.SYNCING, TargetState.STARTING, TargetState.LOCKED, TargetState.REJECTED]
)
def test_clear_while_it_answers(state: TargetState) -> None:
    """Locked, starting and refusing are answers, told by other rules."""
    node = failing(NODE, state, "rejected")
    assert judged(RULE, make_view(node), node).clear


def test_found_from_the_first_failure_on() -> None:
    """The edge is `for`, a minute: a state that began this instant is found."""
    node = failing(NODE, TargetState.DOWN, since=NOW)
    assert judged(RULE, make_view(node), node).found
    assert RULE.after == 60


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(make_target("lnd", state=None, since=None), id="not asked since the start"),
        pytest.param(failing(NODE, TargetState.REJECTED, "credential_unreadable"), id="could not ask"),
        pytest.param(with_collector(NODE, "node", last_run_at=NOW - 46), id="asking stands still"),
    ],
)
def test_unknown_while_nobody_asked(node: TargetView) -> None:
    """Where the node was not asked just now, nothing is told to be well or ill."""
    verdict = judged(RULE, make_view(node), node)
    assert list(verdict.unknown) == ["node:ln1"]

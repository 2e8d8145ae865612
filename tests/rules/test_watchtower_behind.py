"""Rule `watchtower_behind`: towers that don't keep up."""

from typing import Any

import pytest

from lnwatch.model.lightning import Watchtower
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View
from lnwatch.rules.watchtower_behind import RULE
from tests.rules.views import baseline, failing, judged, make_target, make_view, stale


def node(pending: int, **changes: Any) -> TargetView:  # noqa: ANN401 - fields of Watchtower
    usual: dict[str, Any] = {
        "enabled": True,
        "backups": 500,
        "failed_backups": 0,
        "sessions_acquired": 1,
        "sessions_exhausted": 0,
    }
    return make_target("lnd", {"watchtower": Watchtower(**(usual | changes), pending_backups=pending)})


def seen(target: TargetView, median: float | None = None) -> View:
    usual = {} if median is None else {("ln1", "watchtower_pending"): baseline(str(median))}
    return make_view(target, baselines=usual)


def test_found_when_backups_pile_up() -> None:
    """How many wait, beside the limit and what is usual here."""
    finding = judged(RULE, seen(target := node(24), 2), target).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "Watchtowers of node:ln1 don't keep up: 24 backups of channel states waiting (limit 10, usual 2)."
    )


@pytest.mark.parametrize(
    ("pending", "median", "found"),
    [
        (9, None, False),
        (10, None, True),
        (10, 0, True),
        (29, 10, False),
        (30, 10, True),
        (99, 60, False),
        (100, 60, True),
    ],
)
def test_the_limit_follows_what_is_usual(pending: int, median: float | None, found: bool) -> None:
    """A few never count, three times the usual does, and a hundred does however usual that has become."""
    target = node(pending)
    assert bool(judged(RULE, seen(target, median), target).found) is found


def test_found_without_a_session() -> None:
    """One waiting backup is one too many when there is no session to take it."""
    finding = judged(RULE, seen(target := node(1, sessions_acquired=2, sessions_exhausted=2)), target).only
    assert finding.sentence == (
        "Watchtowers of node:ln1 don't keep up: 1 backup of channel states waiting and no session left, 2 are used up."
    )
    assert finding.evidence == "no session"


@pytest.mark.parametrize(
    ("pending", "acquired", "exhausted"),
    [
        pytest.param(0, 2, 2, id="nothing waits"),
        pytest.param(3, 0, 0, id="since a restart of the node, with a session from before"),
        pytest.param(3, 3, 2, id="one left"),
    ],
)
def test_sessions_that_suffice(pending: int, acquired: int, exhausted: int) -> None:
    """LND counts from its start, so equal figures alone prove nothing."""
    target = node(pending, sessions_acquired=acquired, sessions_exhausted=exhausted)
    assert judged(RULE, seen(target), target).clear


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(node(500, enabled=False), id="the client is off"),
        pytest.param(stale(node(500), "watchtower"), id="not read lately"),
        pytest.param(failing(node(500), TargetState.DOWN), id="node away"),
    ],
)
def test_unknown_without_a_client(target: TargetView) -> None:
    """A node without towers is not well guarded: it is not guarded."""
    assert list(judged(RULE, seen(target), target).unknown) == ["node:ln1"]


def test_nonsense_is_refused() -> None:
    """The most is more than a few."""
    with pytest.raises(ValueError, match="`most_pending` must be above `few_pending`"):
        RULE.thresholds(most_pending=10)
    with pytest.raises(ValueError, match="`factor` must be above 0"):
        RULE.thresholds(factor=0.0)

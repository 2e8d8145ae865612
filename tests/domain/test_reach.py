"""Whether a source answers and serves."""

import pytest

from lnwatch.domain.reach import lead, present_state, serving_since, standing_faults
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault
from tests.assessments import NOW
from tests.rules.views import failing, make_target, make_view, span, with_collector

NODE = make_target("lnd", since=NOW - 100)


def test_the_first_collector_leads() -> None:
    """It answers for the system as a whole."""
    health = lead(NODE)
    assert health is not None
    assert health.name == "node"


@pytest.mark.parametrize(("age", "known"), [(45, True), (45.1, False)])
def test_a_state_is_as_old_as_the_last_look(age: float, known: bool) -> None:
    """Three intervals without a look, and nothing is known any more."""
    node = with_collector(NODE, "node", last_run_at=NOW - age)
    assert (present_state(node, NOW) is TargetState.UP) is known


def test_our_own_fault_leaves_the_state_until_it_is_stale() -> None:
    """A bug of the leading collector says nothing of the target."""
    bug = Fault(NOW, "bug", "KeyError inside lnwatch; see the log", None)
    node = with_collector(NODE, "node", success=False, fault=bug, last_success_at=NOW - 45)
    assert present_state(node, NOW) is TargetState.UP
    assert present_state(with_collector(node, "node", last_success_at=NOW - 46), NOW) is None


def test_serving_counts_from_the_last_time_away() -> None:
    """Syncing and up are one stretch; another source's spans are not this one's."""
    states = [
        span("ln1", NOW - 9_000, TargetState.UP),
        span("ln1", NOW - 5_000, TargetState.LOCKED),
        span("ln1", NOW - 4_000, TargetState.SYNCING),
        span("core", NOW - 3_000, TargetState.DOWN),
        span("ln1", NOW - 100, TargetState.UP),
    ]
    assert serving_since(make_view(NODE, states=states), NODE) == NOW - 4_000
    assert serving_since(make_view(NODE), NODE) == NOW - 100
    away = failing(NODE, TargetState.DOWN)
    assert serving_since(make_view(away, states=states), away) is None


def test_only_faults_since_it_serves_stand() -> None:
    """Of the reasons that were asked for."""
    node = with_collector(NODE, "peers", fault=Fault(NOW - 100, "forbidden", "no", None))
    node = with_collector(node, "closed", fault=Fault(NOW - 101, "forbidden", "no", None))
    node = with_collector(node, "wallet", fault=Fault(NOW, "timeout", "no", None))
    assert list(standing_faults(make_view(node), node, frozenset({"forbidden"}))) == ["peers"]
    away = failing(node, TargetState.DOWN)
    assert standing_faults(make_view(away), away, frozenset({"forbidden"})) == {}

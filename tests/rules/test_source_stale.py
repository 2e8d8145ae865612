"""Rule `source_stale`: the source is up, and one thing that is read of it does not come."""

import pytest

from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault, TargetView
from lnwatch.rules.source_stale import RULE
from tests.assessments import NOW
from tests.rules.views import failing, judged, make_target, make_view, span, with_collector

NODE = make_target("lnd", since=NOW - 86_400)
TIMEOUT = Fault(NOW - 5, "timeout", "no answer within 12 s", None)


def late(seconds: float, fault: Fault | None = TIMEOUT, name: str = "channels", node: TargetView = NODE) -> TargetView:
    return with_collector(node, name, last_success_at=NOW - seconds, success=fault is None, fault=fault)


def test_found_with_the_collector_the_figure_and_the_reason() -> None:
    """Which collector, for how long, of how much, and why."""
    node = late(61)
    finding = judged(RULE, make_view(node), node).only
    assert finding.subject == "source:ln1"
    assert finding.sentence == (
        "source:ln1 (lnd) is up, but its collector `channels` has not succeeded for 1 min 1 s (limit 45 s): "
        "no answer within 12 s."
    )
    assert finding.evidence == "channels=timeout"


def test_several_collectors_are_one_finding() -> None:
    """One source, one case; every collector is in the facts."""
    node = late(100, TIMEOUT, "peers", late(61))
    finding = judged(RULE, make_view(node), node).only
    assert "`channels`" in finding.sentence
    assert "likewise peers" in finding.sentence
    assert finding.facts["peers"] == "has not succeeded for 1 min 40 s (limit 45 s): no answer within 12 s"


@pytest.mark.parametrize(("seconds", "found"), [(45, False), (45.5, True)])
def test_edge(seconds: float, found: bool) -> None:
    """Three whole intervals are not too many."""
    node = late(seconds)
    assert bool(judged(RULE, make_view(node), node).found) is found


def test_unknown_where_nothing_failed() -> None:
    """A machine that slept, or whose clock was put forward, has asked nothing meanwhile: no source is to blame."""
    node = late(3_600, None)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]


def test_quiet_just_after_the_source_came_back() -> None:
    """What could not run while the source was away has three intervals from its return."""
    back = late(3_600, node=make_target("lnd", since=NOW - 40))
    assert judged(RULE, make_view(back), back).clear
    long_back = late(3_600, node=make_target("lnd", since=NOW - 46))
    assert judged(RULE, make_view(long_back), long_back).found


def test_catching_up_is_up() -> None:
    """A change from syncing to up gives no new time: the source served all along."""
    node = late(3_600, node=make_target("lnd", since=NOW - 10))
    states = [
        span("ln1", NOW - 4_000, TargetState.DOWN),
        span("ln1", NOW - 3_000, TargetState.SYNCING),
        span("other", NOW - 20, TargetState.DOWN),
        span("ln1", NOW - 10, TargetState.UP),
    ]
    assert judged(RULE, make_view(node, states=states), node).found


@pytest.mark.parametrize("reason", ["forbidden", "rejected", "tls", "credential_unreadable"])
def test_quiet_about_credentials(reason: str) -> None:
    """What a credential costs is told by the rules about credentials, once."""
    node = late(600, Fault(NOW, reason, "permission denied", "offchain:read"))
    assert judged(RULE, make_view(node), node).clear


def test_quiet_about_streams() -> None:
    """A stream has no interval; its gaps are another rule's."""
    node = with_collector(NODE, "invoices_stream", interval=0.0, success=False, last_success_at=None, fault=TIMEOUT)
    assert judged(RULE, make_view(node), node).clear


def test_a_collector_that_never_succeeded_has_three_runs() -> None:
    """After a start of lnwatch nobody knows how long it runs: failed runs count instead, until then it is unknown."""
    tried = with_collector(NODE, "channels", last_success_at=None, success=False, runs=2, fault=TIMEOUT)
    assert list(judged(RULE, make_view(tried), tried).unknown) == ["source:ln1"]
    failed = with_collector(tried, "channels", runs=3)
    assert "has never succeeded in 3 runs" in judged(RULE, make_view(failed), failed).only.sentence


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, TargetState.REJECTED, None])
def test_unknown_while_the_source_is_away(state: TargetState | None) -> None:
    """Collectors of a source that is away wait: neither stale nor well."""
    node = failing(late(600), state)
    assert list(judged(RULE, make_view(node), node).unknown) == ["source:ln1"]


def test_nonsense_is_refused() -> None:
    """No interval at all would be found always."""
    with pytest.raises(ValueError, match="`intervals` must be above 0"):
        RULE.thresholds(intervals=0)

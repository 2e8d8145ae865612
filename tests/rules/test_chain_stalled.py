"""Rule `chain_stalled`: no new block anywhere, told by those who would know of one."""

from typing import Any

import pytest

from lnwatch.model.rule import Severity
from lnwatch.rules.chain_stalled import RULE
from tests.assessments import HEIGHT, NOW, node_status
from tests.rules.views import core_status, judged, make_target, make_view, stale

OLD = int(NOW - 5_401)
NODE = make_target("lnd", {"node": node_status(best_header_time=OLD)})


def test_found_when_everybody_waits() -> None:
    """Told for the site as a whole, with the newest block that is known."""
    core = make_target("bitcoind", {"status": core_status(tip_time=OLD)})
    finding = judged(RULE, make_view(core, NODE)).only
    assert finding.sentence == (
        "site:main has seen no new block for 1 h 30 min (limit 1 h 30 min): "
        "the newest, 900,000, is from 2027-01-15 06:29:59 UTC."
    )
    assert RULE.severity is Severity.INFO


def test_found_by_a_lightning_node_alone() -> None:
    """A site without bitcoind has only the node's word."""
    assert judged(RULE, make_view(NODE)).found


@pytest.mark.parametrize(("core_time", "node_time"), [(OLD + 1, OLD), (OLD, OLD + 1)])
def test_one_newer_block_is_enough(core_time: int, node_time: int) -> None:
    """Whoever knows a block of exactly the limit's age clears the site."""
    core = make_target("bitcoind", {"status": core_status(tip_time=core_time)})
    node = make_target("lnd", {"node": node_status(best_header_time=node_time)})
    assert judged(RULE, make_view(core, node)).clear


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"headers": HEIGHT + 1}, id="knows of a newer header"),
        pytest.param({"initial_block_download": True}, id="loads the chain"),
        pytest.param({"peers_in": 0, "peers_out": 0}, id="has no peers"),
        pytest.param({"network_active": False}, id="is switched off"),
    ],
)
def test_unknown_when_no_bitcoind_would_know(changes: dict[str, Any]) -> None:
    """An old tip of a node that is cut off says nothing of the chain; nor does the Lightning node behind it."""
    core = make_target("bitcoind", {"status": core_status(tip_time=OLD, **changes)})
    assert list(judged(RULE, make_view(core, NODE)).unknown) == ["site:main"]


def test_unknown_when_nothing_is_fresh() -> None:
    """Silence of all sources is not the chain's."""
    core = make_target("bitcoind", {"status": core_status(tip_time=OLD)})
    assert list(judged(RULE, make_view(stale(core), stale(NODE))).unknown) == ["site:main"]
    unsynced = make_target("lnd", {"node": node_status(best_header_time=OLD, synced_to_chain=False)})
    assert judged(RULE, make_view(unsynced)).unknown


def test_nonsense_is_refused() -> None:
    """A chain without age can't be."""
    with pytest.raises(ValueError, match="`tip_age_seconds` must be above 0"):
        RULE.thresholds(tip_age_seconds=-1)

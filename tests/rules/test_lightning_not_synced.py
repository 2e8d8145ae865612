"""Rule `lightning_not_synced`: by the node's own word, and by its height against bitcoind."""

import pytest

from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.lightning_not_synced import RULE
from tests.assessments import HEIGHT, NOW, node_status
from tests.rules.views import core_status, failing, judged, make_target, make_view, stale

CORE = make_target("bitcoind")


def node_at(height: int, *, synced: bool = True, network: Network = Network.REGTEST) -> TargetView:
    status = node_status(block_height=height, synced_to_chain=synced, network=network)
    return make_target("lnd", {"node": status}, state=TargetState.UP if synced else TargetState.SYNCING)


def test_found_by_its_own_word() -> None:
    """Not synced is not synced, whatever the height."""
    node = node_at(HEIGHT, synced=False)
    assert judged(RULE, make_view(CORE, node), node).only.sentence == (
        "node:ln1 (lnd) says that it is not synced to the chain; it stands at block 900,000."
    )


def test_found_by_its_height_against_bitcoind() -> None:
    """A node that calls itself synced with a frozen height is found out."""
    node = node_at(HEIGHT - 2)
    finding = judged(RULE, make_view(CORE, node), node).only
    assert finding.sentence == "node:ln1 (lnd) stands at block 899,998, 2 blocks behind bitcoind (limit 2 blocks)."
    assert finding.facts["core"] == "900,000"


@pytest.mark.parametrize("height", [HEIGHT - 1, HEIGHT, HEIGHT + 5])
def test_quiet_within_one_block(height: int) -> None:
    """One block is the time between two looks; ahead of bitcoind is not behind."""
    node = node_at(height)
    assert judged(RULE, make_view(CORE, node), node).clear


def test_the_highest_bitcoind_counts() -> None:
    """A second bitcoind that is further is what the node is held against."""
    second = make_target("bitcoind", {"status": core_status(blocks=HEIGHT + 4)}, slug="second")
    node = node_at(HEIGHT)
    assert "4 blocks behind" in judged(RULE, make_view(CORE, second, node), node).only.sentence


def test_another_chain_does_not_count() -> None:
    """Heights of two chains have nothing to do with each other: that is told as the wrong network."""
    node = node_at(100, network=Network.SIGNET)
    assert judged(RULE, make_view(CORE, node), node).unknown


def test_a_site_without_bitcoind_takes_the_node_at_its_word() -> None:
    """There is nothing to hold it against."""
    node = node_at(HEIGHT)
    assert judged(RULE, make_view(node), node).clear


def test_a_start_is_found_only_when_it_does_not_end() -> None:
    """For half an hour a start is a start; after that it is told, with its phase."""
    late = failing(make_target("lnd"), TargetState.STARTING, "starting", "LND is starting up", since=NOW - 1_801)
    in_time = failing(make_target("lnd"), TargetState.STARTING, "starting", "LND is starting up", since=NOW - 1_800)
    assert judged(RULE, make_view(late), late).only.sentence == (
        "node:ln1 (lnd) has been starting for 30 min 1 s (limit 30 min): LND is starting up."
    )
    assert judged(RULE, make_view(in_time), in_time).unknown


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, TargetState.HANGING, None])
def test_unknown_without_the_node(state: TargetState | None) -> None:
    """Away is not synced, and not unsynced."""
    node = failing(node_at(HEIGHT, synced=False), state)
    assert list(judged(RULE, make_view(CORE, node), node).unknown) == ["node:ln1"]


def test_unknown_without_bitcoind() -> None:
    """With bitcoind gone the node's word alone clears nothing; its own no still counts."""
    node = node_at(HEIGHT)
    assert list(judged(RULE, make_view(stale(CORE), node), node).unknown) == ["node:ln1"]
    unsynced = node_at(HEIGHT, synced=False)
    assert judged(RULE, make_view(stale(CORE), unsynced), unsynced).found


def test_nonsense_is_refused() -> None:
    """No blocks behind would be found always."""
    with pytest.raises(ValueError, match="`lag_blocks` must be above 0"):
        RULE.thresholds(lag_blocks=0)

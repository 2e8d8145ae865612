"""Rule `bitcoind_behind`: blocks missing, a tip that others have left, a warm-up without end."""

import pytest

from lnwatch.model.chain import Network
from lnwatch.model.snapshot import TargetState
from lnwatch.rules.bitcoind_behind import RULE
from tests.assessments import HEIGHT, NOW, node_status
from tests.rules.views import core_status, failing, judged, make_target, make_view, stale

OLD = int(NOW - 5_401)  # a tip just over 90 minutes old


def test_found_with_blocks_missing() -> None:
    """Headers without their blocks are named with figure and limit."""
    core = make_target("bitcoind", {"status": core_status(headers=HEIGHT + 3)})
    assert judged(RULE, make_view(core), core).only.sentence == (
        "source:core (Bitcoin Core) stands at block 900,000, 3 blocks behind the headers it knows (limit 1 block)."
    )


def test_found_in_the_initial_download() -> None:
    """A node that loads the chain for the first time serves nobody, also before it knows how far it is to go."""
    status = core_status(blocks=180_000, headers=180_000, initial_block_download=True, verification_progress=0.0321)
    core = make_target("bitcoind", {"status": status})
    assert (
        "initial download at block 180,000 of 180,000, 3.2 % of all"
        in judged(RULE, make_view(core), core).only.sentence
    )


def test_found_with_an_old_tip_that_another_source_has_left() -> None:
    """No missing header is needed when the Lightning node, or another bitcoind, knows a newer block."""
    core = make_target("bitcoind", {"status": core_status(tip_time=OLD)})
    node = make_target("lnd", {"node": node_status(block_height=HEIGHT + 1)})
    other = make_target("bitcoind", {"status": core_status(blocks=HEIGHT + 2, headers=HEIGHT + 2)}, slug="second")
    assert "while ln1 knows block 900,001" in judged(RULE, make_view(core, node), core).only.sentence
    assert "while second knows block 900,002" in judged(RULE, make_view(core, node, other), core).only.sentence


@pytest.mark.parametrize(
    ("height", "tip_time", "network"),
    [
        pytest.param(HEIGHT, OLD, Network.REGTEST, id="nobody knows a newer one"),
        pytest.param(HEIGHT + 1, OLD + 1, Network.REGTEST, id="exactly 90 minutes old"),
        pytest.param(HEIGHT + 1, OLD, Network.MAIN, id="the other is on another chain"),
    ],
)
def test_quiet_with_a_tip_that_may_well_be_the_newest(height: int, tip_time: int, network: Network) -> None:
    """An old tip alone is luck."""
    core = make_target("bitcoind", {"status": core_status(tip_time=tip_time)})
    node = make_target("lnd", {"node": node_status(block_height=height, network=network)})
    assert judged(RULE, make_view(core, node), core).clear


def test_the_number_of_missing_blocks_has_an_edge() -> None:
    """Found at the limit, quiet one below it."""
    core = make_target("bitcoind", {"status": core_status(headers=HEIGHT + 2)})
    assert judged(RULE, make_view(core), core, lag_blocks=2).found
    assert judged(RULE, make_view(core), core, lag_blocks=3).clear


def test_a_warm_up_is_found_only_when_it_does_not_end() -> None:
    """For half an hour a start is a start and nobody can tell; after that it is told, with its phase."""
    core = make_target("bitcoind")
    late = failing(core, TargetState.STARTING, "starting", "Verifying blocks...", since=NOW - 1_801)
    in_time = failing(core, TargetState.STARTING, "starting", "Verifying blocks...", since=NOW - 1_800)
    assert judged(RULE, make_view(late), late).only.sentence == (
        "source:core (Bitcoin Core) has been starting for 30 min 1 s (limit 30 min): Verifying blocks."
    )
    assert judged(RULE, make_view(in_time), in_time).unknown


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.HANGING, TargetState.REJECTED, None])
def test_unknown_without_a_fresh_status(state: TargetState | None) -> None:
    """A node that is away is not behind, and not well either."""
    core = failing(make_target("bitcoind", {"status": core_status(headers=HEIGHT + 9)}), state)
    assert list(judged(RULE, make_view(core), core).unknown) == ["source:core"]


def test_a_stale_neighbour_does_not_count() -> None:
    """What another source knew an hour ago proves nothing."""
    core = make_target("bitcoind", {"status": core_status(tip_time=OLD)})
    node = stale(make_target("lnd", {"node": node_status(block_height=HEIGHT + 1)}))
    assert judged(RULE, make_view(core, node), core).clear


@pytest.mark.parametrize("field", ["lag_blocks", "tip_age_seconds", "warm_up_seconds"])
def test_nonsense_is_refused(field: str) -> None:
    """A threshold of nothing would be found always."""
    with pytest.raises(ValueError, match=f"`{field}` must be above 0"):
        RULE.thresholds(**{field: 0})

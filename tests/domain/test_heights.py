"""How far the sources have come, one against another."""

from lnwatch.domain.heights import bitcoind_tips, lightning_tips, newest_elsewhere
from lnwatch.model.chain import Network
from tests.assessments import HEIGHT, node_status
from tests.rules.views import core_status, make_target, make_view, stale

CORE = make_target("bitcoind")
AHEAD = make_target("bitcoind", {"status": core_status(blocks=HEIGHT + 3)}, slug="ahead")
NODE = make_target("lnd", {"node": node_status(block_height=HEIGHT + 1)})


def test_only_what_is_fresh_and_on_the_chain_counts() -> None:
    """A host tells no height; an old look and another chain are left out."""
    view = make_view(CORE, stale(AHEAD), NODE, make_target("host"))
    assert [tip.source for tip in bitcoind_tips(view)] == ["core"]
    assert [tip.source for tip in bitcoind_tips(view, Network.REGTEST)] == ["core"]
    assert list(bitcoind_tips(view, Network.MAIN)) == []
    assert list(lightning_tips(view, Network.MAIN)) == []


def test_a_node_that_is_not_synced_is_no_witness() -> None:
    """Its height is what it has scanned, not what it knows."""
    node = make_target("lnd", {"node": node_status(synced_to_chain=False)})
    assert list(lightning_tips(make_view(node))) == []


def test_the_highest_of_the_others() -> None:
    """Never the source itself."""
    view = make_view(CORE, AHEAD, NODE)
    best = newest_elsewhere(view, CORE, Network.REGTEST)
    assert best is not None
    assert (best.source, best.height) == ("ahead", HEIGHT + 3)
    other = newest_elsewhere(view, AHEAD, Network.REGTEST)
    assert other is not None
    assert other.source == "ln1"
    assert newest_elsewhere(make_view(CORE), CORE, Network.REGTEST) is None

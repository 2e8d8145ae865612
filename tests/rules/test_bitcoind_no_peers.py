"""Rule `bitcoind_no_peers`: a node without outbound peers learns of nothing."""

import pytest

from lnwatch.rules.bitcoind_no_peers import RULE
from tests.rules.views import core_status, judged, make_target, make_view, stale


def test_found_without_outbound_peers() -> None:
    """Inbound peers don't help: whoever dials us may feed us what they want."""
    core = make_target("bitcoind", {"status": core_status(peers_out=0, peers_in=3)})
    assert judged(RULE, make_view(core), core).only.sentence == (
        "source:core (Bitcoin Core) has 0 outbound peers, at least 1 is needed."
    )


def test_a_network_that_was_switched_off_is_named() -> None:
    """The cause that only a person can have set is told with its command."""
    core = make_target("bitcoind", {"status": core_status(peers_out=0, network_active=False)})
    assert "switched off by `setnetworkactive false`" in judged(RULE, make_view(core), core).only.sentence


@pytest.mark.parametrize(
    ("peers", "limit", "found"), [(1, 1, False), (0, 1, True), (4, 4, False), (3, 4, True), (0, 0, False)]
)
def test_edge(peers: int, limit: int, found: bool) -> None:
    """As many as are needed are enough; none are needed on a test network."""
    core = make_target("bitcoind", {"status": core_status(peers_out=peers)})
    assert bool(judged(RULE, make_view(core), core, outbound_peers=limit).found) is found


def test_unknown_without_a_fresh_status() -> None:
    """What it had three intervals ago is not told as true."""
    core = stale(make_target("bitcoind", {"status": core_status(peers_out=0)}))
    assert list(judged(RULE, make_view(core), core).unknown) == ["source:core"]


def test_nonsense_is_refused() -> None:
    """Fewer than none can't be."""
    with pytest.raises(ValueError, match="`outbound_peers` can't be below 0, found -1"):
        RULE.thresholds(outbound_peers=-1)

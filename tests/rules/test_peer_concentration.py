"""Rule `peer_concentration`: how much hangs on one peer."""

from dataclasses import replace

import pytest

from lnwatch.model.lightning import Channel, Channels
from lnwatch.model.money import msat
from lnwatch.model.view import TargetView
from lnwatch.rules.peer_concentration import RULE
from tests.assessments import channel
from tests.rules.views import judged, make_target, make_view, stale


def inbound(index: int, sat: int, peer: str = "") -> Channel:
    """A channel over which that much can come in, above the peer's reserve of 100,000 sat."""
    one = channel(index, remote_msat=msat(sat + 100_000), initiator=True)
    return replace(one, peer=peer or one.peer)


def node(*channels: Channel) -> TargetView:
    return make_target("lnd", {"channels": Channels(channels)})


MAIN = inbound(1, 600_000)
OTHERS = (inbound(2, 200_000), inbound(3, 100_000), inbound(4, 100_000))


@pytest.mark.parametrize(("sat", "found"), [(600_000, False), (600_001, True)])
def test_edge(sat: int, found: bool) -> None:
    """Sixty per cent over one peer are still no concentration."""
    ln1 = node(inbound(1, sat), *OTHERS)
    assert bool(judged(RULE, make_view(ln1), ln1).found) is found


def test_channels_of_a_peer_count_together() -> None:
    """The sentence names the peer, its share and the limit; another main peer is other evidence."""
    ln1 = node(inbound(1, 400_000), inbound(5, 400_000, MAIN.peer), *OTHERS[1:])
    finding = judged(RULE, make_view(ln1), ln1).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == "Peer 030000000000… holds 80 % of all that node:ln1 could receive (limit 60 %)."
    assert finding.evidence == MAIN.peer
    assert finding.severity is None


@pytest.mark.parametrize(("number", "found"), [(3, False), (4, True)])
def test_off_for_small_nodes(number: int, found: bool) -> None:
    """Three channels are always concentrated."""
    ln1 = node(inbound(0, 900_000), *(inbound(index, 1_000) for index in range(1, number)))
    assert bool(judged(RULE, make_view(ln1), ln1).found) is found


def test_a_peer_that_is_offline_holds_its_share() -> None:
    """Otherwise the outage of one would be the concentration of another."""
    ln1 = node(MAIN, replace(inbound(2, 400_000), active=False), inbound(3, 0), inbound(4, 0))
    assert judged(RULE, make_view(ln1), ln1).clear


def test_where_nothing_could_come_in_nobody_holds_it() -> None:
    """No division by zero."""
    ln1 = node(*(inbound(index, 0) for index in range(5)))
    assert judged(RULE, make_view(ln1), ln1).clear


def test_unknown_without_a_fresh_list() -> None:
    """Three intervals old is not seen."""
    ln1 = stale(node(inbound(1, 900_000), *OTHERS))
    assert list(judged(RULE, make_view(ln1), ln1).unknown) == ["node:ln1"]


def test_nonsense_is_refused() -> None:
    """Each limit has its range."""
    with pytest.raises(ValueError, match="`share` is a share"):
        RULE.thresholds(share=60.0)
    with pytest.raises(ValueError, match="`channels` must be above 0"):
        RULE.thresholds(channels=0)

"""What can be done to the node's peers and channels, and what comes of it."""

from collections import Counter
from collections.abc import Iterator

import pytest

from lnwatch.simulator.scenario.causes import CAUSES, How
from lnwatch.simulator.world import WorldSpec, shops
from lnwatch.simulator.world.events import (
    ChannelOpened,
    HtlcFreed,
    HtlcsAdded,
    HtlcStuck,
    PaidElsewhere,
    PeerWent,
    Probed,
)
from lnwatch.simulator.world.timetable import HOUR, MINUTE
from tests.simulator.world.worlds import BEGIN, Chronicle

HOURS = 1 / 24


@pytest.fixture
def told() -> Iterator[Chronicle]:
    """A busy world, whose money is all there in the end."""
    made = Chronicle(shops("trouble", BEGIN, games=800)).days(HOURS)
    made.events.clear()
    yield made
    assert made.world.missing == 0
    assert all(each.whole for each in made.world.scene.network.channels.values())


def happen(told: Chronicle, what: str, how: How, hours: float = 1.0) -> None:
    """Let it last."""
    with CAUSES[what].in_world(told.world, how):
        told.days(hours * HOURS)


def went(told: Chronicle, peer: str) -> list[tuple[int, bool]]:
    """When a peer went and came, in minutes from the beginning of the trouble."""
    found = [(at, each) for at, each in told.events if isinstance(each, PeerWent) and each.peer == peer]
    return [((at - BEGIN - HOUR) // MINUTE, each.online) for at, each in found]


def test_a_frozen_peer_is_called_gone_after_four_minutes(told: Chronicle) -> None:
    """Nothing comes in over it from the beginning; it is there again at the end."""
    happen(told, "peer_frozen", How(who="harbour"))
    numbers = {each.id for each in told.world.scene.network.channels.values() if each.peer.spec.name == "harbour"}
    arrived = [each for _, each in told.events if isinstance(each, HtlcsAdded)]
    assert arrived
    assert not any(number in numbers for each in arrived for number, _ in each.parts)
    assert went(told, "harbour") == [(4, False), (60, True)]


def test_a_peer_that_is_kept_away_does_not_come_by_itself(told: Chronicle) -> None:
    """Whatever it would have done."""
    with CAUSES["peer_offline"].in_world(told.world, How(who="mill")):
        told.world.upkeep.go("mill", online=True)
        told.days(HOURS)
    assert went(told, "mill") == [(0, False), (60, True)]


def test_a_flapping_peer_goes_as_often_as_it_is_told_to(told: Chronicle) -> None:
    """Forty times in an hour, and then it stays."""
    happen(told, "peer_flaps", How(amount=40, who="orchard"))
    told.days(HOURS)
    found = [each for _, each in told.events if isinstance(each, PeerWent) and each.peer == "orchard"]
    assert sum(not each.online for each in found) in {40, 41}
    assert found[-1].online


def test_a_stuck_payment_comes_back(told: Chronicle) -> None:
    """It leaves the channel's balance, closes at so many blocks from now, and is ours again in the end."""
    height = told.world.scene.market.height
    with CAUSES["htlc_stuck"].in_world(told.world, How(amount=30)):
        (stuck,) = [each for _, each in told.events if isinstance(each, HtlcStuck)]
        assert stuck.expires == height + 30
        assert told.world.scene.network.channels[stuck.channel].stuck == stuck.msat
        assert told.world.missing == 0
    assert told.events[-1][1] == HtlcFreed(stuck.channel, stuck.msat)


def inbound(told: Chronicle) -> dict[str, int]:
    """What could come in, by peer."""
    found: Counter[str] = Counter()
    for each in told.world.scene.network.channels.values():
        found[each.peer.spec.name] += each.inbound
    return dict(found)


def test_nothing_comes_in_any_more_over_who_is_used_up(told: Chronicle) -> None:
    """All other inbound is as before."""
    before = inbound(told)
    happen(told, "used_up", How(who="harbour"), hours=0)
    after = inbound(told)
    assert after.pop("harbour") < 12_000
    assert after == {name: msat for name, msat in before.items() if name != "harbour"}
    assert any(isinstance(each, PaidElsewhere) for _, each in told.events)


def test_another_channel_is_there_at_once(told: Chronicle) -> None:
    """Of the peer that opens it."""
    happen(told, "new_channel", How(who="orchard"), hours=0)
    (opened,) = [each for _, each in told.events if isinstance(each, ChannelOpened)]
    assert opened.peer == "orchard"
    assert told.world.scene.network.channels[opened.channel].peer.spec.name == "orchard"


@pytest.mark.parametrize("what", ["peer_offline", "peer_frozen", "peer_flaps", "new_channel", "used_up"])
def test_a_peer_that_nobody_knows_is_named(told: Chronicle, what: str) -> None:
    """With those that there are."""
    with (
        pytest.raises(LookupError, match="there is no peer nobody: choose among harbour, orchard"),
        CAUSES[what].in_world(told.world, How(amount=1, who="nobody")),
    ):
        pass


def test_a_second_node_finds_out() -> None:
    """It reaches ours mostly, and never while everything dies upstream."""
    spec = shops("probe", BEGIN, corner=5)
    told = Chronicle(WorldSpec(spec.seed, spec.begin, spec.stores, spec.peers, second_node=True)).days(1)
    well = [each.reached for _, each in told.events if isinstance(each, Probed)]
    assert len(well) == 96
    assert sum(well) > 80
    told.events.clear()
    happen(told, "upstream", How(amount=1), hours=24)
    assert not any(each.reached for _, each in told.events if isinstance(each, Probed))

"""Automation `peer_reconnect`: whom the node is to call, and why it calls nobody."""

from dataclasses import replace

import pytest

from lnwatch.automations.peer_reconnect import AUTOMATION, Thresholds
from lnwatch.model.action import Action, Nothing, Offer, Proposal
from lnwatch.model.case import Fingerprint
from lnwatch.model.lightning import Channel, ChannelChange, ChannelEvent, Channels
from lnwatch.model.money import msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Happening, TargetView
from tests.assessments import NOW, channel, peers
from tests.rules.views import failing, happened, make_target, make_view, stale, with_collector

FIRST, SECOND = channel(1), channel(2)


def node(*channels: Channel, connected: tuple[str, ...] = ()) -> TargetView:
    return make_target("lnd", {"channels": Channels(channels), "peers": peers(*connected)})


def offline(one: Channel) -> Channel:
    return replace(one, active=False)


def changed(one: Channel, ago: float, change: ChannelChange = ChannelChange.INACTIVE) -> Happening:
    return happened(ChannelEvent(NOW - ago, one.point, change), at=NOW - ago)


def asked(target: TargetView, *events: Happening) -> list[Offer]:
    return list(AUTOMATION.propose(make_view(target, events=events), Thresholds()))


def test_peer_that_is_away() -> None:
    """It is called, in the name of the case of its largest channel; no money moves."""
    small = replace(channel(3), peer=FIRST.peer, capacity_msat=msat(1_000_000))
    (offer,) = asked(node(offline(FIRST), offline(small), SECOND, connected=(SECOND.peer,)), changed(FIRST, 3_600))
    assert isinstance(offer, Proposal)
    assert (offer.action, offer.node, offer.subject) == (Action.CONNECT_PEER, "ln1", f"peer:{FIRST.peer}")
    assert offer.parameters == {"public_key": FIRST.peer}
    assert offer.mends == Fingerprint("main", "channel_inactive", f"channel:{FIRST.point}")
    assert (offer.amount_msat, offer.fee_limit_msat, offer.added) == (0, 0, {})
    assert offer.sentence == ("Have node:ln1 call peer 030000000000…, which is away for 1 h and with it 2 channels.")


@pytest.mark.parametrize(("ago", "reason"), [(299, "too_early"), (300, None), (86_400, None)])
def test_gives_the_node_time(ago: float, reason: str | None) -> None:
    """A node reconnects by itself first."""
    (offer,) = asked(node(offline(FIRST)), changed(FIRST, ago), changed(FIRST, 90_000))
    assert (offer.reason if isinstance(offer, Nothing) else None) == reason


@pytest.mark.parametrize(
    ("connected", "read", "reason"),
    [(True, 401, "unknown"), (False, 401, "unknown"), (True, 400, "connected"), (False, 400, None)],
)
def test_peers_read_before_a_channel_went_off_prove_nothing(
    connected: bool,
    read: float,
    reason: str | None,
) -> None:
    """Nobody is called, nor taken for connected, before the node was asked for its peers again."""
    held = node(offline(FIRST), SECOND, connected=(FIRST.peer,) if connected else ())
    slow = with_collector(stale(held, "peers", age=read), "peers", interval=300.0)
    (offer,) = asked(slow, changed(FIRST, 400))
    assert offer.subject == f"peer:{FIRST.peer}"
    assert (offer.reason if isinstance(offer, Nothing) else None) == reason


def test_newest_of_several_channels_counts() -> None:
    """Of a peer's channels the last one that went off says whether its connection is known."""
    second = replace(channel(3), peer=FIRST.peer)
    target = stale(node(offline(FIRST), offline(second)), "peers", age=100)
    (offer,) = asked(target, changed(FIRST, 1_000), changed(second, 50))
    assert isinstance(offer, Nothing)
    assert offer.reason == "unknown"


def test_time_of_going_may_be_forgotten() -> None:
    """What went off before the time that a View looks back on is away for long."""
    (offer,) = asked(node(offline(FIRST)))
    assert isinstance(offer, Proposal)
    assert "which is away and with it 1 channel." in offer.sentence


def test_same_parameters_as_time_passes() -> None:
    """How long it lasts is no parameter: the proposal stays the same one."""
    digests = [
        offer.digest
        for ago in (400, 4_000)
        for offer in asked(node(offline(FIRST)), changed(FIRST, ago))
        if isinstance(offer, Proposal)
    ]
    assert len(digests) == 2
    assert len(set(digests)) == 1


@pytest.mark.parametrize(
    ("target", "subject", "reason"),
    [
        (node(FIRST, connected=(FIRST.peer,)), "node:ln1", "all_online"),
        (node(), "node:ln1", "all_online"),
        (node(offline(FIRST), connected=(FIRST.peer,)), f"peer:{FIRST.peer}", "connected"),
        (failing(node(offline(FIRST)), TargetState.DOWN), "node:ln1", "unknown"),
        (failing(node(offline(FIRST)), TargetState.LOCKED), "node:ln1", "unknown"),
        (stale(node(offline(FIRST)), "channels"), "node:ln1", "unknown"),
        (stale(node(offline(FIRST)), "peers"), "node:ln1", "unknown"),
    ],
)
def test_why_nobody_is_called(target: TargetView, subject: str, reason: str) -> None:
    """Each answer without a proposal has its reason and a whole sentence."""
    (offer,) = asked(target)
    assert isinstance(offer, Nothing)
    assert (offer.site, offer.automation, offer.subject, offer.reason) == ("main", "peer_reconnect", subject, reason)
    assert offer.sentence.endswith(".")


def test_nonsense_is_refused() -> None:
    """A time to wait is above 0."""
    with pytest.raises(ValueError, match="`offline_seconds` must be above 0"):
        Thresholds(offline_seconds=0)

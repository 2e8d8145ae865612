"""Rule `channel_inactive`: open channels that can't be used, and how much hangs on them."""

from dataclasses import replace

import pytest

from lnwatch.model.lightning import Channel, ChannelChange, ChannelEvent, Channels
from lnwatch.model.money import msat
from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.channel_inactive import RULE
from tests.assessments import NOW, channel, peers
from tests.rules.views import failing, happened, judged, make_target, make_view, stale

FIRST, SECOND = channel(1), channel(2)


def node(*channels: Channel, connected: tuple[str, ...] = ()) -> TargetView:
    return make_target("lnd", {"channels": Channels(channels), "peers": peers(*connected)})


def offline(one: Channel) -> Channel:
    return replace(one, active=False)


def test_the_main_peer_is_critical() -> None:
    """The peer over which most comes in is worth waking somebody; the sentence says how much hangs on it."""
    target = node(offline(FIRST), replace(SECOND, remote_msat=msat(2_000_000)))
    finding = judged(RULE, make_view(target), target).only
    assert finding.subject == f"channel:{FIRST.point}"
    assert finding.severity is Severity.CRITICAL
    assert finding.sentence == (
        "Channel 800001x12x1 of node:ln1 is offline (peer 030000000000… is not connected); over this peer comes "
        "75.7 % of all that could be received (main peer: above 50 %)."
    )
    assert finding.facts["peer"] == FIRST.peer


def test_half_of_all_is_not_the_main_peer() -> None:
    """Exactly at the share it is a warning."""
    target = node(offline(FIRST), SECOND)
    finding = judged(RULE, make_view(target), target).only
    assert finding.severity is Severity.WARNING
    assert "50 % of all" in finding.sentence


def test_all_channels_of_a_peer_count_together() -> None:
    """Two halves of a peer make it the main one, also while only one of them is away."""
    target = node(offline(FIRST), replace(channel(3), peer=FIRST.peer), SECOND)
    assert judged(RULE, make_view(target), target).only.severity is Severity.CRITICAL


def test_a_link_that_does_not_stand_is_told_from_a_peer_that_is_away() -> None:
    """A connected peer with a dead link is another fault, mended in another way."""
    target = node(offline(FIRST), SECOND, connected=(FIRST.peer,))
    assert "(peer 030000000000… is connected)" in judged(RULE, make_view(target), target).only.sentence
    blind = stale(target, "peers")
    assert "(peer 030000000000…)" in judged(RULE, make_view(blind), blind).only.sentence


@pytest.mark.parametrize(
    ("went", "read", "words"),
    [
        (30, 31, "(peer 030000000000…)"),
        (30, 30, "(peer 030000000000… is connected)"),
        (30, 29, "(peer 030000000000… is connected)"),
        (None, 31, "(peer 030000000000… is connected)"),
    ],
)
def test_peers_read_before_the_channel_went_off_prove_nothing(went: float | None, read: float, words: str) -> None:
    """A killed peer is not called connected; that the channel is offline is told all the same."""
    target = stale(node(offline(FIRST), SECOND, connected=(FIRST.peer,)), "peers", age=read)
    event = ChannelEvent(NOW - (went or 0), FIRST.point, ChannelChange.INACTIVE)
    events = () if went is None else (happened(event, at=event.at),)
    assert words in judged(RULE, make_view(target, events=events), target).only.sentence


def test_each_channel_is_a_case() -> None:
    """Nothing is summed up: the second one is a second case."""
    target = node(offline(FIRST), offline(SECOND))
    assert set(judged(RULE, make_view(target), target).found) == {f"channel:{FIRST.point}", f"channel:{SECOND.point}"}


def test_where_nothing_could_come_in_there_is_no_main_peer() -> None:
    """An empty share is a warning, no division by zero."""
    target = node(replace(offline(FIRST), remote_msat=msat(0)))
    assert judged(RULE, make_view(target), target).only.severity is Severity.WARNING


def test_rising_to_main_peer_is_new_evidence() -> None:
    """What was closed by hand as a side matter comes back when everything hangs on it."""
    side, main = node(offline(FIRST), SECOND), node(offline(FIRST))
    closed, now = (judged(RULE, make_view(target), target).only.evidence for target in (side, main))
    assert closed != now


@pytest.mark.parametrize("channels", [(), (FIRST,), (FIRST, SECOND)])
def test_quiet(channels: tuple[Channel, ...]) -> None:
    """Channels that are online are well, and so is a node without any."""
    target = node(*channels)
    assert judged(RULE, make_view(target), target).clear


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, None])
def test_unknown_without_the_node(state: TargetState | None) -> None:
    """A node that is away says nothing of its channels."""
    target = failing(node(offline(FIRST)), state)
    assert list(judged(RULE, make_view(target), target).unknown) == [None]


def test_nonsense_is_refused() -> None:
    """A share lies between 0 and 1."""
    with pytest.raises(ValueError, match="`main_peer_share` is a share"):
        RULE.thresholds(main_peer_share=50)

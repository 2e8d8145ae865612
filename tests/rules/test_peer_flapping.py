"""Rule `peer_flapping`: peers whose channels go on and off."""

from dataclasses import replace

import pytest

from lnwatch.model.lightning import ChannelChange, ChannelEvent, Channels
from lnwatch.model.view import Happening, TargetView
from lnwatch.rules.peer_flapping import RULE
from tests.assessments import NOW, channel
from tests.rules.views import happened, judged, make_target, make_view, stale, with_collector

FIRST, SECOND = channel(1), channel(2)
NODE = with_collector(
    make_target("lnd", {"channels": Channels((FIRST, SECOND))}), "channel_events_stream", interval=0.0
)
SUBJECT = f"peer:{FIRST.peer}"


def changes(number: int, *, point: str = FIRST.point, age: float = 1_800.0, source: str = "ln1") -> list[Happening]:
    turns = (ChannelChange.INACTIVE, ChannelChange.ACTIVE)
    times = [NOW - age + index for index in range(number)]
    events = [ChannelEvent(at, point, turns[index % 2]) for index, at in enumerate(times)]
    return [happened(event, at=event.at, source=source) for event in events]


def test_found_at_the_limit() -> None:
    """Ten changes within the hour are named with the limit."""
    finding = judged(RULE, make_view(NODE, events=changes(10)), NODE).only
    assert finding.subject == SUBJECT
    assert finding.sentence == "Peer 030000000000… of node:ln1 went on and off 10 times within 1 h (limit 10)."


def test_quiet_below_the_limit() -> None:
    """Nine are not ten."""
    assert judged(RULE, make_view(NODE, events=changes(9)), NODE).clear


def test_a_peer_that_drops_once_does_not_flap_by_the_number_of_its_channels() -> None:
    """The least steady channel counts, not their sum."""
    other = replace(channel(3), peer=FIRST.peer)
    node = with_collector(make_target("lnd", {"channels": Channels((FIRST, other))}), "channel_events_stream")
    events = changes(6) + changes(6, point=other.point)
    assert judged(RULE, make_view(node, events=events), node).clear
    assert judged(RULE, make_view(node, events=changes(6) + changes(10, point=other.point)), node).found


@pytest.mark.parametrize(
    "events",
    [
        pytest.param(changes(10, age=3_600), id="the first of them an hour ago"),
        pytest.param(changes(10, source="ln2"), id="another node's"),
        pytest.param(changes(10, point="ff" * 32 + ":9"), id="a channel that is no more"),
        pytest.param(
            [happened(ChannelEvent(NOW - n, FIRST.point, ChannelChange.PENDING_OPEN)) for n in range(20)],
            id="changes of another sort",
        ),
    ],
)
def test_quiet_for_what_does_not_count(events: list[Happening]) -> None:
    """Old, foreign and other events are not this peer's flapping."""
    assert judged(RULE, make_view(NODE, events=events), NODE).clear


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(stale(NODE, "channels"), id="channels not read"),
        pytest.param(with_collector(NODE, "channel_events_stream", success=False), id="events not heard"),
        pytest.param(make_target("lnd"), id="no such stream"),
    ],
)
def test_unknown_while_nobody_listens(node: TargetView) -> None:
    """Without events nothing is clear."""
    assert list(judged(RULE, make_view(node), node).unknown) == [None]


def test_what_was_heard_stays_found() -> None:
    """A cut stream takes nothing back."""
    deaf = with_collector(NODE, "channel_events_stream", success=False)
    assert set(judged(RULE, make_view(deaf, events=changes(12)), deaf).found) == {SUBJECT}


def test_nonsense_is_refused() -> None:
    """A View holds a day."""
    with pytest.raises(ValueError, match="`window_seconds` is a day"):
        RULE.thresholds(window_seconds=90_000)
    with pytest.raises(ValueError, match="`changes` must be above 0"):
        RULE.thresholds(changes=0)

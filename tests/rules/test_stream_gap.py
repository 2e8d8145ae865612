"""Rule `stream_gap`: what was told while nobody listened."""

import pytest

from lnwatch.model.snapshot import StreamGap, TargetState
from lnwatch.model.view import Fault, Happening, StateSpan, TargetView
from lnwatch.rules.stream_gap import RULE
from tests.assessments import NOW
from tests.rules.views import failing, happened, judged, make_target, make_view, span, with_collector

NODE = with_collector(make_target("lnd"), "htlcs_stream", interval=0.0)


def gap(seconds: float, *, ended: float = 600.0, stream: str = "htlcs", source: str = "ln1") -> Happening:
    end = NOW - ended
    return happened(StreamGap(stream, end - seconds, end, "not connected"), at=end, source=source)


def test_found_with_its_length_and_end() -> None:
    """Which stream, how long, until when, and the limit."""
    finding = judged(RULE, make_view(NODE, events=[gap(312)]), NODE).only
    assert finding.subject == "node:ln1"
    assert finding.sentence == (
        "lnwatch did not hear the stream `htlcs` of node:ln1 for 5 min 12 s (limit 1 min) until "
        "2027-01-15 07:50:00 UTC: what it told then is lost."
    )


@pytest.mark.parametrize(("seconds", "ended", "found"), [(60, 0, False), (61, 0, True), (61, 3_600, True)])
def test_at_its_limits(seconds: float, ended: float, found: bool) -> None:
    """More than a minute, within the last hour."""
    assert bool(judged(RULE, make_view(NODE, events=[gap(seconds, ended=ended)]), NODE).found) is found


@pytest.mark.parametrize(
    "event", [pytest.param(gap(900, ended=3_601), id="old"), pytest.param(gap(900, source="ln2"), id="another node's")]
)
def test_quiet(event: Happening) -> None:
    """It clears by its age, and each source has its own."""
    assert judged(RULE, make_view(NODE, events=[event]), NODE).clear


@pytest.mark.parametrize(
    ("states", "found"),
    [
        pytest.param(
            [span("ln1", NOW - 700, TargetState.DOWN), span("ln1", NOW - 605, TargetState.UP)], False, id="all"
        ),
        pytest.param([span("ln1", NOW - 640, TargetState.STARTING)], True, id="the lesser part"),
        pytest.param([span("ln1", NOW - 900, TargetState.HANGING)], True, id="hanging, it may have gone on"),
        pytest.param([span("ln2", NOW - 900, TargetState.DOWN)], True, id="another node"),
    ],
)
def test_what_the_source_was_away_for_is_not_lost(states: list[StateSpan], found: bool) -> None:
    """A node that is down tells nothing: a restart of it is no gap, one of lnwatch is."""
    verdict = judged(RULE, make_view(NODE, events=[gap(120)], states=states), NODE)
    assert bool(verdict.found) is found


def test_the_longest_of_several_is_told_and_all_are_evidence() -> None:
    """A new gap brings a case back that was closed by hand."""
    events = [gap(100, ended=900), gap(400, ended=300, stream="channel_events")]
    one = judged(RULE, make_view(NODE, events=events[:1]), NODE).only
    both = judged(RULE, make_view(NODE, events=events), NODE).only
    assert "`channel_events`" in both.sentence
    assert "one of 2 gaps" in both.sentence
    assert len(both.facts) == 2
    assert one.evidence != both.evidence


def test_another_source_is_named_as_such() -> None:
    """Only a Lightning node's own rules speak of nodes."""
    core = make_target("bitcoind")
    assert judged(RULE, make_view(core, events=[gap(120, source="core")]), core).only.subject == "source:core"
    assert judged(RULE, make_view(core), core).clear


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(with_collector(NODE, "htlcs_stream", success=False), id="cut"),
        pytest.param(
            with_collector(failing(NODE, TargetState.DOWN), "htlcs_stream", success=False, last_success_at=None),
            id="away",
        ),
    ],
)
def test_unknown_while_a_stream_is_cut(node: TargetView) -> None:
    """The gap that is just growing has no end yet; what was found before stays found."""
    assert list(judged(RULE, make_view(node), node).unknown) == ["node:ln1"]
    assert judged(RULE, make_view(node, events=[gap(120)]), node).found


def test_streams_that_tell_again_lose_nothing() -> None:
    """Invoices come again from their cursor."""
    node = with_collector(NODE, "invoices_stream", interval=0.0, success=False)
    assert judged(RULE, make_view(node), node).clear


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"last_run_at": None, "last_success_at": None, "success": False}, "", id="none came yet"),
        pytest.param({}, "", id="proved"),
        pytest.param(
            {"success": False, "fault": Fault(NOW, "failed", "a stranger knocks", None)},
            "pay: `hook_stream` is not heard at the moment, a stranger knocks",
            id="not proved",
        ),
    ],
)
def test_webhooks_that_prove_nothing_are_no_gap_but_told(changes: dict[str, object], why: str) -> None:
    """Polls tell what they would have: it shows under coverage and opens nothing."""
    server = with_collector(make_target("btcpay", slug="pay"), "hook_stream", **{"interval": 0.0, **changes})
    verdict = judged(RULE, make_view(server), server)
    assert not verdict.found
    assert verdict.unknown == ({"source:pay": why} if why else {})


def test_nonsense_is_refused() -> None:
    """A View holds a day."""
    with pytest.raises(ValueError, match="`recent_seconds` is a day"):
        RULE.thresholds(recent_seconds=90_000)
    with pytest.raises(ValueError, match="`lost_seconds` must be above 0"):
        RULE.thresholds(lost_seconds=0)

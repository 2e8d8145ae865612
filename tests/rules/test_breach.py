"""Rule `breach`: revoked states that a peer published."""

import pytest

from lnwatch.domain.lifecycle import Policy, clear
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason
from lnwatch.model.lightning import ClosedChannel, CloseKind
from lnwatch.model.money import msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Happening, TargetView
from lnwatch.rules.breach import RULE
from tests.assessments import HEIGHT, NOW
from tests.rules.views import failing, happened, judged, make_target, make_view, stale, with_collector

POINT = "bb" * 32 + ":1"
NODE = with_collector(make_target("lnd"), "closed", interval=3_600.0)


def closed(kind: CloseKind = CloseKind.BREACH, *, at: float = NOW - 60, source: str = "ln1") -> Happening:
    event = ClosedChannel(
        point=POINT,
        channel_id="800009x1x0",
        peer="03" + "ee" * 32,
        kind=kind,
        closing_txid="dd" * 32,
        close_height=HEIGHT,
        capacity_msat=msat(1_000_000),
        settled_msat=msat(600_000),
        time_locked_msat=msat(0),
    )
    return happened(event, at=at, source=source)


def test_found_with_what_is_at_stake() -> None:
    """Which channel, which peer, since which height, and how much."""
    finding = judged(RULE, make_view(NODE, events=[closed()]), NODE).only
    assert finding.subject == f"channel:{POINT}"
    assert finding.sentence == (
        "Channel 800009x1x0 of node:ln1 was closed at height 900,000 by peer 03eeeeeeeeee… with a revoked state: up to "
        "1,000,000 sat are ours only if the node's justice transaction confirms in time."
    )
    assert finding.evidence == "dd" * 32


def test_found_at_the_edge_of_the_view() -> None:
    """A month later it is still found."""
    assert judged(RULE, make_view(NODE, events=[closed(at=NOW - 86_400 * 30)]), NODE).found


def test_it_stays_until_a_person_closes_it() -> None:
    """When the event has left the View, nothing is found any more, but the case does not resolve by itself."""
    policy = Policy(RULE.severity, RULE.owner, RULE.after, RULE.keep_firing, RULE.never_muted)
    case = Case(
        fingerprint=Fingerprint("main", RULE.id, f"channel:{POINT}"),
        number=1,
        state=CaseState.OPEN,
        scope="ln1",
        severity=RULE.severity,
        owner=RULE.owner,
        sentence="It was found.",
        found_at=NOW,
        seen_at=NOW,
        clear_since=NOW,
        told=True,
    )
    assert clear(case, policy, NOW + 86_400 * 365).reason is Reason.KEEP_FIRING


@pytest.mark.parametrize("kind", [kind for kind in CloseKind if kind is not CloseKind.BREACH])
def test_quiet_for_any_other_end(kind: CloseKind) -> None:
    """Other ways to close a channel are no attack."""
    assert judged(RULE, make_view(NODE, events=[closed(kind)]), NODE).clear


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(closed(source="ln2"), id="another node's"),
        pytest.param(closed(at=NOW - 86_400 * 31), id="before the site's birth"),
    ],
)
def test_quiet_for_what_is_not_ours_to_tell(event: Happening) -> None:
    """Another node's breach is its own case, and history opens none."""
    assert judged(RULE, make_view(NODE, events=[event]), NODE).clear


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(make_target("lnd"), id="never read"),
        pytest.param(stale(NODE, "closed", age=3 * 3_600.0 + 1), id="not read lately"),
        pytest.param(failing(NODE, TargetState.DOWN, since=NOW - 86_400), id="node away"),
    ],
)
def test_unknown_while_closed_channels_are_not_read(node: TargetView) -> None:
    """No news is no good news; what was heard stays found."""
    assert list(judged(RULE, make_view(node), node).unknown) == [None]
    assert judged(RULE, make_view(node, events=[closed()]), node).found

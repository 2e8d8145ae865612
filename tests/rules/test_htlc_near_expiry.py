"""Rule `htlc_near_expiry`: payments in flight that come close to a force close."""

from dataclasses import replace

import pytest

from lnwatch.model.lightning import Channels, Htlc
from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import Facts, TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.htlc_near_expiry import RULE
from tests.assessments import HEIGHT, channel, htlc, node_status
from tests.rules.views import failing, judged, make_target, make_view, stale

CHANNEL = channel(1)


def node(*htlcs: Htlc, active: bool = True, synced: bool = True) -> TargetView:
    facts: dict[str, Facts] = {
        "channels": Channels((replace(CHANNEL, htlcs=htlcs, active=active),)),
        "node": node_status(synced_to_chain=synced),
    }
    return make_target("lnd", facts, state=TargetState.UP if synced else TargetState.SYNCING)


def subject(way: str, index: int) -> str:
    return f"htlc:{CHANNEL.point}/{way}/{index}"


def test_found_with_blocks_and_height() -> None:
    """Amount, channel, direction, blocks in hours, and the limit: all that is needed to decide to get up."""
    target = node(htlc(3, expiry_height=HEIGHT + 17))
    finding = judged(RULE, make_view(target), target).only
    assert finding.subject == subject("in", 3)
    assert finding.severity is Severity.CRITICAL
    assert finding.sentence == (
        "50,000 sat coming in over channel 800001x12x1 of node:ln1 expires in 17 blocks, about 2 h 50 min, at height "
        "900,017 (limit 18 blocks); unresolved, it closes the channel by force."
    )


@pytest.mark.parametrize(
    ("left", "severity"),
    [
        (36, None),
        (35, Severity.WARNING),
        (18, Severity.WARNING),
        (17, Severity.CRITICAL),
        (0, Severity.CRITICAL),
        (-3, Severity.CRITICAL),
    ],
)
@pytest.mark.parametrize("incoming", [True, False])
def test_severity_by_blocks_left(left: int, severity: Severity | None, incoming: bool) -> None:
    """Below 36 a warning, below 18 critical, both ways and beyond the expiry."""
    target = node(htlc(1, incoming=incoming, expiry_height=HEIGHT + left))
    verdict = judged(RULE, make_view(target), target)
    assert not verdict.unknown
    assert [finding.severity for finding in verdict.found.values()] == ([severity] if severity else [])


def test_incoming_and_outgoing_of_one_index_are_two_cases() -> None:
    """LND counts each direction by itself."""
    target = node(htlc(7, expiry_height=HEIGHT + 5), htlc(7, incoming=False, expiry_height=HEIGHT + 5))
    assert set(judged(RULE, make_view(target), target).found) == {subject("in", 7), subject("out", 7)}


def test_the_words_for_one_that_is_past_and_a_peer_that_is_away() -> None:
    """What is over is said to be over; an offline peer is what has to be mended."""
    target = node(htlc(1, incoming=False, expiry_height=HEIGHT - 1), active=False)
    sentence = judged(RULE, make_view(target), target).only.sentence
    assert "going out over channel 800001x12x1 of node:ln1, whose peer is offline, expired 1 block ago" in sentence
    target = node(htlc(1, expiry_height=HEIGHT))
    assert "expires with the present block" in judged(RULE, make_view(target), target).only.sentence


def test_getting_worse_is_new_evidence_but_each_block_is_not() -> None:
    """A case that was closed as a warning comes back as critical, and not before."""
    evidence = {}
    for left in (35, 20, 17):
        target = node(htlc(1, expiry_height=HEIGHT + left))
        evidence[left] = judged(RULE, make_view(target), target).only.evidence
    assert evidence[35] == evidence[20] != evidence[17]


def test_a_node_that_is_not_synced_clears_nothing() -> None:
    """It may know fewer blocks than there are: what it finds is found, the rest can't be told."""
    target = node(htlc(1, expiry_height=HEIGHT + 17), htlc(2, expiry_height=HEIGHT + 400), synced=False)
    verdict = judged(RULE, make_view(target), target)
    assert set(verdict.found) == {subject("in", 1)}
    assert set(verdict.unknown) == {subject("in", 2)}


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.HANGING, TargetState.LOCKED, None])
def test_never_clear_while_the_node_is_away(state: TargetState | None) -> None:
    """An HTLC does not go away with the node that watches it."""
    target = failing(node(), state)
    assert list(judged(RULE, make_view(target), target).unknown) == [None]


@pytest.mark.parametrize("collector", ["channels", "node"])
def test_never_clear_on_half_of_the_facts(collector: str) -> None:
    """Without the height, and without the channels, there is no countdown."""
    target = stale(node(htlc(1, expiry_height=HEIGHT + 5)), collector)
    verdict = judged(RULE, make_view(target), target)
    assert not verdict.found
    assert list(verdict.unknown) == [None]


def test_nonsense_is_refused() -> None:
    """Critical comes after the warning."""
    with pytest.raises(ValueError, match="`warning_blocks` must be above `critical_blocks`"):
        RULE.thresholds(warning_blocks=18)
    with pytest.raises(ValueError, match="`critical_blocks` must be above 0"):
        RULE.thresholds(critical_blocks=0)

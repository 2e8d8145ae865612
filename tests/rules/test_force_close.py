"""Rule `force_close`: from the moment that the closing is seen until the money is back."""

from typing import Any

import pytest

from lnwatch.model.lightning import ClosedChannel, CloseKind, PendingChannel, PendingChannels, PendingState
from lnwatch.model.money import msat
from lnwatch.model.rule import Severity
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Happening, TargetView
from lnwatch.rules.force_close import RULE
from tests.assessments import HEIGHT, NOW, pending_channel
from tests.rules.views import failing, happened, judged, make_target, make_view, stale

POINT = pending_channel().point
SUBJECT = f"channel:{POINT}"


def node(*pending: PendingChannel) -> TargetView:
    return make_target("lnd", {"pending": PendingChannels(pending, msat(0))})


def closing(**changes: Any) -> PendingChannel:  # noqa: ANN401 - fields of PendingChannel
    usual = {"state": PendingState.CLOSING, "maturity_height": None, "blocks_to_maturity": None, "cooperative": False}
    return pending_channel(**(usual | changes))


def closed(kind: CloseKind, *, ours: int = 900_000, height: int = HEIGHT, at: float = NOW) -> Happening:
    event = ClosedChannel(
        point=POINT,
        channel_id="800009x1x0",
        peer="03" + "ee" * 32,
        kind=kind,
        closing_txid="dd" * 32,
        close_height=height,
        capacity_msat=msat(1_000_000),
        settled_msat=msat(ours),
        time_locked_msat=msat(0),
    )
    return happened(event, at=at)


def test_found_with_its_maturity() -> None:
    """How much, who closed it, the height at which it comes back and how far that is."""
    target = node(pending_channel())
    finding = judged(RULE, make_view(target, events=[closed(CloseKind.REMOTE_FORCE)]), target).only
    assert finding.subject == SUBJECT
    assert finding.sentence == (
        "Channel 800009x1x0 of node:ln1 is closed by force by the peer: 900,000 sat is locked until height 900,100 "
        "(in 100 blocks, about 16 h 40 min), and is swept then."
    )
    assert finding.facts["closing transaction"] == "dd" * 32


def test_found_before_the_closing_transaction_confirms() -> None:
    """The case opens when the node broadcasts it, not three blocks later."""
    finding = judged(RULE, make_view(target := node(closing())), target).only
    assert finding.sentence == (
        "Channel eeeeeeeeeeee…:0 of node:ln1 is closed by force: 900,000 sat waits for the closing transaction to "
        "confirm, then for its time lock."
    )


@pytest.mark.parametrize(
    ("maturity", "words"),
    [
        (HEIGHT + 1, "is locked until height 900,001 (in 1 block, about 10 min), and is swept then."),
        (HEIGHT, "matured at height 900,000 (with the present block), and waits to be swept."),
        (HEIGHT - 5, "matured at height 899,995 (5 blocks ago), and waits to be swept."),
        (None, "is on its way back, its maturity height is not known yet."),
    ],
)
def test_the_words_follow_the_maturity(maturity: int | None, words: str) -> None:
    """Found until the money is back, also past its maturity; the height is the node's own at this moment."""
    left = None if maturity is None else 77  # what the node said when it was asked, a while ago
    target = node(pending_channel(maturity_height=maturity, blocks_to_maturity=left))
    assert judged(RULE, make_view(target), target).only.sentence.endswith(words)


def test_what_becomes_known_is_news() -> None:
    """That it matures, and when, is told to those who were told of the close; the blocks that pass are not."""
    stages = [
        closing(),
        pending_channel(maturity_height=None, limbo_msat=msat(0), recovered_msat=msat(0)),
        pending_channel(),
        pending_channel(blocks_to_maturity=5),
    ]
    found = [judged(RULE, make_view(target := node(stage)), target).only for stage in stages]
    txid = "dd" * 32
    assert [finding.evidence for finding in found] == [txid, txid, f"{txid} matures", f"{txid} matures"]
    assert found[1].sentence.endswith("confirmed, what of it is ours is not counted yet.")
    assert RULE.tells_changes


def test_without_the_height_the_node_s_own_count_is_told() -> None:
    """Blocks left as of the last look are better than none."""
    target = stale(node(pending_channel()), "node")
    assert "in 100 blocks" in judged(RULE, make_view(target), target).only.sentence


@pytest.mark.parametrize(
    "pending",
    [
        pytest.param(closing(cooperative=True), id="closed by consent"),
        pytest.param(pending_channel(limbo_msat=msat(0), recovered_msat=msat(890_000)), id="all is swept"),
        pytest.param(pending_channel(state=PendingState.OPENING), id="on its way in"),
    ],
)
def test_quiet(pending: PendingChannel) -> None:
    """What both wanted, and what is back, is no case."""
    assert judged(RULE, make_view(target := node(pending)), target).clear


def test_quiet_when_the_node_lists_it_no_more() -> None:
    """The node forgets a channel when everything of it is resolved."""
    target = node()
    assert judged(RULE, make_view(target, events=[closed(CloseKind.LOCAL_FORCE)]), target).clear


def test_still_found_while_a_part_is_outstanding() -> None:
    """One swept output of two is not all."""
    target = node(pending_channel(limbo_msat=msat(1_000), recovered_msat=msat(890_000)))
    assert judged(RULE, make_view(target), target).found


def test_found_before_the_node_has_counted_its_outputs() -> None:
    """Right after the close both sums are 0, which does not mean that all is back."""
    target = node(pending_channel(limbo_msat=msat(0), recovered_msat=msat(0), maturity_height=None))
    assert judged(RULE, make_view(target), target).found


@pytest.mark.parametrize(("age", "found"), [(0, True), (11, True), (12, False)])
def test_a_close_with_nothing_of_ours_is_told_for_a_while(age: int, found: bool) -> None:
    """The node lists it nowhere, but its capacity is gone: a warning that ends by itself."""
    target = node()
    event = closed(CloseKind.REMOTE_FORCE, ours=0, height=HEIGHT - age)
    verdict = judged(RULE, make_view(target, events=[event]), target)
    assert [finding.severity for finding in verdict.found.values()] == ([Severity.WARNING] if found else [])


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(closed(CloseKind.COOPERATIVE, ours=0), id="by consent"),
        pytest.param(closed(CloseKind.REMOTE_FORCE, ours=0, at=NOW - 86_400 * 31), id="before the site's birth"),
    ],
)
def test_quiet_for_other_closes(event: Happening) -> None:
    """Neither consent nor history is a case."""
    target = node()
    assert judged(RULE, make_view(target, events=[event]), target).clear


def test_another_commitment_is_new_evidence() -> None:
    """A case that was closed by hand comes back when the peer's transaction confirms instead of ours."""
    ours, theirs = node(closing(closing_txid="aa" * 32)), node(pending_channel())
    before, after = (judged(RULE, make_view(target), target).only.evidence for target in (ours, theirs))
    assert before != after


def test_unknown_where_the_node_does_not_tell_consent() -> None:
    """Before the transaction confirms, a close by consent and one by force can look alike."""
    target = node(closing(cooperative=None))
    assert list(judged(RULE, make_view(target), target).unknown) == [SUBJECT]


@pytest.mark.parametrize("state", [TargetState.DOWN, TargetState.LOCKED, None])
def test_never_clear_while_the_node_is_away(state: TargetState | None) -> None:
    """A force close goes on without the node."""
    target = failing(node(), state)
    assert list(judged(RULE, make_view(target), target).unknown) == [None]


def test_nonsense_is_refused() -> None:
    """It would be told for no time at all."""
    with pytest.raises(ValueError, match="`told_blocks` must be above 0"):
        RULE.thresholds(told_blocks=0)

"""Automation `channel_rebalance`: what would be moved from where to where, and why nothing is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.automations.channel_rebalance import AUTOMATION, NEVER_ADDS, STEP, Thresholds
from lnwatch.model.action import MOVES_MONEY, Nothing, Offer, Proposal
from lnwatch.model.lightning import Channel, Channels
from lnwatch.model.money import msat
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from tests.assessments import PUBLIC_KEY, channel
from tests.rules.views import failing, make_target, make_view, stale


def lane(number: int, *, local: int, remote: int, **changes: Any) -> Channel:  # noqa: ANN401 - fields of Channel
    return replace(channel(number), local_msat=msat(local), remote_msat=msat(remote), **changes)


DRY = lane(1, local=9_800_000, remote=196_530)  # next to nothing can come in
FULL = lane(2, local=1_000_000, remote=8_996_530)
EVEN = lane(3, local=4_000_000, remote=5_996_530)


def node(*channels: Channel) -> TargetView:
    return make_target("lnd", {"channels": Channels(channels)})


def asked(target: TargetView, **thresholds: int) -> list[Offer]:
    return list(AUTOMATION.propose(make_view(target), Thresholds(**thresholds)))


def test_moves_what_is_lacking() -> None:
    """Out over the channel that lacks inbound, in over the one that has most to spare, within a limit of fees."""
    (offer,) = asked(node(DRY, FULL, EVEN))
    assert isinstance(offer, Proposal)
    assert offer.action in MOVES_MONEY
    assert offer.parameters == {
        "public_key": PUBLIC_KEY,
        "source_channel": DRY.channel_id,
        "source_peer": DRY.peer,
        "target_channel": FULL.channel_id,
        "target_peer": FULL.peer,
    }
    assert offer.touches == (f"channel:{DRY.point}", f"channel:{FULL.point}")
    assert (offer.amount_msat, offer.fee_limit_msat) == (msat(400_000), msat(200))
    assert NEVER_ADDS in offer.sentence


@pytest.mark.parametrize(
    ("target", "thresholds", "reason"),
    [
        (node(EVEN, FULL), {}, "well_spread"),
        (node(DRY), {}, "one_channel"),
        (node(), {}, "one_channel"),
        (node(DRY, replace(FULL, active=False)), {}, "one_channel"),
        (node(DRY, lane(2, local=9_500_000, remote=496_530)), {}, "short_in_all"),
        (node(DRY, FULL), {"ticket_sat": 9_000_000}, "short_in_all"),
        (node(DRY, replace(FULL, peer=DRY.peer)), {}, "one_peer"),
        (node(lane(1, local=9_400_000, remote=580_000), FULL), {}, "too_little"),
        (node(DRY, FULL), {"least_sat": 600_000, "most_sat": 700_000}, "too_little"),
        (failing(node(DRY, FULL), TargetState.DOWN), {}, "unknown"),
        (stale(node(DRY, FULL), "channels"), {}, "unknown"),
        (stale(node(DRY, FULL), "node"), {}, "unknown"),
    ],
)
def test_why_nothing_is_moved(target: TargetView, thresholds: dict[str, int], reason: str) -> None:
    """The most asked question has an answer each time, and what a circular payment can't do is part of it."""
    (offer,) = asked(target, **thresholds)
    assert isinstance(offer, Nothing)
    assert (offer.subject, offer.reason) == ("node:ln1", reason)
    assert reason == "unknown" or NEVER_ADDS in offer.sentence
    assert offer.sentence.endswith(".")


def test_short_in_all_says_what_helps() -> None:
    """Where inbound is short in all, no circular payment is proposed but what would add some is named."""
    (offer,) = asked(node(DRY, FULL), ticket_sat=9_000_000)
    assert "spend or swap out, or have a channel opened to you" in offer.sentence


balances = st.integers(0, 9_990_000)


@given(st.lists(balances, min_size=2, max_size=6), st.integers(1_000, 3_000_000))
def test_never_more_than_fits(remotes: list[int], ticket: int) -> None:
    """Whatever the channels hold, a move is a multiple of the step that both ends can take, and within its limits."""
    lanes = [lane(number, local=9_990_000 - remote, remote=remote) for number, remote in enumerate(remotes, 1)]
    view = make_view(node(*lanes))
    (offer,) = AUTOMATION.propose(view, Thresholds(ticket_sat=ticket))
    if isinstance(offer, Nothing):
        return
    source, target = (view.liquidity["ln1"].channels[name.removeprefix("channel:")] for name in offer.touches)
    assert offer.amount_msat % STEP == 0
    assert STEP <= offer.amount_msat <= msat(1_000_000)
    assert offer.amount_msat <= min(source.outbound_msat, target.largest_in_msat)
    assert offer.fee_limit_msat == offer.amount_msat * 500 // 1_000_000
    assert source.inbound_msat + offer.amount_msat <= 2 * msat(ticket)
    assert target.inbound_msat - offer.amount_msat >= 0


@pytest.mark.parametrize(
    ("thresholds", "words"),
    [
        ({"ticket_sat": 0}, "`ticket_sat` must be above 0"),
        ({"fee_ppm": -1}, "`fee_ppm` must be above 0"),
        ({"least_sat": 1_000}, "`least_sat` is at least 50000, found 1000"),
        ({"most_sat": 49_999}, "`most_sat` must not be below `least_sat`"),
    ],
)
def test_nonsense_is_refused(thresholds: dict[str, int], words: str) -> None:
    """Thresholds that make no sense are refused in one line."""
    with pytest.raises(ValueError, match=words):
        Thresholds(**thresholds)

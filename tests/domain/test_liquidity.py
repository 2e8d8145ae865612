"""What a node could receive and send: cases reckoned by hand, and what holds for every channel."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.domain.liquidity import (
    LiquidityReckoner,
    commit_fee_headroom,
    node_liquidity,
    usable_inbound,
    usable_outbound,
)
from lnwatch.model.lightning import Channel, Channels, Htlc
from lnwatch.model.money import Msat, msat
from tests.assessments import channel, constraints, htlc, policies, policy

INCOMING = htlc(1, incoming=True, amount_msat=msat(200_000))
OUTGOING = htlc(2, incoming=False, amount_msat=msat(300_000))

# Rate 2,500 sat/kw, anchors: the fee paid is 2,500 * 1,124 / 1,000 = 2,810 sat; twice the rate with two
# more HTLCs is 5,000 * (1,124 + 344) / 1,000 = 7,340 sat; 4,530 sat are still to be kept back.
HEADROOM = [
    (channel(), 4_530),
    # Legacy: 5,000 * (724 + 344) / 1,000 - 1,810.
    (channel(anchors=False, commit_fee_msat=msat(1_810)), 3_530),
    # Two HTLCs in flight: 5,000 * (1,468 + 344) / 1,000 - 3,670.
    (channel(htlcs=(INCOMING, OUTGOING), commit_fee_msat=msat(3_670)), 5_390),
    # A reported fee with 300 sat of trimmed output in it counts no further than the rate explains.
    (channel(commit_fee_msat=msat(3_110)), 4_530),
    # One that is lower than rate and weight say is what was paid.
    (channel(commit_fee_msat=msat(2_000)), 5_340),
    # 253 sat/kw, the lowest: 506 * 1,468 // 1,000 - 253 * 1,124 // 1,000 = 742 - 284.
    (channel(fee_per_kw=253, commit_fee_msat=msat(284)), 458),
    (channel(fee_per_kw=0, commit_fee_msat=msat(0)), 0),
]

# remote 5,996,530 sat, reserve 100,000 sat, headroom 4,530 sat where the peer opened.
INBOUND = [
    pytest.param(channel(), 5_892_000, id="opened by the peer"),
    pytest.param(channel(initiator=True), 5_896_530, id="opened by us: no headroom on their side"),
    pytest.param(channel(remote=constraints(reserve_msat=msat(5_992_000))), 0, id="reserve and headroom take all"),
    pytest.param(channel(remote=constraints(reserve_msat=msat(9_000_000))), 0, id="below the reserve"),
    pytest.param(channel(remote_msat=Msat(0)), 0, id="empty on their side"),
    pytest.param(channel(remote=constraints(max_pending_msat=msat(1_000_000))), 1_000_000, id="limit in flight"),
    pytest.param(
        channel(remote=constraints(max_pending_msat=msat(1_000_000)), htlcs=(INCOMING,), initiator=True),
        800_000,
        id="what is pending counts against the limit",
    ),
    pytest.param(
        channel(remote=constraints(max_pending_msat=msat(1_000_000)), htlcs=(OUTGOING,), initiator=True),
        1_000_000,
        id="what we send does not",
    ),
    pytest.param(channel(remote=constraints(max_pending_msat=msat(1)), htlcs=(INCOMING,)), 0, id="limit used up"),
    pytest.param(channel(remote=constraints(max_accepted_htlcs=1), htlcs=(INCOMING,)), 0, id="slots used up"),
    pytest.param(
        channel(remote=constraints(max_accepted_htlcs=1), htlcs=(OUTGOING,), initiator=True),
        5_896_530,
        id="slots of the other direction",
    ),
    pytest.param(channel(local=constraints(max_pending_msat=Msat(1))), 5_892_000, id="our limits bind sending alone"),
]


@pytest.mark.parametrize(("one", "satoshis"), HEADROOM)
def test_headroom(one: Channel, satoshis: int) -> None:
    """The opener keeps back twice the fee with two more HTLCs, less what it pays already."""
    assert commit_fee_headroom(one) == msat(satoshis)


@pytest.mark.parametrize(("one", "satoshis"), INBOUND)
def test_inbound(one: Channel, satoshis: int) -> None:
    """The peer can send us what its reserve, its fee and its limits leave."""
    assert usable_inbound(one) == msat(satoshis)


@pytest.mark.parametrize(("one", "satoshis"), INBOUND)
def test_outbound_is_the_mirror_image(one: Channel, satoshis: int) -> None:
    """Seen from the other end of the channel, the same figures bound what can be sent."""
    assert usable_outbound(mirrored(one)) == msat(satoshis)


def mirrored(one: Channel) -> Channel:
    htlcs = tuple(replace(each, incoming=not each.incoming) for each in one.htlcs)
    return replace(
        one,
        initiator=not one.initiator,
        local_msat=one.remote_msat,
        remote_msat=one.local_msat,
        local=one.remote,
        remote=one.local,
        htlcs=htlcs,
    )


def test_sums_of_a_node() -> None:
    """Sums go over channels; R1 is the largest single one, Rm what all could carry together."""
    liquidity = node_liquidity(7.0, Channels((channel(0), channel(1, initiator=True))))
    assert liquidity.at == 7.0
    assert liquidity.inbound_msat == msat(5_892_000 + 5_896_530)
    assert liquidity.outbound_msat == msat(3_900_000 + 3_900_000 - 4_530)
    assert liquidity.receivable_one_msat == msat(5_896_530)
    assert liquidity.receivable_many_msat == msat(5_892_000 + 5_896_530)
    assert liquidity.channels[channel(0).point].inbound_msat == msat(5_892_000)


def test_no_channels() -> None:
    """A node without channels can receive nothing, and that is a figure."""
    liquidity = node_liquidity(7.0, Channels(()))
    assert (liquidity.inbound_msat, liquidity.receivable_one_msat, liquidity.receivable_many_msat) == (0, 0, 0)


def test_offline_channel_counts_nothing() -> None:
    """An inactive channel carries nothing in either direction."""
    liquidity = node_liquidity(7.0, Channels((channel(0), channel(1, active=False))))
    assert liquidity.inbound_msat == msat(5_892_000)
    assert liquidity.outbound_msat == msat(3_900_000)
    away = liquidity.channels[channel(1).point]
    assert (away.inbound_msat, away.outbound_msat, away.largest_in_msat) == (0, 0, 0)


def test_channel_disabled_by_the_peer() -> None:
    """What the peer disabled can't bring anything in, but we can still send over it."""
    known = policies(("800000x12x1", policy(disabled=True)), ("800001x12x1", None))
    liquidity = node_liquidity(7.0, Channels((channel(0), channel(1))), known)
    assert liquidity.inbound_msat == msat(5_892_000)
    assert liquidity.channels[channel(0).point].inbound_msat == 0
    assert liquidity.channels[channel(0).point].outbound_msat == msat(3_900_000)


@pytest.mark.parametrize(("limit", "largest"), [(0, 5_892_000), (1_000_000, 1_000_000), (9_000_000, 5_892_000)])
def test_largest_single_part(limit: int, largest: int) -> None:
    """One part is no larger than the peer announces; what is not announced does not bind."""
    liquidity = node_liquidity(
        7.0, Channels((channel(),)), policies(("800000x12x1", policy(max_htlc_msat=msat(limit))))
    )
    assert liquidity.inbound_msat == msat(5_892_000)
    assert liquidity.receivable_one_msat == msat(largest)


def test_many_means_sixteen_parts() -> None:
    """A payment comes in 16 parts at most, so the 16 largest channels bound it."""
    listed = [channel(index, initiator=True, remote_msat=msat(200_000 + index)) for index in range(20)]
    liquidity = node_liquidity(7.0, Channels(tuple(listed)))
    assert liquidity.receivable_many_msat == msat(sum(100_000 + index for index in range(4, 20)))
    assert liquidity.inbound_msat == msat(sum(100_000 + index for index in range(20)))


def test_private_channels_need_room_for_a_hint() -> None:
    """An invoice has room for 20 hints: of more private channels the largest remote balances count."""
    private = [channel(index, private=True, remote_msat=msat(1_000_000 + index)) for index in range(25)]
    away = channel(30, private=True, active=False, remote_msat=msat(9_000_000))
    public = channel(31, remote_msat=msat(500_000))
    liquidity = node_liquidity(7.0, Channels((*private, away, public)))
    counted = [one for one in (*private, away, public) if liquidity.channels[one.point].inbound_msat > 0]
    assert counted == [*private[5:], public]


amounts = st.integers(0, 10**12).map(Msat)
sides = st.builds(
    constraints,
    reserve_msat=amounts,
    max_pending_msat=amounts,
    max_accepted_htlcs=st.integers(0, 483),
)
flights = st.lists(st.builds(htlc, st.integers(0, 1_000), incoming=st.booleans(), amount_msat=amounts), max_size=5).map(
    tuple
)
any_channel = st.builds(
    channel,
    st.integers(0, 1_000),
    active=st.booleans(),
    private=st.booleans(),
    initiator=st.booleans(),
    anchors=st.booleans(),
    local_msat=amounts,
    remote_msat=amounts,
    commit_fee_msat=amounts,
    fee_per_kw=st.integers(0, 10**6),
    local=sides,
    remote=sides,
    htlcs=flights,
)


@given(any_channel)
def test_between_nothing_and_the_balance(one: Channel) -> None:
    """Never below 0, never above what the sending side has, less its reserve."""
    assert 0 <= usable_inbound(one) <= max(0, one.remote_msat - one.remote.reserve_msat)
    assert 0 <= usable_outbound(one) <= max(0, one.local_msat - one.local.reserve_msat)
    assert commit_fee_headroom(one) >= 0


@given(any_channel, amounts)
def test_more_balance_never_hurts(one: Channel, more: Msat) -> None:
    """A richer peer can send at least as much, and at most that much more."""
    richer = usable_inbound(replace(one, remote_msat=Msat(one.remote_msat + more)))
    assert usable_inbound(one) <= richer <= usable_inbound(one) + more


@given(any_channel, amounts, st.integers(0, 10**6))
def test_tighter_bounds_never_help(one: Channel, more: Msat, dearer: int) -> None:
    """A higher reserve, a higher fee rate or a further HTLC never raises what is usable."""
    reserve = replace(one.remote, reserve_msat=Msat(one.remote.reserve_msat + more))
    pending: tuple[Htlc, ...] = (*one.htlcs, htlc(9, amount_msat=more))
    for tighter in (
        replace(one, remote=reserve),
        replace(one, fee_per_kw=one.fee_per_kw + dearer, commit_fee_msat=Msat(0)),
        replace(one, htlcs=pending, commit_fee_msat=Msat(0)),
    ):
        base = replace(one, commit_fee_msat=tighter.commit_fee_msat)
        assert usable_inbound(tighter) <= usable_inbound(base)


@given(st.lists(any_channel, max_size=30, unique_by=lambda one: one.point))
def test_parts_and_sums(listed: list[Channel]) -> None:
    """One part never beats many, many never beat the whole, and the whole is the sum of its channels."""
    liquidity = node_liquidity(7.0, Channels(tuple(listed)))
    assert 0 <= liquidity.receivable_one_msat <= liquidity.receivable_many_msat <= liquidity.inbound_msat
    assert liquidity.inbound_msat == sum(one.inbound_msat for one in liquidity.channels.values())
    assert liquidity.channels.keys() == {one.point for one in listed}


@given(st.lists(st.lists(any_channel, max_size=12, unique_by=lambda one: one.point), min_size=1, max_size=4))
def test_reckoned_again(lists: list[list[Channel]]) -> None:
    """Whatever came before, a list is reckoned as if it were the first."""
    reckoner, kept = LiquidityReckoner(), lists[0]
    for at, listed in enumerate(lists):
        own = {one.point for one in kept}
        channels = Channels((*kept, *[one for one in listed if one.point not in own]))
        known = policies(*((one.channel_id, policy(disabled=True)) for one in listed)) if at % 2 else None
        assert reckoner.reckon(at, channels, known) == LiquidityReckoner().reckon(at, channels, known)

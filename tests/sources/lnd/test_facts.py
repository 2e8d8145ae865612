"""The smaller facts: policies, pending and closed channels, peers, wallet, watchtower, backup."""

from dataclasses import replace
from pathlib import Path

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim
from lnwatch.model.lightning import (
    BackupFile,
    ClosedChannel,
    CloseKind,
    Peers,
    PendingChannel,
    PendingChannels,
    PendingState,
    Policies,
    Wallet,
    Watchtower,
)
from lnwatch.model.money import Msat
from lnwatch.sources.lnd.watchtower import OFF
from tests.sources.lnd.bench import Bench, Builder


async def test_policies_know_which_side_we_are(build: Builder) -> None:
    """Ours and theirs are told apart by the public keys, wherever LND puts us; private channels are not there."""
    bench = await build(channels=200)
    await bench.read("node")
    bench.node.edges[0].node1_policy.disabled = bench.node.edges[0].node2_policy.disabled = True
    facts = (await bench.read("policies")).facts
    assert isinstance(facts, Policies)
    assert len(facts.channels) == sum(not one.private for one in bench.node.channels)
    first = {edge.node1_pub == bench.node.public_key for edge in bench.node.edges}
    assert first == {True, False}
    for both in facts.channels:
        assert both.ours is not None
        assert both.theirs is not None
        assert (both.ours.fee_rate_ppm, both.theirs.fee_rate_ppm) == (1, 250)
        assert both.theirs.max_htlc_msat == 4_950_000_000
    assert [both.theirs.disabled for both in facts.channels if both.theirs][:2] == [True, False]


async def test_an_unchanged_policy_is_not_made_again(bench: Bench) -> None:
    """From one question to the next only edges that changed are converted anew."""
    await bench.read("node")
    first, second = (await bench.read("policies")).facts, (await bench.read("policies")).facts
    bench.node.edges[0].node1_policy.disabled = True
    third = (await bench.read("policies")).facts
    assert isinstance(first, Policies)
    assert isinstance(second, Policies)
    assert isinstance(third, Policies)
    assert all(now is before for now, before in zip(second.channels, first.channels, strict=True))
    kept = [now is before for now, before in zip(third.channels, first.channels, strict=True)]
    assert kept == [False, *[True] * (len(kept) - 1)]


async def test_side_that_never_announced(bench: Bench) -> None:
    """A side without a policy is None."""
    await bench.read("node")
    edge = bench.node.edges[0]
    edge.ClearField("node1_policy" if edge.node2_pub == bench.node.public_key else "node2_policy")
    facts = (await bench.read("policies")).facts
    assert isinstance(facts, Policies)
    assert facts.channels[0].theirs is None
    assert facts.channels[0].ours is not None


async def test_policies_before_the_node_is_known(bench: Bench) -> None:
    """Nobody is asked about a key that is not known yet."""
    with pytest.raises(SourceError) as raised:
        await bench.read("policies")
    assert raised.value.reason is FailureReason.STARTING
    assert bench.asked("GetNodeInfo") == 0


COOPERATIVE = "ChanStatusCoopBroadcasted|ChanStatusLocalCloseInitiator"
FORCED = "ChanStatusBorked|ChanStatusCommitBroadcasted|ChanStatusLocalCloseInitiator"


def pending(point: str, initiator: int, flags: str = "") -> sim.PendingChannel:
    return sim.PendingChannel(
        remote_node_pub="02aa",
        channel_point=point,
        capacity=1_000,
        local_balance=600,
        initiator=initiator,
        chan_status_flags=flags,
    )


def every_pending() -> sim.PendingChannelsResponse:
    """One of each sort: opening, closing by consent and by force, force-closed ripe and unripe."""
    return sim.PendingChannelsResponse(
        total_limbo_balance=900,
        pending_open_channels=[
            sim.PendingOpenChannel(channel=pending("aa:0", initiator=1), confirmations_until_active=3)
        ],
        waiting_close_channels=[
            sim.WaitingCloseChannel(channel=pending("bb:0", 2, COOPERATIVE), limbo_balance=600),
            sim.WaitingCloseChannel(channel=pending("b1:0", 2, FORCED), limbo_balance=600),
            sim.WaitingCloseChannel(channel=pending("b2:0", 2, f"{COOPERATIVE}|{FORCED}"), limbo_balance=600),
        ],
        pending_force_closing_channels=[
            sim.ForceClosedChannel(
                channel=pending("cc:0", initiator=0),
                closing_txid="dd",
                limbo_balance=300,
                recovered_balance=300,
                maturity_height=800_144,
                blocks_til_maturity=-2,
            ),
            sim.ForceClosedChannel(channel=pending("ee:0", initiator=3), closing_txid="ff"),
        ],
    )


@pytest.mark.parametrize(("release", "confirmations"), [("0.19.3", None), ("0.20.1", 3), ("0.21.2", 3)])
async def test_pending(build: Builder, release: str, confirmations: int | None) -> None:
    """Openings, closings and force closes come with what is in limbo and when it matures."""
    bench = await build(release=release)
    bench.node.pending = every_pending()
    await bench.read("node")
    facts = (await bench.read("pending")).facts
    opening = PendingChannel(
        point="aa:0",
        peer="02aa",
        state=PendingState.OPENING,
        initiator=True,
        capacity_msat=Msat(1_000_000),
        local_msat=Msat(600_000),
        limbo_msat=Msat(0),
        recovered_msat=Msat(0),
        closing_txid=None,
        maturity_height=None,
        blocks_to_maturity=None,
        confirmations_until_active=confirmations,
    )
    rest = replace(opening, initiator=None, confirmations_until_active=None, state=PendingState.FORCE_CLOSING)
    closing = replace(
        rest,
        point="bb:0",
        state=PendingState.CLOSING,
        initiator=False,
        limbo_msat=Msat(600_000),
        cooperative=True,
    )
    by_force = replace(closing, point="b1:0", cooperative=False)
    after_all = replace(by_force, point="b2:0")
    forced = replace(
        rest,
        point="cc:0",
        limbo_msat=Msat(300_000),
        recovered_msat=Msat(300_000),
        closing_txid="dd",
        maturity_height=800_144,
        blocks_to_maturity=-2,
    )
    unripe = replace(rest, point="ee:0", closing_txid="ff")
    assert facts == PendingChannels((opening, closing, by_force, after_all, forced, unripe), limbo_msat=Msat(900_000))


async def test_closed_are_told_once_and_the_first_are_history(build: Builder) -> None:
    """What had ended at the first look is history; each ending is told once, also when a store fails between."""
    bench = await build(channels=6)
    for kind in range(6):
        bench.node.close(0, kind)
    first = await bench.read("closed")
    assert first.history
    assert [event.kind for event in first.events if isinstance(event, ClosedChannel)] == list(CloseKind)
    assert (await bench.read("closed")).events == ()
    late = bench.node.close(0) if bench.node.channels else None
    assert late is None
    bench.node.closed.append(sim.ChannelCloseSummary(channel_point="late:0", chan_id=1 << 40))
    lost = await bench.read("closed", store=False)
    assert not lost.history
    assert (await bench.read("closed")).events == lost.events
    assert (await bench.read("closed")).events == ()


async def test_many_closed_come_in_parts(bench: Bench) -> None:
    """A long list is asked for once and told in parts, all of it history."""
    bench.node.closed += [sim.ChannelCloseSummary(channel_point=f"{number}:0") for number in range(1_200)]
    readings = await bench.drain("closed")
    assert [len(reading.events) for reading in readings] == [500, 500, 200]
    assert all(reading.history for reading in readings)
    assert bench.asked("ClosedChannels") == 1
    bench.restart()
    assert len((await bench.drain("closed"))[0].events) == 500  # told again after a restart, which does no harm


async def test_peers(bench: Bench) -> None:
    """Flaps, ping and the latest error, cut to a bearable length."""
    peer = bench.node.peers[0]
    peer.flap_count, peer.last_flap_ns, peer.ping_time = 3, 1_700_000_000_500_000_000, 0
    peer.errors.add(timestamp=1, error="old")
    peer.errors.add(timestamp=2, error="x" * 1_000)
    facts = (await bench.read("peers")).facts
    assert isinstance(facts, Peers)
    (told,) = facts.peers
    assert (told.flaps, told.last_flap_at, told.ping_seconds) == (3, 1_700_000_000.5, None)
    assert told.last_error == "x" * 300


async def test_wallet(bench: Bench) -> None:
    """Balances and the reserve that anchors need."""
    facts = (await bench.read("wallet")).facts
    assert facts == Wallet(Msat(2_000_000_000), Msat(100_000_000), Msat(50_000_000), Msat(30_000_000))


async def test_watchtower(bench: Bench) -> None:
    """A client that is off is a fact and no failure."""
    assert (await bench.read("watchtower")).facts == OFF
    bench.node.watchtower = sim.WatchtowerStats(
        num_backups=5, num_pending_backups=2, num_failed_backups=1, num_sessions_acquired=3, num_sessions_exhausted=4
    )
    assert (await bench.read("watchtower")).facts == Watchtower(True, 5, 2, 1, 3, 4)


async def read_backup(bench: Bench) -> BackupFile:
    facts = (await bench.read("backup")).facts
    assert isinstance(facts, BackupFile)
    return facts


async def test_backup_is_proved_by_its_own_bytes(bench: Bench) -> None:
    """The file on disk is what counts: a channel opened after it was written is missing in it."""
    path = bench.directory / "channel.backup"
    path.write_bytes(bench.node.backup())
    bench.restart(backup_file=str(path))
    assert (await read_backup(bench)).missing is None  # the open channels are not known yet
    await bench.read("channels")
    whole = await read_backup(bench)
    assert (whole.channels, whole.missing, whole.size) == (3, (), path.stat().st_size)
    assert whole.modified_at == pytest.approx(path.stat().st_mtime)
    assert len(whole.sha256) == 64
    bench.node.channels.append(sim.Channel(channel_point="new:0"))
    await bench.read("channels")
    assert (await read_backup(bench)).missing == ("new:0",)


@pytest.mark.parametrize("content", [None, b"short", b"x" * 200])
async def test_backup_that_covers_nothing(bench: Bench, content: bytes | None) -> None:
    """A file that is gone, damaged or another node's covers nothing."""
    path = bench.directory / "channel.backup"
    if content is not None:
        path.write_bytes(content)
    bench.restart(backup_file=str(path))
    await bench.read("channels")
    told = await read_backup(bench)
    assert told.channels == 0
    assert told.missing == tuple(sorted(one.channel_point for one in bench.node.channels))
    assert (told.modified_at == 0) is (content is None)


async def test_backup_unreadable(bench: Bench, tmp_path: Path) -> None:
    """A path that can't be read at all is our own trouble, and is named."""
    bench.restart(backup_file=str(tmp_path))
    with pytest.raises(SourceError, match=str(tmp_path)) as raised:
        await bench.read("backup")
    assert raised.value.reason is FailureReason.CREDENTIAL_UNREADABLE

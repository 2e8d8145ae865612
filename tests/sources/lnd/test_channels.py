from pathlib import Path

import pytest

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Channel, Channels, Constraints, Htlc
from lnwatch.model.money import Msat
from lnwatch.sources.lnd.channels import ChannelReader, short_id
from tests.sources.lnd.bench import Bench, Builder

# A channel of LND 0.21.2 on regtest with a hold invoice's HTLC, as it answered.
REAL = ln.Channel(
    active=True,
    remote_pubkey="021db118f781a1fbf6206898f3f292c3f7f0146c138150c6446e36d8b368a13f1b",
    channel_point="401aba884f2ebd13ab14425e2c0d7f093fb010b79dfbfe8d95cb4a6b4cdf5da5:0",
    chan_id=107 << 40 | 1 << 16,
    capacity=5_000_000,
    local_balance=20_000,
    remote_balance=4_974_600,
    commit_fee=3_240,
    fee_per_kw=2_500,
    unsettled_balance=1_500,
    total_satoshis_received=20_000,
    chan_status_flags="ChanStatusDefault",
    commitment_type=ln.ANCHORS,
    local_constraints=ln.ChannelConstraints(
        csv_delay=600,
        chan_reserve_sat=50_000,
        dust_limit_sat=354,
        max_pending_amt_msat=4_950_000_000,
        min_htlc_msat=1,
        max_accepted_htlcs=483,
    ),
    remote_constraints=ln.ChannelConstraints(
        csv_delay=144,
        chan_reserve_sat=50_001,
        dust_limit_sat=355,
        max_pending_amt_msat=4_950_000_001,
        min_htlc_msat=2,
        max_accepted_htlcs=30,
    ),
    pending_htlcs=[
        ln.HTLC(incoming=True, amount=1_500, hash_lock=b"\x02" * 32, expiration_height=262, htlc_index=1),
        ln.HTLC(amount=7, hash_lock=b"\x03" * 32, expiration_height=300, htlc_index=4, forwarding_channel=1 << 40),
    ],
)
EXPECTED = Channel(
    point="401aba884f2ebd13ab14425e2c0d7f093fb010b79dfbfe8d95cb4a6b4cdf5da5:0",
    channel_id="107x1x0",
    peer="021db118f781a1fbf6206898f3f292c3f7f0146c138150c6446e36d8b368a13f1b",
    active=True,
    private=False,
    initiator=False,
    capacity_msat=Msat(5_000_000_000),
    local_msat=Msat(20_000_000),
    remote_msat=Msat(4_974_600_000),
    commit_fee_msat=Msat(3_240_000),
    fee_per_kw=2_500,
    anchors=True,
    unsettled_msat=Msat(1_500_000),
    local=Constraints(Msat(50_000_000), Msat(354_000), Msat(4_950_000_000), Msat(1), 483, 600),
    remote=Constraints(Msat(50_001_000), Msat(355_000), Msat(4_950_000_001), Msat(2), 30, 144),
    htlcs=(
        Htlc(incoming=True, index=1, amount_msat=Msat(1_500_000), payment_hash="02" * 32, expiry_height=262),
        Htlc(
            incoming=False,
            index=4,
            amount_msat=Msat(7_000),
            payment_hash="03" * 32,
            expiry_height=300,
            forwarding_channel="1x0x0",
        ),
    ),
    sent_msat=Msat(0),
    received_msat=Msat(20_000_000),
    zero_conf=False,
    status_flags="ChanStatusDefault",
)


def test_every_field() -> None:
    """A channel arrives whole: sums in msat, each side's constraints with the side that offers under them."""
    assert ChannelReader().channel(REAL) == EXPECTED


@pytest.mark.parametrize(
    ("identifier", "written"),
    [
        (820_000 << 40 | 12 << 16 | 1, "820000x12x1"),
        (0, "0x0x0"),
        (16_777_215 << 40 | 16_777_215 << 16 | 65_535, "16777215x16777215x65535"),
    ],
)
def test_short_id(identifier: int, written: str) -> None:
    """Short channel ids are written as BOLT 7 has them."""
    assert short_id(identifier) == written


@pytest.mark.parametrize(
    ("channel", "channel_id", "anchors"),
    [
        (ln.Channel(chan_id=5 << 40, commitment_type=ln.LEGACY), "5x0x0", False),
        (ln.Channel(chan_id=5 << 40, commitment_type=ln.STATIC_REMOTE_KEY), "5x0x0", False),
        (ln.Channel(chan_id=5 << 40, commitment_type=ln.SCRIPT_ENFORCED_LEASE), "5x0x0", True),
        (ln.Channel(chan_id=5 << 40, commitment_type=ln.SIMPLE_TAPROOT), "5x0x0", True),
        (ln.Channel(chan_id=5 << 40, commitment_type=ln.TAPROOT), "5x0x0", True),
        (ln.Channel(chan_id=16_000_000 << 40, zero_conf=True), "16000000x0x0", False),
        (ln.Channel(chan_id=16_000_000 << 40, zero_conf=True, zero_conf_confirmed_scid=9 << 40), "9x0x0", False),
    ],
)
def test_kinds(channel: ln.Channel, channel_id: str, anchors: bool) -> None:
    """Anchors follow from the commitment's type; a zero-conf channel bears its alias until the real id is known."""
    read = ChannelReader().channel(channel)
    assert (read.channel_id, read.anchors) == (channel_id, anchors)


def test_constraints_are_shared() -> None:
    """Channels with the same limits share them, however many there are."""
    reader = ChannelReader()
    assert reader.channel(REAL).local is reader.channel(REAL).local
    assert reader.channel(REAL).local is not reader.channel(REAL).remote


async def test_many_channels(build: Builder) -> None:
    """Two thousand channels come in order and complete, and match what the node says."""
    bench = await build(channels=2_000)
    facts = (await bench.read("channels")).facts
    assert isinstance(facts, Channels)
    assert [channel.point for channel in facts.channels] == [one.channel_point for one in bench.node.channels]
    assert sum(channel.remote_msat for channel in facts.channels) == 1_000 * sum(
        one.remote_balance for one in bench.node.channels
    )


async def test_held_htlc_wakes_invoices(bench: Bench) -> None:
    """An HTLC that stays sends the invoices to look, twice: LND may accept it a moment after it is listed."""
    invoice = bench.node.invoices.add(5_000_000)
    assert (await bench.read("channels")).wakes == frozenset()
    bench.node.hold(invoice.add_index)
    for _ in range(2):
        assert (await bench.read("channels")).wakes == {"invoices"}
    for _ in range(2):
        assert (await bench.read("channels")).wakes == frozenset()


async def test_new_channel_wakes_backup(bench: Bench, tmp_path: Path) -> None:
    """Where there is a backup file, the first list and each new channel send `backup` to look, until it has."""
    bench.restart(backup_file=str(tmp_path / "channel.backup"))
    new = bench.node.channels.pop()
    await bench.read("backup")
    for _ in range(2):
        for _ in range(2):
            assert (await bench.read("channels")).wakes == {"backup"}
        await bench.read("backup")
        assert (await bench.read("channels")).wakes == frozenset()
        bench.node.channels.append(new)


async def test_channel_that_is_gone_wakes_pending(bench: Bench) -> None:
    """A channel that is listed no more sends `pending` to look, once; one that is new does not."""
    gone = bench.node.channels.pop()
    assert (await bench.read("channels")).wakes == frozenset()
    bench.node.channels.append(gone)
    assert (await bench.read("channels")).wakes == frozenset()
    bench.node.channels.remove(gone)
    assert (await bench.read("channels")).wakes == {"pending"}
    assert (await bench.read("channels")).wakes == frozenset()


def test_an_unchanged_channel_is_not_made_again() -> None:
    """Only what changed since the list before is converted anew; seconds of uptime are no change."""
    reader = ChannelReader()

    def told(balance: int, uptime: int) -> ln.ListChannelsResponse:
        channel = ln.Channel(channel_point="aa:0", local_balance=balance)
        unknown = bytes([0xC0, 0x01, uptime])  # field 24, a varint
        body = channel.SerializeToString() + unknown
        return ln.ListChannelsResponse.FromString(bytes([0x5A, len(body)]) + body)

    def read(answer: ln.ListChannelsResponse) -> Channel:
        reader.begin(answer)
        channel = reader.channel(answer.channels[0])
        reader.end()
        return channel

    first = read(told(1_000, uptime=1))
    assert read(told(1_000, uptime=2)) is first
    assert read(told(2_000, uptime=3)).local_msat == 2_000_000
    assert read(told(1_000, uptime=4)) == first

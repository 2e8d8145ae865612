"""The channels of a node, in the numbers and sizes of a real one."""

import hashlib

from lnwatch.grpc_stubs import simulated_lnd_pb2 as sim

ANCHORS = 3
CAPACITY = 5_000_000
RESERVE = CAPACITY // 100
COMMIT_FEE = 2_810
ANCHOR_OUTPUTS = 660
CHANNELS_PER_PEER = 4


def public_key(name: str) -> str:
    """A key that looks like one."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return ("02" if digest[0] < "8" else "03") + digest


def short_channel_id(number: int) -> int:
    """Block, transaction and output of channel `number`."""
    return (800_000 + number) << 40 | (number % 2_000) << 16 | number % 2


def build_channels(seed: int, count: int) -> list[sim.Channel]:
    """`count` open channels: every seventh is private, every other was opened by us, every tenth has an HTLC."""
    limits = sim.ChannelConstraints(
        csv_delay=144,
        chan_reserve_sat=RESERVE,
        dust_limit_sat=354,
        max_pending_amt_msat=(CAPACITY - RESERVE) * 1_000,
        min_htlc_msat=1,
        max_accepted_htlcs=483,
    )
    return [_channel(seed, number, limits) for number in range(count)]


def _channel(seed: int, number: int, limits: sim.ChannelConstraints) -> sim.Channel:
    digest = hashlib.sha256(f"channel {seed}/{number}".encode())
    initiator = number % 2 == 0
    spendable = CAPACITY - COMMIT_FEE - ANCHOR_OUTPUTS
    local = int.from_bytes(digest.digest()[:4], "big") % spendable
    channel = sim.Channel(
        active=True,
        remote_pubkey=public_key(f"peer {seed}/{number // CHANNELS_PER_PEER}"),
        channel_point=f"{digest.hexdigest()}:{number % 2}",
        chan_id=short_channel_id(number),
        capacity=CAPACITY,
        local_balance=local,
        remote_balance=spendable - local,
        commit_fee=COMMIT_FEE,
        commit_weight=1_116,
        fee_per_kw=2_500,
        total_satoshis_sent=number * 7_919,
        total_satoshis_received=number * 104_729,
        num_updates=number * 3 + 1,
        csv_delay=144,
        private=number % 7 == 6,
        initiator=initiator,
        chan_status_flags="ChanStatusDefault",
        local_chan_reserve_sat=RESERVE,
        remote_chan_reserve_sat=RESERVE,
        commitment_type=ANCHORS,
        local_constraints=limits,
        remote_constraints=limits,
        peer_scid_alias=(16_000_000 + number) << 40,
    )
    if number % 10 == 9:
        hold(channel, min(10_000, channel.remote_balance), digest.digest())
    return channel


def hold(
    channel: sim.Channel, amount: int, payment_hash: bytes, *, incoming: bool = True, expiry: int = 800_144
) -> None:
    """Put an HTLC (satoshis) on a channel: it leaves the balance of the side that offers it."""
    if incoming:
        channel.remote_balance -= amount
    else:
        channel.local_balance -= amount
    channel.unsettled_balance += amount
    channel.pending_htlcs.add(
        incoming=incoming,
        amount=amount,
        hash_lock=payment_hash,
        expiration_height=expiry,
        htlc_index=channel.num_updates,
        locked_in=True,
    )
    channel.num_updates += 1


def resolve(channel: sim.Channel, payment_hash: bytes, *, settled: bool) -> None:
    """Take an HTLC off a channel, to the side that won it."""
    for position, htlc in enumerate(channel.pending_htlcs):
        if htlc.hash_lock == payment_hash:
            if htlc.incoming is settled:
                channel.local_balance += htlc.amount
            else:
                channel.remote_balance += htlc.amount
            channel.unsettled_balance -= htlc.amount
            channel.num_updates += 1
            del channel.pending_htlcs[position]
            return


def build_edges(channels: list[sim.Channel], ourselves: str) -> list[sim.ChannelEdge]:
    """What gossip says of the public ones. The node with the lower key comes first, as BOLT 7 has it."""
    return [_edge(channel, ourselves) for channel in channels if not channel.private]


def _edge(channel: sim.Channel, ourselves: str) -> sim.ChannelEdge:
    first, second = sorted((ourselves, channel.remote_pubkey))
    ours = _policy(base=1_000, rate=1, channel=channel)
    theirs = _policy(base=0, rate=250, channel=channel)
    one, two = (ours, theirs) if first == ourselves else (theirs, ours)
    return sim.ChannelEdge(
        channel_id=channel.chan_id,
        chan_point=channel.channel_point,
        node1_pub=first,
        node2_pub=second,
        capacity=channel.capacity,
        node1_policy=one,
        node2_policy=two,
    )


def _policy(*, base: int, rate: int, channel: sim.Channel) -> sim.RoutingPolicy:
    return sim.RoutingPolicy(
        time_lock_delta=80,
        min_htlc=1_000,
        fee_base_msat=base,
        fee_rate_milli_msat=rate,
        max_htlc_msat=(channel.capacity - RESERVE) * 1_000,
        last_update=1_790_000_000,
    )

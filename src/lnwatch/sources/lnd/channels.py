"""Open channels. At 10,000 of them this is the hot path of the whole source."""

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import Channel, Channels, Constraints, Htlc
from lnwatch.model.money import MSAT_PER_SAT, Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.chunks import in_chunks
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import LIST_CHANNELS

_CONSTRAINTS_KEPT = 4_096


def short_id(channel_id: int) -> str:
    """A short channel id as BOLT 7 writes it: `BLOCKxTRANSACTIONxOUTPUT`."""
    return f"{channel_id >> 40}x{channel_id >> 16 & 0xFFFFFF}x{channel_id & 0xFFFF}"


class ChannelReader:
    """Turns LND's channels into ours.

    From one list to the next most channels are the same, so what was made of them is kept by their bytes.
    Most channels have the same few constraints, which are shared.
    """

    def __init__(self) -> None:
        self._constraints: dict[tuple[int, ...], Constraints] = {}
        self._former: dict[bytes, Channel] = {}
        self._present: dict[bytes, Channel] = {}

    def begin(self, answer: ln.ListChannelsResponse) -> None:
        """Begin a list: what was not in the one before is forgotten.

        Fields that we do not know are dropped, above all the seconds of uptime, which differ each time.
        """
        answer.DiscardUnknownFields()
        self._former, self._present = self._present, {}

    def end(self) -> None:
        """The list is read: let go of the one before."""
        self._former = {}

    def channel(self, channel: ln.Channel) -> Channel:
        """One open channel."""
        key = channel.SerializeToString()
        known = self._present[key] = self._former.get(key) or self._made(channel)
        return known

    def _made(self, channel: ln.Channel) -> Channel:
        return Channel(
            point=channel.channel_point,
            # LND keeps the alias of a zero-conf channel for good, beside the real one.
            channel_id=short_id(channel.zero_conf_confirmed_scid or channel.chan_id),
            peer=channel.remote_pubkey,
            active=channel.active,
            private=channel.private,
            initiator=channel.initiator,
            capacity_msat=Msat(channel.capacity * MSAT_PER_SAT),
            local_msat=Msat(channel.local_balance * MSAT_PER_SAT),
            remote_msat=Msat(channel.remote_balance * MSAT_PER_SAT),
            commit_fee_msat=Msat(channel.commit_fee * MSAT_PER_SAT),
            fee_per_kw=channel.fee_per_kw,
            anchors=channel.commitment_type >= ln.ANCHORS,
            unsettled_msat=Msat(channel.unsettled_balance * MSAT_PER_SAT),
            local=self._shared(channel.local_constraints),
            remote=self._shared(channel.remote_constraints),
            htlcs=tuple(map(read_htlc, htlcs)) if (htlcs := channel.pending_htlcs) else (),
            sent_msat=Msat(channel.total_satoshis_sent * MSAT_PER_SAT),
            received_msat=Msat(channel.total_satoshis_received * MSAT_PER_SAT),
            zero_conf=channel.zero_conf,
            status_flags=channel.chan_status_flags,
        )

    def _shared(self, limits: ln.ChannelConstraints) -> Constraints:
        key = (
            limits.chan_reserve_sat,
            limits.dust_limit_sat,
            limits.max_pending_amt_msat,
            limits.min_htlc_msat,
            limits.max_accepted_htlcs,
            limits.csv_delay,
        )
        known = self._constraints.get(key)
        if known is None:
            if len(self._constraints) >= _CONSTRAINTS_KEPT:
                self._constraints.clear()
            known = self._constraints[key] = Constraints(
                reserve_msat=Msat(key[0] * MSAT_PER_SAT),
                dust_limit_msat=Msat(key[1] * MSAT_PER_SAT),
                max_pending_msat=Msat(key[2]),
                min_htlc_msat=Msat(key[3]),
                max_accepted_htlcs=key[4],
                csv_delay=key[5],
            )
        return known


def read_htlc(htlc: ln.HTLC) -> Htlc:
    """One HTLC in flight; LND gives whole satoshis here."""
    return Htlc(
        incoming=htlc.incoming,
        index=htlc.htlc_index,
        amount_msat=Msat(htlc.amount * MSAT_PER_SAT),
        payment_hash=htlc.hash_lock.hex(),
        expiry_height=htlc.expiration_height,
        forwarding_channel=short_id(htlc.forwarding_channel) if htlc.forwarding_channel else None,
    )


class ChannelsCollector(Polled):
    """ListChannels. An HTLC that came in and stays wakes `invoices`, twice: LND's stream does not tell of held ones,
    and takes an HTLC into its list a moment before its invoice is accepted.

    A channel that is gone wakes `pending`: the stream tells of a close when it is confirmed, not when it is begun.
    A new one wakes `backup`, where there is a file that has to cover it.
    """

    def __init__(self, name: str, node: Node, pace: Pace, *, backed_up: bool = False) -> None:
        """Keep what channels share from run to run."""
        super().__init__(name, node, pace)
        self._backed_up = backed_up
        self._reader = ChannelReader()

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """Every open channel."""
        answer = await turn.call(LIST_CHANNELS, ln.ListChannelsRequest())
        self._reader.begin(answer)
        facts = Channels(await in_chunks(answer.channels, self._reader.channel))
        self._reader.end()
        known = self.node.known
        points, known.open_points = known.open_points, frozenset(channel.point for channel in facts.channels)
        before, known.held = known.held, _held(facts)
        prove = {"invoices"} if known.held - known.staying else set()
        known.staying = known.held & before
        if points is not None and points - known.open_points:
            prove.add("pending")
        if self._backed_up and known.open_points - known.held_against:
            prove.add("backup")  # again with each list until it was: a hint may come while the node is to be spared
        return Reading(facts=facts, wakes=self.node.hints.wake(*prove))


def _held(facts: Channels) -> frozenset[str]:
    """Payment hashes of HTLCs that may be for one of our invoices."""
    return frozenset(
        htlc.payment_hash
        for channel in facts.channels
        if channel.htlcs
        for htlc in channel.htlcs
        if htlc.incoming and htlc.forwarding_channel is None
    )

"""Channels on their way in or out, and those that are no more."""

from lnwatch.grpc_stubs import lightning_pb2 as ln
from lnwatch.model.lightning import ClosedChannel, CloseKind, PendingChannel, PendingChannels, PendingState
from lnwatch.model.money import MSAT_PER_SAT, Msat
from lnwatch.model.snapshot import Reading
from lnwatch.sources import Memory
from lnwatch.sources.lnd.channels import short_id
from lnwatch.sources.lnd.collector import Node, Pace, Polled, Turn
from lnwatch.sources.lnd.methods import CLOSED_CHANNELS, PENDING_CHANNELS
from lnwatch.sources.lnd.version import CONFIRMATIONS_LEFT, Version

CLOSED_BATCH = 500  # events handed on together

# Of `channeldb.ChannelStatus`; LND joins them with `|`.
_COMMIT_BROADCASTED = "ChanStatusCommitBroadcasted"
_COOP_BROADCASTED = "ChanStatusCoopBroadcasted"

_INITIATOR = {ln.INITIATOR_LOCAL: True, ln.INITIATOR_REMOTE: False}
_KINDS = {
    ln.ChannelCloseSummary.COOPERATIVE_CLOSE: CloseKind.COOPERATIVE,
    ln.ChannelCloseSummary.LOCAL_FORCE_CLOSE: CloseKind.LOCAL_FORCE,
    ln.ChannelCloseSummary.REMOTE_FORCE_CLOSE: CloseKind.REMOTE_FORCE,
    ln.ChannelCloseSummary.BREACH_CLOSE: CloseKind.BREACH,
    ln.ChannelCloseSummary.FUNDING_CANCELED: CloseKind.FUNDING_CANCELED,
    ln.ChannelCloseSummary.ABANDONED: CloseKind.ABANDONED,
}


def read_pending(answer: ln.PendingChannelsResponse, version: Version) -> PendingChannels:
    """All three kinds; what a release does not tell is None."""
    found = [_opening(pending, version) for pending in answer.pending_open_channels]
    found += [_closing(pending) for pending in answer.waiting_close_channels]
    found += [_force_closing(pending) for pending in answer.pending_force_closing_channels]
    return PendingChannels(tuple(found), limbo_msat=Msat(answer.total_limbo_balance * MSAT_PER_SAT))


def _opening(pending: ln.PendingChannelsResponse.PendingOpenChannel, version: Version) -> PendingChannel:
    left = pending.confirmations_until_active if version >= CONFIRMATIONS_LEFT else None
    return _pending(pending.channel, PendingState.OPENING, confirmations_until_active=left)


def _closing(pending: ln.PendingChannelsResponse.WaitingCloseChannel) -> PendingChannel:
    return _pending(
        pending.channel,
        PendingState.CLOSING,
        limbo_sat=pending.limbo_balance,
        closing_txid=pending.closing_txid or None,
        cooperative=_by_consent(pending.channel.chan_status_flags),
    )


def _by_consent(flags: str) -> bool:
    """Whether both sides agreed to close. A channel that waits here for any other reason, broken or restored
    from a backup too, ends by force; so does one whose commitment was broadcast after all."""
    return _COOP_BROADCASTED in flags and _COMMIT_BROADCASTED not in flags


def _force_closing(pending: ln.PendingChannelsResponse.ForceClosedChannel) -> PendingChannel:
    return _pending(
        pending.channel,
        PendingState.FORCE_CLOSING,
        limbo_sat=pending.limbo_balance,
        recovered_sat=pending.recovered_balance,
        closing_txid=pending.closing_txid or None,
        maturity_height=pending.maturity_height or None,
        blocks_to_maturity=pending.blocks_til_maturity if pending.maturity_height else None,
    )


def _pending(  # noqa: PLR0913 - one place knows the fields that the three kinds share
    channel: ln.PendingChannelsResponse.PendingChannel,
    state: PendingState,
    *,
    limbo_sat: int = 0,
    recovered_sat: int = 0,
    closing_txid: str | None = None,
    maturity_height: int | None = None,
    blocks_to_maturity: int | None = None,
    confirmations_until_active: int | None = None,
    cooperative: bool | None = None,
) -> PendingChannel:
    return PendingChannel(
        point=channel.channel_point,
        peer=channel.remote_node_pub,
        state=state,
        initiator=_INITIATOR.get(channel.initiator),
        capacity_msat=Msat(channel.capacity * MSAT_PER_SAT),
        local_msat=Msat(channel.local_balance * MSAT_PER_SAT),
        limbo_msat=Msat(limbo_sat * MSAT_PER_SAT),
        recovered_msat=Msat(recovered_sat * MSAT_PER_SAT),
        closing_txid=closing_txid,
        maturity_height=maturity_height,
        blocks_to_maturity=blocks_to_maturity,
        confirmations_until_active=confirmations_until_active,
        cooperative=cooperative,
    )


def read_closed(summary: ln.ChannelCloseSummary) -> ClosedChannel:
    """One channel that is no more; a way of closing that we don't know counts as a remote force close."""
    return ClosedChannel(
        point=summary.channel_point,
        channel_id=short_id(summary.chan_id),
        peer=summary.remote_pubkey,
        kind=_KINDS.get(summary.close_type, CloseKind.REMOTE_FORCE),
        closing_txid=summary.closing_tx_hash,
        close_height=summary.close_height,
        capacity_msat=Msat(summary.capacity * MSAT_PER_SAT),
        settled_msat=Msat(summary.settled_balance * MSAT_PER_SAT),
        time_locked_msat=Msat(summary.time_locked_balance * MSAT_PER_SAT),
    )


class PendingCollector(Polled):
    """PendingChannels."""

    async def read(self, memory: Memory, turn: Turn) -> Reading:  # noqa: ARG002 - the contract's
        """Every channel that is not an open one, but was or will be."""
        answer = await turn.call(PENDING_CHANNELS, ln.PendingChannelsRequest())
        return Reading(facts=read_pending(answer, self.node.known.version))


class ClosedCollector(Polled):
    """ClosedChannels: the list grows for ever and knows no paging, so it is asked for seldom and told in parts.

    The cursor `closed.last` proves that a part was stored; the list read first of all is history, which
    `closed.complete` marks as told.
    """

    def __init__(self, name: str, node: Node, pace: Pace) -> None:
        """Nothing was told yet by this process."""
        super().__init__(name, node, pace)
        self._queue: list[ClosedChannel] = []
        self._part: list[ClosedChannel] = []
        self._stored: set[str] = set()

    async def read(self, memory: Memory, turn: Turn) -> Reading:
        """The next part of what was not told yet."""
        if self._part and await memory.cursor("closed.last") == self._part[-1].point:
            self._stored.update(channel.point for channel in self._part)
            del self._queue[: len(self._part)]
        history = await memory.cursor("closed.complete") is None
        if not self._queue:
            answer = await turn.call(CLOSED_CHANNELS, ln.ClosedChannelsRequest())
            self._queue = [read_closed(one) for one in answer.channels if one.channel_point not in self._stored]
        self._part = self._queue[:CLOSED_BATCH]
        more = len(self._queue) > len(self._part)
        cursors = {"closed.last": self._part[-1].point} if self._part else {}
        if not more:
            cursors["closed.complete"] = "yes"
        return Reading(events=tuple(self._part), cursors=cursors, history=history, more=more)

"""What a Lightning node could receive and send right now, from its channels and their policies.

LND has no figure for it, so it is reckoned as LND itself reckons before it sends (read in lnd 0.21.2):

- The constraints of a side bind the HTLCs that this side *offers* (`channeldb.ChannelStateBounds`), so
  receiving is bounded by `remote`, sending by `local`.
- The opener pays the commitment fee and keeps a buffer: the fee at twice the rate, with the HTLC that it
  is about to add and one more that the other side may add (BOLT 2 `update_add_htlc`, "fee spike buffer";
  `lnwallet.CalcFeeBuffer`, `applyCommitFee`). The present fee, and the 660 sat of two anchor outputs, are
  taken off its balance already, so only the rest of the buffer is headroom.
- Weights are those of `input/size.go`. A taproot commitment (968) is counted as one with anchors (1124):
  the headroom then errs by a few satoshis to the safe side. So does counting every pending HTLC as
  untrimmed, and a peer that is not LND and keeps a smaller buffer.
- `active` is LND's word for "the peer is connected and the link stands" (`rpcserver.ListChannels`). No peer
  list is asked: one that is older than the channel list would count a peer that came back as gone.
- What the gossip does not tell is taken as usable: no policies yet, a channel that is missing in them.
- A private channel is usable only where invoices hint at it. LND hints at active private channels of
  public peers, in the order of falling remote balance, 20 at most (`invoicesrpc.maxHopHints`). Whether a
  peer is public can't be seen without walking the graph: it is taken for public, as that of a merchant's
  private channel (a provider of liquidity) nearly always is.
"""

from collections.abc import Iterable, Mapping
from heapq import nlargest
from operator import attrgetter

from lnwatch.model.lightning import Channel, ChannelPolicy, Channels, Policies
from lnwatch.model.liquidity import ChannelLiquidity, NodeLiquidity
from lnwatch.model.money import MSAT_PER_SAT, Msat

COMMIT_WEIGHT = 724
ANCHOR_COMMIT_WEIGHT = 1_124
HTLC_WEIGHT = 172
MAX_PARTS = 16  # of one payment, by LND's default
MAX_HINTS = 20  # of one invoice

_NOTHING = ChannelLiquidity(Msat(0), Msat(0), Msat(0))


def node_liquidity(at: float, channels: Channels, policies: Policies | None = None) -> NodeLiquidity:
    """Usable inbound and outbound of each channel and of the node, in msat, at the instant `at` of `channels`.

    `policies` is None where they are not known. Raises nothing.
    """
    return LiquidityReckoner().reckon(at, channels, policies)


class LiquidityReckoner:
    """Reckons one node again and again: what follows from the very same values as before is not reckoned anew.

    Used by one thread at a time.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._policies: Policies | None = None
        self._theirs: Mapping[str, ChannelPolicy] = {}
        self._known: dict[str, _Known] = {}

    def reckon(self, at: float, channels: Channels, policies: Policies | None) -> NodeLiquidity:
        """As `node_liquidity`."""
        if policies is not self._policies:
            self._policies, self._theirs = policies, _announced(policies)
        theirs, unhinted = self._theirs, _unhinted(channels.channels)
        former, self._known = self._known, {}
        for channel in channels.channels:
            point, policy = channel.point, theirs.get(channel.channel_id)
            hinted = point not in unhinted
            known = former.get(point)
            if known is None or known[0] is not channel or known[1] is not policy or known[2] is not hinted:
                known = channel, policy, hinted, _usable(channel, policy, hinted=hinted)
            self._known[point] = known
        return _summed(at, {point: known[3] for point, known in self._known.items()})


_Known = tuple[Channel, ChannelPolicy | None, bool, ChannelLiquidity]


def _usable(channel: Channel, policy: ChannelPolicy | None, *, hinted: bool) -> ChannelLiquidity:
    """What `policy`, the peer's side, leaves of a channel."""
    if not channel.active:
        return _NOTHING
    blocked = (policy is not None and policy.disabled) or not hinted
    inbound = Msat(0) if blocked else usable_inbound(channel)
    limit = policy.max_htlc_msat if policy is not None else 0
    largest = limit if 0 < limit < inbound else inbound
    return ChannelLiquidity(inbound, usable_outbound(channel), Msat(largest))


def usable_inbound(channel: Channel) -> Msat:
    """What the peer of an active channel could still send us over it, in msat: one HTLC, not below 0."""
    limits = channel.remote
    count, pending = _pending(channel, incoming=True)
    if count >= limits.max_accepted_htlcs:
        return Msat(0)
    headroom = 0 if channel.initiator else commit_fee_headroom(channel)
    spendable = channel.remote_msat - limits.reserve_msat - headroom
    return Msat(max(0, min(spendable, limits.max_pending_msat - pending)))


def usable_outbound(channel: Channel) -> Msat:
    """What we could still send over an active channel, in msat: one HTLC, not below 0."""
    limits = channel.local
    count, pending = _pending(channel, incoming=False)
    if count >= limits.max_accepted_htlcs:
        return Msat(0)
    headroom = commit_fee_headroom(channel) if channel.initiator else 0
    spendable = channel.local_msat - limits.reserve_msat - headroom
    return Msat(max(0, min(spendable, limits.max_pending_msat - pending)))


def commit_fee_headroom(channel: Channel) -> int:
    """What the opener must keep back beyond the fee that it pays already, in msat.

    The fee that LND reports is capacity less outputs and so contains trimmed outputs as well; it is
    trusted only up to the fee that follows from rate and weight.
    """
    rate = channel.fee_per_kw
    weight = (ANCHOR_COMMIT_WEIGHT if channel.anchors else COMMIT_WEIGHT) + HTLC_WEIGHT * len(channel.htlcs)
    paid = min(channel.commit_fee_msat, rate * weight // 1_000 * MSAT_PER_SAT)
    return 2 * rate * (weight + 2 * HTLC_WEIGHT) // 1_000 * MSAT_PER_SAT - paid


def _pending(channel: Channel, *, incoming: bool) -> tuple[int, int]:
    """Number and sum (msat) of the HTLCs in flight in one direction."""
    if not channel.htlcs:
        return 0, 0
    amounts = [htlc.amount_msat for htlc in channel.htlcs if htlc.incoming is incoming]
    return len(amounts), sum(amounts)


def _announced(policies: Policies | None) -> Mapping[str, ChannelPolicy]:
    """The peers' side of each announced channel, by short channel id."""
    if policies is None:
        return {}
    return {both.channel_id: both.theirs for both in policies.channels if both.theirs is not None}


def _unhinted(channels: Iterable[Channel]) -> frozenset[str]:
    """Active private channels for which there is no room in an invoice, by funding outpoint."""
    private = [channel for channel in channels if channel.private and channel.active]
    if len(private) <= MAX_HINTS:
        return frozenset()
    hinted = {channel.point for channel in nlargest(MAX_HINTS, private, key=attrgetter("remote_msat"))}
    return frozenset(channel.point for channel in private if channel.point not in hinted)


def _summed(at: float, found: Mapping[str, ChannelLiquidity]) -> NodeLiquidity:
    every = found.values()
    largest = nlargest(MAX_PARTS, [channel.largest_in_msat for channel in every])
    return NodeLiquidity(
        at=at,
        inbound_msat=Msat(sum([channel.inbound_msat for channel in every])),
        outbound_msat=Msat(sum([channel.outbound_msat for channel in every])),
        receivable_one_msat=Msat(largest[0] if largest else 0),
        receivable_many_msat=Msat(sum(largest)),
        channels=found,
    )

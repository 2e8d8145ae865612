"""A node's peers: what each could bring, and how they are named."""

from collections.abc import Mapping
from dataclasses import dataclass

from lnwatch.domain.liquidity import usable_inbound
from lnwatch.model.lightning import ChannelChange, ChannelEvent, Channels, Peers
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.view import TargetView, View

_SHOWN = 12  # characters of a public key: enough to find it in a list


def inbound_by_peer(channels: Channels, liquidity: NodeLiquidity | None = None) -> Mapping[str, int]:
    """What could be received over each peer's channels if every peer were online, in msat, by public key.

    `liquidity` is what was reckoned of these channels as they are; it stands for those that are active.
    """
    known_of = (liquidity.channels if liquidity is not None else {}).get
    found: dict[str, int] = {}
    so_far = found.get  # with thousands of channels each look-up counts
    for channel in channels.channels:
        known = known_of(channel.point) if channel.active else None
        peer = channel.peer
        found[peer] = so_far(peer, 0) + (known.inbound_msat if known is not None else usable_inbound(channel))
    return found


def offline_since(view: View, node: str) -> Mapping[str, float]:
    """When each channel was last seen to go off, by funding outpoint; one that went longer ago is not in it."""
    return {
        happening.event.point: happening.at
        for happening in view.events
        if happening.source == node
        and isinstance(happening.event, ChannelEvent)
        and happening.event.change is ChannelChange.INACTIVE
    }


@dataclass(frozen=True, slots=True)
class Connections:
    """Who was connected, by public key, when the node was asked at `at`."""

    at: float
    peers: frozenset[str]

    def has(self, peer: str, since: float) -> bool | None:
        """Whether a peer is connected; None where what happened at `since` is not in it yet: peers are read seldom,
        and are still there although a channel of theirs has just gone off."""
        return None if self.at < since else peer in self.peers


def connections(view: View, target: TargetView) -> Connections | None:
    """Of a node; None where that is not known now."""
    snapshot = target.fresh("peers", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, Peers):
        return None
    return Connections(snapshot.at, frozenset(peer.public_key for peer in facts.peers))


def short(identity: str) -> str:
    """The beginning of a public key or hash, as sentences name it."""
    return identity if len(identity) <= _SHOWN else f"{identity[:_SHOWN]}…"

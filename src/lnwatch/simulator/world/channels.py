"""The channels of the node and the peers behind them: what can come in, and where money is. In millisatoshis."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lnwatch.simulator.world.events import Parts
from lnwatch.simulator.world.spec import PeerSpec

COMMIT: Final = 3_470_000  # the fee of a commitment and its anchors, paid by whoever opened the channel
_MOST_PARTS: Final = 4
_LEAST_PART: Final = 10_000_000
_SPLIT_FROM: Final = 60_000_000  # what wallets pay in parts though it fits through one channel, and how often
_SPLIT: Final = 0.25


@dataclass(slots=True)
class Peer:
    """Whom the node has channels with. A frozen one is connected, and nothing gets through; one that is `kept` away
    does not come back by itself."""

    spec: PeerSpec
    online: bool = True
    frozen: bool = False
    kept: bool = False

    @property
    def well(self) -> bool:
        """Whether payments get through."""
        return self.online and not self.frozen


@dataclass(slots=True)
class Channel:
    """One channel; `ours` where we opened it. `pending` is on its way in, `stuck` on its way out."""

    id: int
    peer: Peer
    capacity: int
    ours: bool
    local: int
    remote: int
    pending: int = 0
    stuck: int = 0

    @property
    def reserve(self) -> int:
        """What each side must keep."""
        return self.capacity // 100

    @property
    def whole(self) -> bool:
        """Whether all money of the channel is somewhere."""
        sides = (self.local, self.remote, self.pending, self.stuck)
        return min(sides) >= 0 and sum(sides) + COMMIT == self.capacity

    @property
    def inbound(self) -> int:
        """What could come in with the peer online."""
        return max(0, self.remote - self.reserve - (0 if self.ours else COMMIT))

    @property
    def receivable(self) -> int:
        """What can come in now."""
        return self.inbound if self.peer.well else 0

    @property
    def spendable(self) -> int:
        """What can go out now."""
        return max(0, self.local - self.reserve - (COMMIT if self.ours else 0)) if self.peer.well else 0


class Network:
    """The node's side of the Lightning network."""

    def __init__(self, specs: Iterable[PeerSpec]) -> None:
        """Channels as the peers have them."""
        self.peers: dict[str, Peer] = {}
        self.channels: dict[int, Channel] = {}
        self._next = 0
        for spec in specs:
            peer = self.peers[spec.name] = Peer(spec)
            for satoshis in spec.capacities:
                self.open(peer, satoshis * 1_000, spec.inbound)

    def open(self, peer: Peer, capacity: int, inbound: float = 1.0) -> Channel:
        """A new channel; the share of it that is inbound."""
        remote = int((capacity - COMMIT) * inbound) // 1_000 * 1_000
        made = Channel(self._next, peer, capacity, peer.spec.ours, capacity - COMMIT - remote, remote)
        self.channels[made.id] = made
        self._next += 1
        return made

    @property
    def largest(self) -> int:
        """The largest payment that can come in one part."""
        return max((each.receivable for each in self.channels.values()), default=0)

    @property
    def inbound(self) -> int:
        """All that can come in now."""
        return sum(each.receivable for each in self.channels.values())

    @property
    def local(self) -> int:
        """What is ours in open channels."""
        return sum(each.local + each.stuck for each in self.channels.values())

    def route(self, msat: int, rng: random.Random, *, split: bool) -> Parts | None:
        """Over which channels a payment comes in; None where there is no way."""
        able = [each for each in self.channels.values() if each.receivable >= msat]
        if able:
            pieces = rng.randint(2, _MOST_PARTS) if split and msat > _SPLIT_FROM and rng.random() < _SPLIT else 1
            chosen = rng.choices(able, [each.receivable for each in able], k=pieces)
            piece = msat // pieces
            return (*((each.id, piece) for each in chosen[1:]), (chosen[0].id, msat - piece * (pieces - 1)))
        if not split:
            return None
        parts, left = [], msat
        for each in sorted(self.channels.values(), key=lambda one: (-one.receivable, one.id))[:_MOST_PARTS]:
            part = min(left, each.receivable)
            if part < min(left, _LEAST_PART):
                break
            parts.append((each.id, part))
            left -= part
            if not left:
                return tuple(parts)
        return None

    def add(self, parts: Parts) -> None:
        """HTLCs arrive."""
        for number, msat in parts:
            channel = self.channels[number]
            channel.remote -= msat
            channel.pending += msat

    def resolve(self, parts: Parts, *, settled: bool) -> None:
        """HTLCs end."""
        for number, msat in parts:
            channel = self.channels[number]
            channel.pending -= msat
            if settled:
                channel.local += msat
            else:
                channel.remote += msat

    def spend(self, channel: Channel, msat: int) -> None:
        """Money goes out."""
        channel.local -= msat
        channel.remote += msat

    def close(self, channel: Channel) -> int:
        """A channel without HTLCs ends; what was ours in it."""
        del self.channels[channel.id]
        return channel.local

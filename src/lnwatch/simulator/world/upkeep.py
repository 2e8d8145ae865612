"""What the node lives through beside its customers: peers that come and go, money paid out again, channels that end."""

import random
from collections.abc import Callable
from typing import Final

from lnwatch.simulator.world.channels import Channel, Peer
from lnwatch.simulator.world.events import (
    ChannelClosed,
    ChannelOpened,
    HtlcFreed,
    HtlcStuck,
    PaidElsewhere,
    PaidOut,
    PeerWent,
    Swept,
)
from lnwatch.simulator.world.scene import Scene
from lnwatch.simulator.world.timetable import DAY, HOUR, MINUTE

_LOOKS_EVERY: Final = 30 * MINUTE
_TOO_FULL: Final = 0.45  # of a channel's capacity is inbound: some of ours is swapped out
_EMPTIED_TO: Final = 0.85
_SWAP_FEE: Final = 4_000  # millionths
_SWAP_TAKES: Final = 40 * MINUTE
_SWEPT_AT: Final = 20_000_000_000  # millisatoshis in the wallet
_CLOSINGS: Final = 1 / (500 * DAY)  # a channel
_DELAY: Final = DAY  # until money of a forced closing is ours
_CLOSING_FEE: Final = 1_500_000
_PINGS_FAIL_AFTER: Final = 4 * MINUTE  # until LND calls a silent peer gone


class Upkeep:
    """The node's days."""

    def __init__(self, scene: Scene) -> None:
        """Nothing happens before `begin`."""
        self._scene = scene
        self._rng = scene.rng("upkeep")

    def begin(self) -> None:
        """Let peers go, and channels be looked after."""
        for peer in self._scene.network.peers.values():
            self._stay(peer, self._scene.rng(f"peer/{peer.spec.name}"))
        for channel in self._scene.network.channels.values():
            self._last(channel)
        self._scene.timetable.after(_LOOKS_EVERY, self._look)

    # -- peers ------------------------------------------------------------------------------------------------

    def _stay(self, peer: Peer, rng: random.Random) -> None:
        away = peer.spec.outage * MINUTE
        stays = away * peer.spec.uptime / max(1e-9, 1 - peer.spec.uptime)

        def go() -> None:
            self.go(peer.spec.name, online=False)
            self._scene.timetable.after(rng.expovariate(1 / away), come)

        def come() -> None:
            self.go(peer.spec.name, online=True)
            self._stay(peer, rng)

        self._scene.timetable.after(rng.expovariate(1 / stays), go)

    def go(self, name: str, *, online: bool) -> None:
        """A peer comes or goes."""
        peer = self._scene.network.peers[name]
        if online and peer.kept:
            return
        if peer.online is not online:
            peer.online = online
            self._scene.tell(PeerWent(name, online))

    def send_away(self, name: str) -> None:
        """A peer goes, until it is let back."""
        self._scene.network.peers[name].kept = True
        self.go(name, online=False)

    def freeze(self, name: str) -> None:
        """Nothing gets through to a peer any more, which is noticed minutes later; until it is let back."""
        peer = self._scene.network.peers[name]
        peer.frozen = peer.kept = True

        def notice() -> None:
            if peer.frozen:
                self.go(name, online=False)

        self._scene.timetable.after(_PINGS_FAIL_AFTER, notice)

    def let_back(self, name: str) -> None:
        """It is there again."""
        peer = self._scene.network.peers[name]
        peer.frozen = peer.kept = False
        self.go(name, online=True)

    # -- money ------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._scene.timetable.after(_LOOKS_EVERY, self._look)
        if not (self._scene.causes.node and self._scene.causes.outflows):
            return
        for channel in self._scene.network.channels.values():
            if channel.peer.well and channel.inbound < _TOO_FULL * channel.capacity:
                self._swap_out(channel)
        books = self._scene.books
        if books.wallet > _SWEPT_AT:
            msat = books.wallet - _SWEPT_AT // 4
            books.wallet -= msat
            books.aside += msat
            self._scene.tell(Swept(msat, "cold storage"))

    def _swap_out(self, channel: Channel) -> None:
        wanted = int(_EMPTIED_TO * channel.capacity) - channel.inbound
        msat = int(min(wanted, channel.spendable) * self._rng.uniform(0.85, 0.98)) // 1_000_000 * 1_000_000
        if msat > 0:
            fee = msat * _SWAP_FEE // 1_000_000
            self.pay_out(channel, msat, fee, "swap")
            self._into_wallet(msat, _SWAP_TAKES)

    def pay_out(self, channel: Channel, msat: int, fee: int, purpose: str) -> None:
        """The node pays somebody over a channel."""
        fee = min(fee, channel.spendable - msat)
        self._scene.network.spend(channel, msat + fee)
        self._scene.books.fees += fee
        self._scene.tell(PaidOut(channel.id, msat, fee, purpose))

    def use_up(self, name: str) -> None:
        """Somebody pays the node all that comes in over one peer."""
        network = self._scene.network
        for channel in [each for each in network.channels.values() if each.peer is network.peers[name]]:
            msat = channel.inbound // 1_000 * 1_000
            network.add(((channel.id, msat),))
            network.resolve(((channel.id, msat),), settled=True)
            self._scene.books.lightning += msat
            self._scene.tell(PaidElsewhere(channel.id, msat))

    def get_stuck(self, msat: int, blocks: int) -> Callable[[], None]:
        """A payment goes out, and stays on its way; how to have it back. Raises LookupError where none can go out."""
        able = [each for each in self._scene.network.channels.values() if each.spendable >= msat]
        if not able:
            raise LookupError(f"no channel can send {msat:,} millisatoshis")
        channel = max(able, key=lambda each: (each.spendable, -each.id))
        channel.local, channel.stuck = channel.local - msat, channel.stuck + msat
        self._scene.tell(HtlcStuck(channel.id, msat, self._scene.market.height + blocks))

        def free() -> None:
            channel.local, channel.stuck = channel.local + msat, channel.stuck - msat
            self._scene.tell(HtlcFreed(channel.id, msat))

        return free

    def refund(self, msat: int) -> None:
        """A customer gets their money back, over a channel where one has so much, else from the wallet."""
        books, msat = self._scene.books, msat // 1_000 * 1_000
        able = [each for each in self._scene.network.channels.values() if each.spendable >= msat]
        if able and self._scene.causes.node:
            books.refunds += msat
            self.pay_out(max(able, key=lambda each: (each.spendable, -each.id)), msat, msat // 1_000, "refund")
        elif books.wallet >= msat:
            books.wallet -= msat
            books.refunds += msat
            self._scene.tell(Swept(msat, "refund"))

    def _into_wallet(self, msat: int, takes: int) -> None:
        books = self._scene.books
        books.limbo += msat

        def arrive() -> None:
            books.limbo -= msat
            books.wallet += msat

        self._scene.timetable.after(takes, arrive)

    # -- channels ---------------------------------------------------------------------------------------------

    def _last(self, channel: Channel) -> None:
        self._scene.timetable.after(self._rng.expovariate(_CLOSINGS), lambda: self.close(channel.id, forced=False))

    def close(self, number: int, *, forced: bool) -> None:
        """A channel ends, once nothing is on its way in it; its peer opens another within hours."""
        scene = self._scene
        channel = scene.network.channels.get(number)
        if channel is None:
            return
        if channel.pending or channel.stuck:
            scene.timetable.after(MINUTE, lambda: self.close(number, forced=forced))
            return
        msat = scene.network.close(channel)
        fee = min(msat, _CLOSING_FEE)
        scene.books.fees += fee
        self._into_wallet(msat - fee, _DELAY if forced else HOUR // 2)
        scene.tell(ChannelClosed(number, channel.peer.spec.name, msat - fee, forced))
        scene.timetable.after(self._rng.uniform(3, 20) * HOUR, lambda: self._open(channel))

    def open_another(self, name: str) -> None:
        """A peer opens a channel beside its others."""
        channels = self._scene.network.channels.values()
        self._open(next(each for each in channels if each.peer.spec.name == name))

    def _open(self, like: Channel) -> None:
        made = self._scene.network.open(like.peer, like.capacity)
        self._last(made)
        self._scene.tell(ChannelOpened(made.id, made.peer.spec.name, made.capacity))

"""What the node lives through beside its customers: peers that come and go, money paid out again, channels that end."""

import random
from typing import Final

from lnwatch.simulator.world.channels import Channel, Peer
from lnwatch.simulator.world.events import ChannelClosed, ChannelOpened, PaidOut, PeerWent, Swept
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
        if peer.online is not online:
            peer.online = online
            self._scene.tell(PeerWent(name, online))

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
        if channel.pending:
            scene.timetable.after(MINUTE, lambda: self.close(number, forced=forced))
            return
        msat = scene.network.close(channel)
        fee = min(msat, _CLOSING_FEE)
        scene.books.fees += fee
        self._into_wallet(msat - fee, _DELAY if forced else HOUR // 2)
        scene.tell(ChannelClosed(number, channel.peer.spec.name, msat - fee, forced))
        scene.timetable.after(self._rng.uniform(3, 20) * HOUR, lambda: self._open(channel))

    def _open(self, like: Channel) -> None:
        made = self._scene.network.open(like.peer, like.capacity)
        self._last(made)
        self._scene.tell(ChannelOpened(made.id, made.peer.spec.name, made.capacity))

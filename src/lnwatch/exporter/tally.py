"""Sums over a node's channels, reckoned once for each channel list and kept until the next."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.model.lightning import Channels, Htlc

Node = tuple[str, str]  # site and slug


@dataclass(frozen=True, slots=True)
class Tally:
    """Balances and capacity in msat, HTLCs in flight as counts; `next_expiry` is a block height."""

    capacity: int
    local: int
    remote: int
    unsettled: int
    incoming: int
    outgoing: int
    next_expiry: int | None


class Tallies:
    """The newest Tally of each node. Both threads that ask get the same answer, so nothing is locked."""

    def __init__(self) -> None:
        self._known: dict[Node, tuple[Channels, Tally]] = {}

    def of(self, node: Node, channels: Channels) -> Tally:
        """Sums over that very list."""
        known = self._known.get(node)
        if known is not None and known[0] is channels:
            return known[1]
        tally = _tally(channels)
        self._known[node] = (channels, tally)
        return tally


def _tally(channels: Channels) -> Tally:
    every = channels.channels
    htlcs: list[Htlc] = [htlc for channel in every if channel.htlcs for htlc in channel.htlcs]
    incoming = _count(htlc.incoming for htlc in htlcs)
    return Tally(
        capacity=sum([channel.capacity_msat for channel in every]),
        local=sum([channel.local_msat for channel in every]),
        remote=sum([channel.remote_msat for channel in every]),
        unsettled=sum([channel.unsettled_msat for channel in every]),
        incoming=incoming,
        outgoing=len(htlcs) - incoming,
        next_expiry=min((htlc.expiry_height for htlc in htlcs), default=None),
    )


def _count(flags: Iterable[bool]) -> int:
    return sum(flags)

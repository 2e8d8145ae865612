"""Channels that were closed, as the ledger heard of it, and how they are named."""

from collections.abc import Mapping

from lnwatch.domain.peers import short
from lnwatch.model.lightning import ClosedChannel, CloseKind
from lnwatch.model.view import View

FORCED = frozenset({CloseKind.LOCAL_FORCE, CloseKind.REMOTE_FORCE})

_CLOSERS = {
    CloseKind.LOCAL_FORCE: "by our own node",
    CloseKind.REMOTE_FORCE: "by the peer",
    CloseKind.BREACH: "by the peer with a revoked state",
}


def closed_channels(view: View, source: str) -> Mapping[str, ClosedChannel]:
    """The newest telling of each channel of `source` that closed since the site's birth, by funding outpoint."""
    born_at = view.born_at if view.born_at is not None else view.at
    return {
        happening.event.point: happening.event
        for happening in view.events
        if isinstance(happening.event, ClosedChannel) and happening.source == source and happening.at >= born_at
    }


def closed_by(closed: ClosedChannel | None) -> str:
    """Who closed it, to stand behind `was force-closed`; empty where that is not known, with a space before."""
    return f" {_CLOSERS[closed.kind]}" if closed is not None and closed.kind in _CLOSERS else ""


def channel_name(point: str, closed: ClosedChannel | None = None) -> str:
    """`channel 800000x12x1`; the beginning of its funding outpoint where its short id is not known."""
    if closed is not None and not closed.channel_id.startswith("0x"):
        return f"channel {closed.channel_id}"
    txid, _, output = point.partition(":")
    return f"channel {short(txid)}:{output}"

"""A channel is open but can't be used: its peer is away, or the link to it does not stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lnwatch.domain.limits import require_share
from lnwatch.domain.peers import connections, inbound_by_peer, offline_since, short
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import percent
from lnwatch.model.lightning import Channel, Channels
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`main_peer_share`: critical when the peer holds more than this share of what could be received with all
    peers online; a warning otherwise."""

    main_peer_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(main_peer_share=self.main_peer_share)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each channel."""
    if target is None:
        return
    snapshot = target.fresh("channels", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, Channels):
        yield Unknown(unseen(target, "channels"))
        return
    offline = [channel for channel in facts.channels if not channel.active]
    if offline:
        inbound = inbound_by_peer(facts, view.liquidity.get(target.slug))
        held, began = connections(view, target), offline_since(view, target.slug)
        for channel in offline:
            connected = held.has(channel.peer, began.get(channel.point, 0.0)) if held is not None else None
            yield _finding(target, channel, _share(channel, inbound), thresholds, connected=connected)


def _share(channel: Channel, inbound: Mapping[str, int]) -> float:
    """What the channel's peer holds of all that could be received."""
    total = sum(inbound.values())
    return inbound[channel.peer] / total if total else 0.0


def _finding(
    target: TargetView, channel: Channel, share: float, thresholds: Thresholds, *, connected: bool | None
) -> Finding:
    severity = Severity.CRITICAL if share > thresholds.main_peer_share else Severity.WARNING
    held, limit = percent(share), percent(thresholds.main_peer_share)
    peer = f"peer {short(channel.peer)}"
    if connected is not None:
        peer += " is connected" if connected else " is not connected"
    return Finding(
        subject=f"channel:{channel.point}",
        sentence=f"Channel {channel.channel_id} of node:{target.slug} is offline ({peer}); over this peer comes {held} "
        f"of all that could be received (main peer: above {limit}).",
        severity=severity,
        facts={
            "peer": channel.peer,
            "capacity": format_msat(channel.capacity_msat),
            "ours": format_msat(channel.local_msat),
            "theirs": format_msat(channel.remote_msat),
            "flags": channel.status_flags,
        },
        evidence=severity.value,
    )


RULE = Rule(
    id="channel_inactive",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=600,
    needs=(Need("channels"),),
    parents=("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced", "restart_overrun"),
    grant="configure a Lightning node; its credential needs ListChannels (`offchain:read`)",
)

"""A channel is offline because its peer is away: have the node call the peer at the addresses that it announced."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from lnwatch.domain.kept import Kept
from lnwatch.domain.limits import require_positive
from lnwatch.domain.peers import connections, offline_since, short
from lnwatch.domain.reach import SERVING, present_state, unseen
from lnwatch.domain.wording import count, duration
from lnwatch.model.action import NONE_AT_ALL, UNKNOWN, Action, Automation, Nothing, Offer, Proposal
from lnwatch.model.case import Fingerprint
from lnwatch.model.lightning import Channel, Channels
from lnwatch.model.view import TargetView, View

MENDS = "channel_inactive"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`offline_seconds`: how long a channel is offline before its peer is called; a node tries that by itself first."""

    offline_seconds: float = 300.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(offline_seconds=self.offline_seconds)


def propose(view: View, thresholds: Thresholds) -> Iterable[Offer]:
    """A subject for each peer that is away, or the node where none is."""
    for target in view.targets.values():
        if target.lightning:
            yield from _of_node(view, target, thresholds)


def _of_node(view: View, target: TargetView, thresholds: Thresholds) -> Iterator[Offer]:
    state = present_state(target, view.at)
    if state not in SERVING:
        words = f"node:{target.slug} does not serve now, so it can't call anybody."
        yield _nothing(view, f"node:{target.slug}", UNKNOWN, words)
        return
    channels = target.fresh("channels", view.at)
    if channels is None or not isinstance(channels.facts, Channels):
        yield _nothing(view, f"node:{target.slug}", UNKNOWN, f"It can't be told: {unseen(target, 'channels')}.")
        return
    if (held := connections(view, target)) is None:
        yield _nothing(view, f"node:{target.slug}", UNKNOWN, f"It can't be told: {unseen(target, 'peers')}.")
        return
    offline = _OFFLINE.of((view.site, target.slug), (channels.facts,), partial(_offline, channels.facts))
    if not offline:
        yield _nothing(view, f"node:{target.slug}", "all_online", f"Every channel of node:{target.slug} is online.")
        return
    began = offline_since(view, target.slug)
    for key, of_peer in sorted(offline.items()):
        times = [began[channel.point] for channel in of_peer if channel.point in began]
        connected = held.has(key, since=max(times, default=0.0))
        if connected is None:
            words = f"Whether peer {short(key)} is away is known when node:{target.slug} is asked for its peers again."
            yield _nothing(view, f"peer:{key}", UNKNOWN, words)
        elif connected:
            words = (
                f"peer {short(key)} is connected to node:{target.slug}: calling it would not bring its channels back."
            )
            yield _nothing(view, f"peer:{key}", "connected", words)
        else:
            yield _call(view, target, of_peer, min(times, default=None), thresholds)


# Whoever asks does so more often than a channel list comes.
_OFFLINE: Kept[tuple[str, str], Mapping[str, list[Channel]]] = Kept()


def _offline(channels: Channels) -> Mapping[str, list[Channel]]:
    """The channels that can't be used, by peer."""
    by_peer: dict[str, list[Channel]] = {}
    for channel in channels.channels:
        if not channel.active:
            by_peer.setdefault(channel.peer, []).append(channel)
    return by_peer


def _call(
    view: View, target: TargetView, channels: list[Channel], since: float | None, thresholds: Thresholds
) -> Offer:
    largest = max(channels, key=lambda channel: (channel.capacity_msat, channel.point))
    key = largest.peer
    if since is not None and view.at - since < thresholds.offline_seconds:
        words = (
            f"peer {short(key)} is away for {duration(view.at - since)} only: "
            f"node:{target.slug} calls it by itself, {duration(thresholds.offline_seconds)} are waited for that."
        )
        return _nothing(view, f"peer:{key}", "too_early", words)
    away = f" for {duration(view.at - since)}" if since is not None else ""
    return Proposal(
        site=view.site,
        automation="peer_reconnect",
        action=Action.CONNECT_PEER,
        node=target.slug,
        subject=f"peer:{key}",
        touches=(f"peer:{key}",),
        parameters={"public_key": key},
        amount_msat=NONE_AT_ALL,
        fee_limit_msat=NONE_AT_ALL,
        sentence=f"Have node:{target.slug} call peer {short(key)}, which is away{away} and with it "
        f"{count(len(channels), 'channel')}.",
        mends=Fingerprint(view.site, MENDS, f"channel:{largest.point}"),
    )


def _nothing(view: View, subject: str, reason: str, sentence: str) -> Nothing:
    return Nothing(view.site, "peer_reconnect", subject, reason, sentence)


AUTOMATION = Automation(id="peer_reconnect", action=Action.CONNECT_PEER, thresholds=Thresholds, propose=propose)

"""A peer comes and goes: each time its channels drop out of every route for a while."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.peers import short
from lnwatch.domain.reach import unseen
from lnwatch.domain.window import require_in_view
from lnwatch.domain.wording import duration
from lnwatch.model.lightning import ChannelChange, ChannelEvent, Channels
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

_COUNTED = frozenset({ChannelChange.ACTIVE, ChannelChange.INACTIVE})
_STREAM = "channel_events_stream"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`changes`: found when a channel of the peer went on or off at least that often within
    `window_seconds`, a day at most."""

    changes: int = 10
    window_seconds: float = 3_600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(changes=self.changes)
        require_in_view(window_seconds=self.window_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each peer with a channel; of its channels the least steady one counts."""
    if target is None:
        return
    snapshot = target.fresh("channels", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, Channels):
        yield Unknown(unseen(target, "channels"))
        return
    changes = _changes(view, target.slug, view.at - thresholds.window_seconds)
    restless = {point: count for point, count in changes.items() if count >= thresholds.changes}
    worst: Counter[str] = Counter()
    for channel in facts.channels if restless else ():  # mostly there is none, and a node may have 10,000 channels
        if channel.point in restless:
            worst[channel.peer] = max(worst[channel.peer], restless[channel.point])
    for peer, count in worst.items():
        yield _finding(target, peer, count, thresholds)
    stream = target.collectors.get(_STREAM)
    if stream is None or not stream.success:
        yield Unknown(f"{target.slug}: its channel events are not heard at the moment")


def _changes(view: View, source: str, begin: float) -> Counter[str]:
    return Counter(
        happening.event.point
        for happening in view.events
        if happening.source == source
        and happening.at > begin
        and isinstance(happening.event, ChannelEvent)
        and happening.event.change in _COUNTED
    )


def _finding(target: TargetView, peer: str, count: int, thresholds: Thresholds) -> Finding:
    window = duration(thresholds.window_seconds)
    return Finding(
        subject=f"peer:{peer}",
        sentence=f"Peer {short(peer)} of node:{target.slug} went on and off {count} times within {window} "
        f"(limit {thresholds.changes}).",
        facts={"peer": peer, "changes": str(count), "window": window},
    )


RULE = Rule(
    id="peer_flapping",
    scope=Scope.NODE,
    severity=Severity.INFO,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=600,
    needs=(Need("channels"),),
    parents=("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced", "restart_overrun"),
    grant="configure an LND node; its credential needs ListChannels and SubscribeChannelEvents (`offchain:read`)",
)

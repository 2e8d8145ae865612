"""A payment in flight is close to the block at which its channel is closed by force."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.countdown import ahead
from lnwatch.domain.limits import require_order, require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.lightning import Channel, Channels, Htlc, NodeStatus
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """A warning with fewer than `warning_blocks` left to the expiry, critical below `critical_blocks`."""

    critical_blocks: int = 18
    warning_blocks: int = 36

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(critical_blocks=self.critical_blocks)
        require_order(critical_blocks=self.critical_blocks, warning_blocks=self.warning_blocks)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each HTLC in flight, coming in or going out."""
    if target is None:
        return
    seen, stood = target.fresh("channels", view.at), target.fresh("node", view.at)
    if seen is None or not isinstance(facts := seen.facts, Channels):
        yield Unknown(unseen(target, "channels"))
    elif stood is None or not isinstance(status := stood.facts, NodeStatus):
        yield Unknown(unseen(target, "node"))
    else:
        for channel in [each for each in facts.channels if each.htlcs]:
            for htlc in channel.htlcs:
                yield from _judged(target, status, channel, htlc, thresholds)


def _judged(
    target: TargetView, status: NodeStatus, channel: Channel, htlc: Htlc, thresholds: Thresholds
) -> Iterable[Answer]:
    left = htlc.expiry_height - status.block_height
    if left < thresholds.warning_blocks:
        yield _finding(target, channel, htlc, left, thresholds)
    elif not status.synced_to_chain:
        why = f"{target.slug} is not synced: fewer blocks may be left than it knows"
        yield Unknown(why, _subject(channel, htlc))


def _subject(channel: Channel, htlc: Htlc) -> str:
    return f"htlc:{channel.point}/{'in' if htlc.incoming else 'out'}/{htlc.index}"


def _finding(target: TargetView, channel: Channel, htlc: Htlc, left: int, thresholds: Thresholds) -> Finding:
    severity, limit = Severity.WARNING, thresholds.warning_blocks
    if left < thresholds.critical_blocks:
        severity, limit = Severity.CRITICAL, thresholds.critical_blocks
    way = "coming in" if htlc.incoming else "going out"
    expires = "expired" if left < 0 else "expires"
    peer = "" if channel.active else ", whose peer is offline,"
    return Finding(
        subject=_subject(channel, htlc),
        sentence=f"{format_msat(htlc.amount_msat)} {way} over channel {channel.channel_id} of node:{target.slug}{peer} "
        f"{expires} {ahead(left)}, at height {htlc.expiry_height:,} (limit {count(limit, 'block')}); "
        "unresolved, it closes the channel by force.",
        severity=severity,
        facts={
            "amount": format_msat(htlc.amount_msat),
            "payment hash": htlc.payment_hash,
            "expiry height": f"{htlc.expiry_height:,}",
            "peer": channel.peer,
            "channel": "online" if channel.active else "offline",
            "forwarded with": htlc.forwarding_channel or "no other channel of ours",
        },
        evidence=severity.value,
    )


RULE = Rule(
    id="htlc_near_expiry",
    scope=Scope.NODE,
    severity=Severity.WARNING,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    needs=(Need("channels"), Need("node")),
    never_muted=True,
    grant="configure a Lightning node; its credential needs ListChannels (`offchain:read`) and GetInfo (`info:read`)",
)

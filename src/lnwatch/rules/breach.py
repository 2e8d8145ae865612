"""A peer has published a revoked state of a channel: an attempt to take money that is ours."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.closings import channel_name, closed_channels
from lnwatch.domain.peers import short
from lnwatch.domain.reach import unseen
from lnwatch.model.lightning import ClosedChannel, CloseKind
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View

FOR_GOOD = 10 * 365 * 86_400.0  # seconds: closed channels leave the View after 30 days, which ends nothing


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: there is no tolerable number of breaches."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each channel."""
    if target is None:
        return
    for channel in closed_channels(view, target.slug).values():
        if channel.kind is CloseKind.BREACH:
            yield _finding(target, channel)
    closed = target.collectors.get("closed")  # it brings events, no snapshot
    if closed is None or closed.stale(view.at):
        yield Unknown(unseen(target, "closed"))


def _finding(target: TargetView, channel: ClosedChannel) -> Finding:
    name, capacity = channel_name(channel.point, channel).capitalize(), format_msat(channel.capacity_msat)
    return Finding(
        subject=f"channel:{channel.point}",
        sentence=f"{name} of node:{target.slug} was closed at height {channel.close_height:,} by peer "
        f"{short(channel.peer)} with a revoked state: up to {capacity} are ours only if the node's justice transaction "
        "confirms in time.",
        facts={
            "peer": channel.peer,
            "closing transaction": channel.closing_txid,
            "close height": f"{channel.close_height:,}",
            "capacity": capacity,
            "ours by the last state": format_msat(channel.settled_msat),
        },
        evidence=channel.closing_txid,
    )


RULE = Rule(
    id="breach",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.SECURITY,
    thresholds=Thresholds,
    judge=judge,
    keep_firing=FOR_GOOD,
    never_muted=True,
    grant="configure a Lightning node; its credential needs ClosedChannels and "
    "SubscribeChannelEvents (`offchain:read`)",
)

"""A channel is closed without both sides' consent: from the moment that is seen until our money is back."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.closings import FORCED, channel_name, closed_by, closed_channels
from lnwatch.domain.countdown import ahead, node_height
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.model.lightning import ClosedChannel, PendingChannel, PendingChannels, PendingState
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`told_blocks`: for how many blocks a close is told in which nothing was ours, and so nothing comes back."""

    told_blocks: int = 12

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(told_blocks=self.told_blocks)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each channel."""
    if target is None:
        return
    snapshot = target.fresh("pending", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, PendingChannels):
        yield Unknown(unseen(target, "pending"))
        return
    height, closed = node_height(view, target), closed_channels(view, target.slug)
    for pending in facts.channels:
        subject = f"channel:{pending.point}"
        if pending.state is PendingState.CLOSING and pending.cooperative is None:
            yield Unknown(f"{target.slug} does not say whether {subject} is closed by consent", subject)
        elif _forced(pending) and not _back(pending):
            yield _finding(target, pending, closed.get(pending.point), height)
    listed = {pending.point for pending in facts.channels}
    for channel in closed.values():
        if channel.point not in listed and _empty(channel, height, thresholds):
            yield _empty_finding(target, channel)


def _forced(pending: PendingChannel) -> bool:
    if pending.state is PendingState.CLOSING:
        return pending.cooperative is False
    return pending.state is PendingState.FORCE_CLOSING


def _back(pending: PendingChannel) -> bool:
    """Whether all that was ours is swept; before the node has counted its outputs, both sums are 0."""
    return pending.state is PendingState.FORCE_CLOSING and pending.limbo_msat == 0 and pending.recovered_msat > 0


def _empty(channel: ClosedChannel, height: int | None, thresholds: Thresholds) -> bool:
    """Whether it was closed by force just now with nothing of ours in it: the node then lists it nowhere."""
    ours = channel.settled_msat + channel.time_locked_msat
    recent = height is not None and height - channel.close_height < thresholds.told_blocks
    return channel.kind in FORCED and ours == 0 and recent


def _finding(target: TargetView, pending: PendingChannel, closed: ClosedChannel | None, height: int | None) -> Finding:
    name, limbo = channel_name(pending.point, closed).capitalize(), format_msat(pending.limbo_msat)
    known = pending.maturity_height is not None
    return Finding(
        subject=f"channel:{pending.point}",
        sentence=f"{name} of node:{target.slug} is closed by force{closed_by(closed)}: {_what_comes(pending, height)}.",
        facts={
            "peer": pending.peer,
            "closing transaction": pending.closing_txid or "not seen yet",
            "still to come": limbo,
            "recovered": format_msat(pending.recovered_msat),
            "maturity height": f"{pending.maturity_height:,}" if known else "not known yet",
        },
        # What is told at first, before the closing transaction confirms, can't say when the money comes.
        evidence=f"{pending.closing_txid or ''}{' matures' if known else ''}",
    )


def _what_comes(pending: PendingChannel, height: int | None) -> str:
    """How much comes back and when, as the tail of a sentence."""
    limbo = format_msat(pending.limbo_msat)
    if pending.state is PendingState.CLOSING:
        return f"{limbo} waits for the closing transaction to confirm, then for its time lock"
    if pending.limbo_msat == 0:
        return "the closing transaction has confirmed, what of it is ours is not counted yet"
    if pending.maturity_height is None:
        return f"{limbo} is on its way back, its maturity height is not known yet"
    left = pending.maturity_height - height if height is not None else pending.blocks_to_maturity
    when = "" if left is None else f" ({ahead(left)})"
    if left is not None and left <= 0:
        return f"{limbo} matured at height {pending.maturity_height:,}{when}, and waits to be swept"
    return f"{limbo} is locked until height {pending.maturity_height:,}{when}, and is swept then"


def _empty_finding(target: TargetView, channel: ClosedChannel) -> Finding:
    name = channel_name(channel.point, channel).capitalize()
    capacity = format_msat(channel.capacity_msat)
    return Finding(
        subject=f"channel:{channel.point}",
        sentence=f"{name} of node:{target.slug} was closed by force{closed_by(channel)}: nothing in it was ours, "
        f"but its {capacity} of capacity are gone.",
        severity=Severity.WARNING,
        facts={"peer": channel.peer, "closing transaction": channel.closing_txid, "capacity": capacity},
        evidence=channel.closing_txid,
    )


RULE = Rule(
    id="force_close",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    needs=(Need("pending"),),
    never_muted=True,
    tells_changes=True,
    grant="configure a Lightning node; its credential needs PendingChannels and ClosedChannels (`offchain:read`)",
)

"""Money from a force close has matured long ago and is still not back in the wallet."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.closings import channel_name, closed_channels
from lnwatch.domain.countdown import node_height
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.lightning import PendingChannels, PendingState
from lnwatch.model.money import format_msat
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`overdue_blocks`: found that many blocks after the maturity. LND begins to sweep at a low fee rate, so a
    day is no trouble yet."""

    overdue_blocks: int = 144

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(overdue_blocks=self.overdue_blocks)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each channel whose close confirmed and which still owes us something."""
    if target is None:
        return
    snapshot = target.fresh("pending", view.at)
    if snapshot is None or not isinstance(facts := snapshot.facts, PendingChannels):
        yield Unknown(unseen(target, "pending"))
        return
    height, closed = node_height(view, target), closed_channels(view, target.slug)
    for pending in facts.channels:
        if pending.state is not PendingState.FORCE_CLOSING or pending.limbo_msat == 0:
            continue
        subject, name = f"channel:{pending.point}", channel_name(pending.point, closed.get(pending.point))
        if pending.maturity_height is None or height is None:
            yield Unknown(f"{target.slug}: whether {subject} has matured is not known", subject)
        elif (over := height - pending.maturity_height) >= thresholds.overdue_blocks:
            limbo, limit = format_msat(pending.limbo_msat), count(thresholds.overdue_blocks, "block")
            yield Finding(
                subject=subject,
                sentence=f"{limbo} of the force-closed {name} of node:{target.slug} matured {count(over, 'block')} ago "
                f"(limit {limit}) and have not come back.",
                facts={
                    "still to come": limbo,
                    "recovered": format_msat(pending.recovered_msat),
                    "maturity height": f"{pending.maturity_height:,}",
                    "closing transaction": pending.closing_txid or "not known",
                },
                evidence=pending.closing_txid or "",
            )


RULE = Rule(
    id="limbo_overdue",
    scope=Scope.NODE,
    severity=Severity.WARNING,
    owner=Owner.TREASURY,
    thresholds=Thresholds,
    judge=judge,
    needs=(Need("pending"), Need("node")),
    parents=("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced"),
    grant="configure a Lightning node; its credential needs PendingChannels (`offchain:read`) and "
    "GetInfo (`info:read`)",
)

"""NBXplorer has not indexed the newest blocks, or can't ask its bitcoind: BTCPay Server does not see payments there."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.heights import bitcoind_tips
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.chain import NbxplorerStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`lag_blocks`: found with that many blocks behind the site's bitcoind."""

    lag_blocks: int = 2

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(lag_blocks=self.lag_blocks)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source. bitcoind's own tip counts; without a bitcoind to read, the one that NBXplorer sees."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    snapshot = target.fresh("status", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, NbxplorerStatus):
        yield Unknown(unseen(target, "status"), subject)
        return
    tips = {tip.source: tip.height for tip in bitcoind_tips(view, status.network)}
    configured = any(other.kind == "bitcoind" for other in view.targets.values())
    if configured and not tips:
        yield Unknown(f"no bitcoind is fresh to hold {target.slug}'s height against", subject)
        return
    height = max(tips.values(), default=status.node.blocks if status.node is not None else None)
    lag = height - status.sync_height if height is not None and status.sync_height is not None else None
    facts = {"indexed": _height(status.sync_height), **{source: _height(tip) for source, tip in tips.items()}}
    if lag is not None and lag >= thresholds.lag_blocks:
        words = f"has indexed block {_height(status.sync_height)}, {count(lag, 'block')} behind bitcoind"
        limit = f"(limit {count(thresholds.lag_blocks, 'block')})"
        yield Finding(subject, f"{subject} (NBXplorer) {words} {limit}.", facts=facts, evidence="behind")
    elif status.node is None:
        words = f"can't ask its bitcoind; it has indexed block {_height(status.sync_height)}"
        yield Finding(subject, f"{subject} (NBXplorer) {words}.", facts=facts, evidence="alone")
    elif status.sync_height is None:
        words = f"has indexed nothing yet, while bitcoind stands at block {_height(height)}"
        yield Finding(subject, f"{subject} (NBXplorer) {words}.", facts=facts, evidence="behind")


def _height(height: int | None) -> str:
    return f"{height:,}" if height is not None else "none"


RULE = Rule(
    id="nbxplorer_behind",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=120,
    kinds=("nbxplorer",),
    parents=("nbxplorer_down", "bitcoind_down", "bitcoind_behind", "restart_overrun"),
    grant="configure a source of kind `nbxplorer`, and the bitcoind behind it to hold its height against",
)

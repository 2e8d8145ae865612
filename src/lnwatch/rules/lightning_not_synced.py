"""A Lightning node is not at the tip: by its own word, or by its height against a bitcoind of the site."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.heights import bitcoind_tips
from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import present_state, unseen
from lnwatch.domain.wording import clause, count, duration
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`lag_blocks`: found with that many blocks behind the site's bitcoind. `warm_up_seconds`: how long a
    start may take."""

    lag_blocks: int = 2
    warm_up_seconds: float = 1_800.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(lag_blocks=self.lag_blocks, warm_up_seconds=self.warm_up_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    if present_state(target, view.at) is TargetState.STARTING:
        yield _starting(view, target, thresholds)
        return
    snapshot = target.fresh("node", view.at)
    if snapshot is None or not isinstance(status := snapshot.facts, NodeStatus):
        yield Unknown(unseen(target, "node"), subject)
        return
    tips = list(bitcoind_tips(view, status.network))
    behind = max((tip.height for tip in tips), default=status.block_height) - status.block_height
    facts = {"height": f"{status.block_height:,}", **{tip.source: f"{tip.height:,}" for tip in tips}}
    if behind >= thresholds.lag_blocks:
        words = f"stands at block {status.block_height:,}, {count(behind, 'block')} behind bitcoind"
        sentence = f"{subject} ({target.kind}) {words} (limit {count(thresholds.lag_blocks, 'block')})."
        yield Finding(subject, sentence, facts=facts, evidence="behind")
    elif not status.synced_to_chain:
        words = f"says that it is not synced to the chain; it stands at block {status.block_height:,}"
        yield Finding(subject, f"{subject} ({target.kind}) {words}.", facts=facts, evidence="not synced")
    elif not tips and any(other.kind == "bitcoind" for other in view.targets.values()):
        yield Unknown(f"no bitcoind is fresh to hold {target.slug}'s height against", subject)


def _starting(view: View, target: TargetView, thresholds: Thresholds) -> Answer:
    subject = f"node:{target.slug}"
    lasted = view.at - target.since if target.since is not None else 0.0
    if lasted <= thresholds.warm_up_seconds:
        return Unknown(f"{target.slug} is starting: {clause(target.detail)}", subject)
    limit, why = duration(thresholds.warm_up_seconds), clause(target.detail)
    sentence = f"{subject} ({target.kind}) has been starting for {duration(lasted)} (limit {limit}): {why}."
    return Finding(subject, sentence, facts={"phase": why}, evidence="starting")


RULE = Rule(
    id="lightning_not_synced",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=300,
    parents=("bitcoind_down", "bitcoind_behind", "restart_overrun"),
    grant="configure a Lightning node, and the bitcoind behind it to hold its height against",
)

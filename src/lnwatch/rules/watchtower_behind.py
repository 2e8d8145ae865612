"""Watchtowers don't keep up: what they have not got they can't use against a breach while the node is away."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from lnwatch.domain.limits import require_order, require_positive
from lnwatch.domain.reach import unseen
from lnwatch.domain.wording import count
from lnwatch.model.lightning import Watchtower
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import Baseline, TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found with `most_pending` backups waiting, or with `few_pending` where that is `factor` times the node's
    own median or more. A short queue is no trouble: each payment passes through it."""

    few_pending: int = 10
    most_pending: int = 100
    factor: float = 3.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(few_pending=self.few_pending, factor=self.factor)
        require_order(few_pending=self.few_pending, most_pending=self.most_pending)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    snapshot = target.fresh("watchtower", view.at)
    if snapshot is None or not isinstance(tower := snapshot.facts, Watchtower):
        yield Unknown(unseen(target, "watchtower"), subject)
    elif not tower.enabled:
        yield Unknown(f"the watchtower client of {target.slug} is off", subject)
    elif words := _words(tower, view.baselines.get((target.slug, "watchtower_pending")), thresholds):
        yield Finding(
            subject=subject,
            sentence=f"Watchtowers of {subject} don't keep up: {words}.",
            facts={
                "pending": f"{tower.pending_backups:,}",
                "handed over": f"{tower.backups:,}",
                "refused": f"{tower.failed_backups:,}",
                "sessions acquired": f"{tower.sessions_acquired:,}",
                "sessions used up": f"{tower.sessions_exhausted:,}",
            },
            evidence="no session" if _without_session(tower) else "pending",
        )


def _words(tower: Watchtower, usual: Baseline | None, thresholds: Thresholds) -> str:
    """What is wrong; empty where nothing is."""
    waiting = f"{count(tower.pending_backups, 'backup')} of channel states waiting"
    if _without_session(tower):
        return f"{waiting} and no session left, {tower.sessions_exhausted:,} are used up"
    if tower.pending_backups >= thresholds.most_pending:
        return f"{waiting} (limit {thresholds.most_pending:,})"
    median = usual.median if usual is not None else 0.0
    limit = max(thresholds.few_pending, ceil(thresholds.factor * median))
    return f"{waiting} (limit {limit:,}, usual {median:.3g})" if tower.pending_backups >= limit else ""


def _without_session(tower: Watchtower) -> bool:
    """Whether sessions are used up as fast as they come, with something waiting for one. LND counts from its
    start: a session from before it is in neither figure, so equal figures alone prove nothing."""
    return tower.pending_backups > 0 and 0 < tower.sessions_exhausted >= tower.sessions_acquired


RULE = Rule(
    id="watchtower_behind",
    scope=Scope.NODE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=1_800,
    needs=(Need("watchtower"),),
    parents=("bitcoind_down", "lightning_down", "lightning_locked", "lightning_not_synced"),
    grant="switch on LND's watchtower client (`wtclient.active=true`) and add a tower; its credential needs "
    "WatchtowerClient.Stats (`offchain:read`)",
)

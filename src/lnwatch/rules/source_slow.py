"""A source takes a multiple of its own usual time to answer: an early sign of overload or of a dying disk."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import WITHOUT_SYSTEM, lead, unseen
from lnwatch.domain.wording import count, duration
from lnwatch.model.btcpay import BtcpayStatus
from lnwatch.model.chain import BitcoindStatus, NbxplorerStatus
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`factor`: found above that many times the source's own median. `floor_seconds`: what is faster than
    this harms nobody. `samples_hours`: hours without which there is no median worth the name."""

    factor: float = 5.0
    floor_seconds: float = 0.2
    samples_hours: int = 24

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(factor=self.factor, floor_seconds=self.floor_seconds, samples_hours=self.samples_hours)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None or target.kind in WITHOUT_SYSTEM:
        return
    subject = f"source:{target.slug}"
    took = _round_trip(view, target)
    usual = view.baselines.get((target.slug, "rpc_seconds"))
    if took is None:
        health = lead(target)
        yield Unknown(unseen(target, health.name if health is not None else "status"), subject)
    elif usual is None or usual.samples < thresholds.samples_hours or usual.median <= 0:
        needed = count(thresholds.samples_hours, "hour")
        yield Unknown(f"{target.slug}: what is usual is not known before {needed} of round trips", subject)
    elif took > max(thresholds.factor * usual.median, thresholds.floor_seconds):
        median = duration(usual.median)
        words = f"{took / usual.median:.3g} times its median of {median} (limit {thresholds.factor:g} times)"
        facts = {"round trip": duration(took), "median": median}
        yield Finding(subject, f"{subject} ({target.kind}) takes {took:.3g} s to answer, {words}.", facts=facts)


def _round_trip(view: View, target: TargetView) -> float | None:
    """Seconds that the leading collector's last answer took; None where there is none that is fresh."""
    health = lead(target)
    snapshot = target.fresh(health.name, view.at) if health is not None else None
    if snapshot is None or not isinstance(snapshot.facts, BtcpayStatus | BitcoindStatus | NbxplorerStatus | NodeStatus):
        return None
    return snapshot.facts.rpc_seconds


RULE = Rule(
    id="source_slow",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    after=600,
    parents=("bitcoind_down", "bitcoind_behind"),
    grant="configure a BTCPay Server, an NBXplorer, a bitcoind or a Lightning node",
)

"""A source is up, but one thing that lnwatch reads of it does not come: figures are missing, rules are blind."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import FORBIDDEN, REFUSED_CREDENTIAL, serving_since
from lnwatch.domain.wording import clause, count, duration, listing
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import CollectorHealth, TargetView, View

_TOLD_ELSEWHERE = FORBIDDEN | REFUSED_CREDENTIAL  # by the rules `credential_…`


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`intervals`: found when a collector has not succeeded for more than that many of its intervals."""

    intervals: float = 3.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(intervals=self.intervals)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    since = serving_since(view, target)
    if since is None:
        yield Unknown(f"{target.slug} is not up: its collectors wait", subject)
        return
    late = dict(_late(view, target, since, thresholds))
    # Whose last run was good was not asked since: the machine slept, or its clock was put forward.
    failing = {name: words for name, words in late.items() if not target.collectors[name].success}
    unseen = [health.name for health in _judged(target) if health.last_success_at is None or health.name in late]
    if failing:
        yield _finding(subject, target, failing)
    elif unseen:
        yield Unknown(f"{target.slug}: {listing(unseen)} has not come to an end lately", subject)


def _judged(target: TargetView) -> Iterator[CollectorHealth]:
    """Collectors, not streams, whose failure is not told by another rule."""
    for health in target.collectors.values():
        if health.interval > 0 and (health.fault is None or health.fault.reason not in _TOLD_ELSEWHERE):
            yield health


def _late(view: View, target: TargetView, since: float, thresholds: Thresholds) -> Iterator[tuple[str, str]]:
    """Late collectors with how late they are, in words."""
    for health in _judged(target):
        if health.last_success_at is None:
            # It is not known how long lnwatch runs: each failed run stands for an interval.
            if health.runs >= thresholds.intervals:
                yield health.name, f"has never succeeded in {count(health.runs, 'run')} since lnwatch started"
            continue
        limit = thresholds.intervals * health.interval
        if view.at - max(health.last_success_at, since) > limit:
            ago = duration(view.at - health.last_success_at)
            yield health.name, f"has not succeeded for {ago} (limit {duration(limit)})"


def _finding(subject: str, target: TargetView, late: dict[str, str]) -> Finding:
    name, words = next(iter(late.items()))
    faults = {name: health.fault for name, health in target.collectors.items() if name in late}
    fault = faults[name]
    why = clause(fault.message) if fault is not None else "it has not been told why"
    rest = f", likewise {listing(list(late)[1:])}" if len(late) > 1 else ""
    return Finding(
        subject,
        f"{subject} ({target.kind}) is up, but its collector `{name}` {words}{rest}: {why}.",
        facts={
            name: f"{words}: {clause(fault.message)}" if (fault := faults[name]) else words
            for name, words in late.items()
        },
        evidence=" ".join(sorted(f"{name}={fault.reason if fault else ''}" for name, fault in faults.items())),
    )


RULE = Rule(
    id="source_stale",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    parents=("btcpay_down",),  # where a store's invoices can't be read, that is told
    grant="configure a source",
)

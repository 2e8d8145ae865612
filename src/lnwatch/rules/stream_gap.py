"""A stream that tells nothing twice was not heard for a while, though its source went on."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.absence import seconds_away
from lnwatch.domain.limits import require_positive
from lnwatch.domain.window import require_in_view
from lnwatch.domain.wording import clause, duration, listing, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import StreamGap
from lnwatch.model.view import CollectorHealth, TargetView, View

_REPEATED = frozenset({"state_stream", "invoices_stream"})  # these tell again what was missed
_HOOK = "hook_stream"  # webhooks: none may come for days, and polls prove what they tell


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found for a gap of more than `lost_seconds`, not counting the time for which the source itself was away,
    until `recent_seconds` after its end, a day at most."""

    lost_seconds: float = 60.0
    recent_seconds: float = 3_600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(lost_seconds=self.lost_seconds)
        require_in_view(recent_seconds=self.recent_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"{'node' if target.lightning else 'source'}:{target.slug}"
    gaps = _gaps(view, target.slug, thresholds)
    if gaps:
        yield _finding(subject, gaps, thresholds)
    elif unheard := [health.name for health in target.collectors.values() if _unheard(health)]:
        yield Unknown(f"{target.slug}: {listing(unheard)} is not heard at the moment", subject)
    elif (hook := target.collectors.get(_HOOK)) is not None and hook.fault is not None:
        yield Unknown(f"{target.slug}: `{_HOOK}` is not heard at the moment, {clause(hook.fault.message)}", subject)


def _unheard(health: CollectorHealth) -> bool:
    return health.interval == 0 and not health.success and health.name not in {*_REPEATED, _HOOK}


def _gaps(view: View, source: str, thresholds: Thresholds) -> list[tuple[float, StreamGap]]:
    """Recent gaps with the seconds lost in them, the longest first."""
    found = [
        (gap.end - gap.start - seconds_away(view, source, gap.start, gap.end), gap)
        for happening in view.events
        if happening.source == source
        and isinstance(gap := happening.event, StreamGap)
        and view.at - gap.end <= thresholds.recent_seconds
    ]
    return sorted((one for one in found if one[0] > thresholds.lost_seconds), key=lambda one: one[0], reverse=True)


def _finding(subject: str, gaps: list[tuple[float, StreamGap]], thresholds: Thresholds) -> Finding:
    lost, gap = gaps[0]
    more = f", one of {len(gaps)} gaps" if len(gaps) > 1 else ""
    return Finding(
        subject=subject,
        sentence=f"lnwatch did not hear the stream `{gap.stream}` of {subject} for {duration(lost)} "
        f"(limit {duration(thresholds.lost_seconds)}) until {moment(gap.end)}{more}: what it told then is lost.",
        facts={
            f"{gap.stream} from {moment(gap.start)}": f"{duration(lost)} lost, {clause(gap.reason)}"
            for lost, gap in gaps
        },
        evidence=" ".join(sorted(f"{gap.stream}@{gap.start:.3f}" for _, gap in gaps)),
    )


RULE = Rule(
    id="stream_gap",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    parents=("lightning_down", "lightning_locked", "restart_overrun"),
    grant="configure a source with streams, such as LND",
)

"""The certificate of a source nears its end; once past it, nobody who checks certificates gets through."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_order, require_positive, require_share
from lnwatch.domain.reach import SERVING, present_state
from lnwatch.domain.wording import duration, moment, percent
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found with less than `warning_share` of the certificate's lifetime left; critical with less than
    `critical_share` and under `critical_seconds`."""

    warning_share: float = 1 / 3
    critical_share: float = 1 / 10
    critical_seconds: float = 604_800.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_share(warning_share=self.warning_share, critical_share=self.critical_share)
        require_order(critical_share=self.critical_share, warning_share=self.warning_share)
        require_positive(critical_seconds=self.critical_seconds)


def judge(view: View, target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source. Without TLS there is nothing to end."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    end, begin = target.tls_expires_at, target.tls_begins_at
    if end is None:
        if present_state(target, view.at) not in SERVING:
            yield Unknown(f"{target.slug} has shown no certificate yet", subject)
        return
    left = end - view.at
    share = left / (end - begin) if begin is not None and end > begin else None
    if left <= 0:
        sentence = f"The certificate of {subject} ({target.kind}) ended on {moment(end)}."
        yield Finding(subject, sentence, severity=Severity.CRITICAL, evidence=f"{end:.0f} over")
        return
    severity = _severity(left, share, thresholds)
    if severity is not None:
        of_all = (
            f", {percent(share)} of its lifetime (limit {_limit(severity, thresholds)})" if share is not None else ""
        )
        sentence = f"The certificate of {subject} ({target.kind}) ends in {duration(left)}{of_all}, on {moment(end)}."
        yield Finding(subject, sentence, severity=severity, facts={"ends": moment(end)}, evidence=f"{end:.0f}")
    elif share is None:
        yield Unknown(f"{target.slug}: when its certificate began is not known, so neither is its lifetime", subject)


def _severity(left: float, share: float | None, thresholds: Thresholds) -> Severity | None:
    """How bad it is; without a known lifetime only the last days are."""
    last_days = left < thresholds.critical_seconds
    if share is None:
        return Severity.WARNING if last_days else None
    if share < thresholds.critical_share and last_days:
        return Severity.CRITICAL
    return Severity.WARNING if share < thresholds.warning_share else None


def _limit(severity: Severity, thresholds: Thresholds) -> str:
    if severity is Severity.CRITICAL:
        return f"{percent(thresholds.critical_share)} and {duration(thresholds.critical_seconds)}"
    return percent(thresholds.warning_share)


RULE = Rule(
    id="tls_expiring",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="configure a source that is read over TLS",
)

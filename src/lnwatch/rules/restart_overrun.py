"""Components went away together, as in an upgrade, and one of them is not back in time."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.limits import require_positive
from lnwatch.domain.reach import WITHOUT_SYSTEM, present_state
from lnwatch.domain.restart import TOGETHER, Restart, joint_restart
from lnwatch.domain.wording import duration, listing, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """`grace_seconds`: how long a common restart may take. `together_seconds`: within which time components
    must leave to count as restarting together."""

    grace_seconds: float = 240.0
    together_seconds: float = TOGETHER

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(grace_seconds=self.grace_seconds, together_seconds=self.together_seconds)


def judge(view: View, _target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the site. Within the grace it is for the record alone."""
    subject = f"site:{view.site}"
    restart = joint_restart(view, thresholds.together_seconds)
    if restart is not None:
        yield _finding(view, subject, restart, thresholds.grace_seconds)
    elif unseen := [t.slug for t in view.targets.values() if _unseen(view, t)]:
        yield Unknown(f"{listing(unseen)} was not seen yet", subject)


def _finding(view: View, subject: str, restart: Restart, grace: float) -> Finding:
    overrun = view.at - restart.start > grace
    still = listing([f"{slug} is still {_word(view.targets[slug])}" for slug in restart.missing])
    lasted = f"{duration(view.at - restart.start)} (limit {duration(grace)})"
    left = f"{listing(restart.sources)} of {subject} left together at {moment(restart.start)}"
    back = [slug for slug in restart.sources if slug not in restart.missing]
    facts = {f"{slug} before": version for slug, version in restart.versions.items() if version}
    facts |= {f"{slug} now": view.targets[slug].version for slug in back}
    return Finding(
        subject,
        f"{left}, and after {lasted} {still}.",
        severity=None if overrun else Severity.INFO,
        facts=facts,
        evidence=f"{restart.start:.0f}",
    )


def _word(target: TargetView) -> str:
    return target.state.value if target.state is not None else "not seen"


def _unseen(view: View, target: TargetView) -> bool:
    return target.kind not in WITHOUT_SYSTEM and present_state(target, view.at) is None


RULE = Rule(
    id="restart_overrun",
    scope=Scope.SITE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    grant="configure at least two sources",
)

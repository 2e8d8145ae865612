"""The clock of the machine jumped: ages, expiries and the order of events are in doubt around it."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.episodes import evidence, recent
from lnwatch.domain.window import require_in_view
from lnwatch.domain.wording import clause, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found until `recent_seconds` after a jump, a day at most. How far a clock must jump to count is not for
    this rule: only who holds two clocks can see it."""

    recent_seconds: float = 3_600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_in_view(recent_seconds=self.recent_seconds)


def judge(view: View, _target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: lnwatch."""
    if view.own is None:
        yield Unknown("how lnwatch itself fares is not known")
        return
    jumps = recent(view.own.clock_jumps, view.at, thresholds.recent_seconds)
    if jumps:
        newest = max(jumps, key=lambda jump: jump.start if jump.end is None else jump.end)
        at = moment(newest.start if newest.end is None else newest.end)
        again = f", for the last of {len(jumps)} times" if len(jumps) > 1 else ""
        yield Finding(
            subject=f"site:{view.site}",
            sentence=f"The clock under lnwatch jumped at {at}{again}: {clause(newest.words)}.",
            facts={moment(jump.start): clause(jump.words) for jump in jumps},
            evidence=evidence(jumps),
        )


RULE = Rule(
    id="clock_jump",
    scope=Scope.DAEMON,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="nothing: lnwatch watches its own clocks",
)

"""lnwatch could not write its ledger, and meanwhile nobody could be told; or the journal in it can't be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.episodes import evidence, length, recent, telling
from lnwatch.domain.limits import require_positive
from lnwatch.domain.window import require_in_view
from lnwatch.domain.wording import clause, duration, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Found for trouble of `lasted_seconds` or more, until `recent_seconds` after its end, a day at most."""

    lasted_seconds: float = 10.0
    recent_seconds: float = 3_600.0

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        require_positive(lasted_seconds=self.lasted_seconds)
        require_in_view(recent_seconds=self.recent_seconds)


def judge(view: View, _target: TargetView | None, thresholds: Thresholds) -> Iterable[Answer]:
    """Two subjects: lnwatch, which writes, and its journal."""
    if view.own is None:
        yield Unknown("how lnwatch itself fares is not known")
        return
    troubles = recent(view.own.ledger, view.at, thresholds.recent_seconds, thresholds.lasted_seconds)
    if troubles:
        worst, limit = troubles[0], duration(thresholds.lasted_seconds)
        lasted = f"{duration(length(worst, view.at))} (limit {limit})"
        ended = f"until {moment(worst.end)}" if worst.end is not None else "and still can't"
        yield Finding(
            subject=f"site:{view.site}",
            sentence=f"lnwatch could not write its ledger for {lasted}, {ended}: {clause(worst.words)}.",
            facts=telling(troubles, view.at),
            evidence=evidence(troubles),
        )
    if view.own.journal:
        yield Finding(
            subject="source:journal",
            sentence=f"lnwatch can't trust its journal of what it did at other systems: {clause(view.own.journal)}.",
            evidence=view.own.journal,
        )


RULE = Rule(
    id="ledger_trouble",
    scope=Scope.DAEMON,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="nothing: lnwatch watches its own ledger",
)

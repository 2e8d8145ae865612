"""A rule of lnwatch's own raised an error: until it is mended, its cases are held and it finds nothing new."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.wording import clause
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: a rule works or it does not."""


def judge(view: View, _target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject for each rule."""
    if view.own is None:
        yield Unknown("how lnwatch itself fares is not known")
        return
    for broken, error in view.own.broken_rules.items():
        yield Finding(
            subject=f"rule:{broken}",
            sentence=f"The rule:{broken} of lnwatch is broken and finds nothing until it is mended: {clause(error)}.",
            facts={"error": clause(error)},
            evidence=clause(error),
        )


RULE = Rule(
    id="rule_broken",
    scope=Scope.DAEMON,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="nothing: lnwatch watches its own rules",
)

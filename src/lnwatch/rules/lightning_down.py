"""A Lightning node gives no answer, or none in time; a locked or starting one answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import silent
from lnwatch.domain.wording import clause, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    down = silent(target, view.at)
    if down is None:
        yield Unknown(f"{target.slug} could not be asked: {clause(target.detail)}", subject)
    elif down and target.state is not None:
        since = moment(target.since if target.since is not None else view.at)
        how = "has hung" if target.state is TargetState.HANGING else "has given no answer"
        facts = {"state": target.state.value, "since": since, "version": target.version}
        yield Finding(subject, f"{subject} ({target.kind}) {how} since {since}: {clause(target.detail)}.", facts=facts)


RULE = Rule(
    id="lightning_down",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    parents=("bitcoind_down", "restart_overrun"),
    grant="configure a Lightning node",
)

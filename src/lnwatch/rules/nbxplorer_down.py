"""NBXplorer gives no answer, or takes the call and never answers: BTCPay Server then makes no proper invoice."""

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
    """One subject: the source. What BTCPay Server says of it is not asked: it repeats what it once saw."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    down = silent(target, view.at)
    if down is None:
        yield Unknown(f"{target.slug} could not be asked: {clause(target.detail)}", subject)
    elif down and target.state is not None:
        since = moment(target.since if target.since is not None else view.at)
        how = "has hung" if target.state is TargetState.HANGING else "has given no answer"
        facts = {"state": target.state.value, "since": since, "version": target.version}
        yield Finding(subject, f"{subject} (NBXplorer) {how} since {since}: {clause(target.detail)}.", facts=facts)


RULE = Rule(
    id="nbxplorer_down",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=120,
    kinds=("nbxplorer",),
    parents=("bitcoind_down", "restart_overrun"),
    grant="configure a source of kind `nbxplorer`",
)

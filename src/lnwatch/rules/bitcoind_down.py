"""Bitcoin Core gives no answer; warm-up and a refused credential are answers."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import silent
from lnwatch.domain.wording import clause, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    down = silent(target, view.at)
    if down is None:
        yield Unknown(f"{target.slug} could not be asked: {clause(target.detail)}", subject)
    elif down and target.state is not None:
        since = moment(target.since if target.since is not None else view.at)
        facts = {"state": target.state.value, "since": since, "version": target.version}
        why = clause(target.detail)
        yield Finding(subject, f"{subject} (Bitcoin Core) has given no answer since {since}: {why}.", facts=facts)


RULE = Rule(
    id="bitcoind_down",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    kinds=("bitcoind",),
    parents=("restart_overrun",),
    grant="configure a source of kind `bitcoind`",
)

"""The wallet of a Lightning node is locked, or was never made: the node runs and can do nothing."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import SERVING, present_state
from lnwatch.domain.wording import clause, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the node. Only a node that serves is surely unlocked: a starting one may come to be locked yet."""
    if target is None:
        return
    subject = f"node:{target.slug}"
    state = present_state(target, view.at)
    if state is TargetState.LOCKED:
        since = moment(target.since if target.since is not None else view.at)
        sentence = f"{subject} ({target.kind}) has been locked since {since}: {clause(target.detail)}."
        yield Finding(subject, sentence, facts={"since": since, "version": target.version})
    elif state not in SERVING:
        yield Unknown(f"{target.slug} is {state.value if state else 'not seen yet'}: its wallet can't be seen", subject)


RULE = Rule(
    id="lightning_locked",
    scope=Scope.NODE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    parents=("bitcoind_down", "restart_overrun"),
    grant="configure a Lightning node",
)

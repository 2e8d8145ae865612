"""A source runs a version that lnwatch was not tested with: its figures may be wrong or missing."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import SERVING, present_state
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: the range belongs to lnwatch's release."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source. Only a source that serves has told its version just now."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    state = present_state(target, view.at)
    if state not in SERVING:
        yield Unknown(f"{target.slug} is {state.value if state else 'not seen yet'}: its version is not told", subject)
    elif not target.supported:
        version = target.version or "unknown"
        sentence = f"{subject} ({target.kind}) runs version {version}, outside the range that lnwatch was tested with."
        facts = {"version": version}
        if state is TargetState.UP and target.detail:
            facts["remark"] = target.detail
        yield Finding(subject, sentence, facts=facts, evidence=version)


RULE = Rule(
    id="version_unsupported",
    scope=Scope.SOURCE,
    severity=Severity.INFO,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="configure a source",
)

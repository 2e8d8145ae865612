"""A source knows lnwatch's credential, which lacks a right: what needs it is not read."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import FORBIDDEN, SERVING, lead, present_state, standing_faults
from lnwatch.domain.wording import clause, count, listing
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import Fault, TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: lnwatch asks for nothing that it does not need."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    state = present_state(target, view.at)
    lacking = dict(target.credential.missing) if target.credential is not None else {}
    for name, fault in _forbidden(view, target, state).items():
        lacking.setdefault(fault.permission or f"a right for `{name}`", clause(fault.message))
    if lacking:
        names = sorted(lacking)
        why = f"without {names[0]}: {clause(lacking[names[0]])}"
        lacks = f"lacks {count(len(names), 'permission')} that lnwatch needs ({listing(names)})"
        sentence = f"The credential for {subject} ({target.kind}) {lacks}; {why}."
        yield Finding(subject, sentence, facts=lacking, evidence=" ".join(names))
    elif state not in SERVING:
        word = state.value if state is not None else "not seen yet"
        yield Unknown(f"{target.slug} is {word}: what its credential may do can't be tried", subject)


def _forbidden(view: View, target: TargetView, state: TargetState | None) -> dict[str, Fault]:
    """What was forbidden of late, by collector; the leading collector's refusal ends all other reading."""
    health = lead(target)
    if state is TargetState.REJECTED and health is not None and health.fault is not None:
        return {health.name: health.fault} if health.fault.reason in FORBIDDEN else {}
    return standing_faults(view, target, FORBIDDEN)


RULE = Rule(
    id="credential_missing_permission",
    scope=Scope.SOURCE,
    severity=Severity.WARNING,
    owner=Owner.OPERATORS,
    thresholds=Thresholds,
    judge=judge,
    grant="configure a source",
)

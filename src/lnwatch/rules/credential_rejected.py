"""A source does not accept what lnwatch shows it, or shows a certificate that lnwatch does not accept."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.reach import FORBIDDEN, REFUSED_CREDENTIAL, SERVING, lead, present_state, standing_faults
from lnwatch.domain.wording import clause, listing, moment
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set but how long it may last, which is `for`."""


def judge(view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    state = present_state(target, view.at)
    if state is TargetState.REJECTED:
        yield from _all_rejected(view, target)
    elif state not in SERVING:
        word = state.value if state is not None else "not seen yet"
        yield Unknown(f"{target.slug} is {word}: whether it accepts the credential can't be seen", subject)
    elif faults := standing_faults(view, target, REFUSED_CREDENTIAL):
        fault = max(faults.values(), key=lambda fault: fault.at)
        stops = f"{listing(list(faults))} can't be read"
        sentence = f"{subject} ({target.kind}) refuses lnwatch's credential, so that {stops}: {clause(fault.message)}."
        yield Finding(subject, sentence, facts={"stops": ", ".join(faults)}, evidence=fault.reason)


def _all_rejected(view: View, target: TargetView) -> Iterable[Answer]:
    subject = f"source:{target.slug}"
    health = lead(target)
    fault = health.fault if health is not None else None
    if fault is not None and fault.reason in FORBIDDEN:
        return  # it is known, and lacks a right: `credential_missing_permission`
    since = moment(target.since if target.since is not None else view.at)
    why = clause(fault.message if fault is not None else target.detail)
    reason = fault.reason if fault is not None else ""
    words = f"can't be read at all since {since}: lnwatch's credential or its certificate is not accepted"
    facts = {"since": since, "reason": reason, "stops": "everything that lnwatch reads of it"}
    yield Finding(subject, f"{subject} ({target.kind}) {words}, {why}.", facts=facts, evidence=reason)


RULE = Rule(
    id="credential_rejected",
    scope=Scope.SOURCE,
    severity=Severity.CRITICAL,
    owner=Owner.ONCALL,
    thresholds=Thresholds,
    judge=judge,
    after=60,
    grant="configure a source",
)

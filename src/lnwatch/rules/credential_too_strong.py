"""lnwatch was given more rights than it needs: whoever takes its credential could do what lnwatch never does."""

from collections.abc import Iterable
from dataclasses import dataclass

from lnwatch.domain.wording import clause, count
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.view import TargetView, View


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Nothing to set: a right is needed or it is not."""


def judge(_view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    """One subject: the source."""
    if target is None:
        return
    subject = f"source:{target.slug}"
    if target.credential is None:
        yield Unknown(f"{target.slug} has not told what its credential may do", subject)
    elif excess := sorted(target.credential.excess):
        more = f", and {len(excess) - 1} more" if len(excess) > 1 else ""
        rights = f"{count(len(excess), 'right')} that lnwatch does not need (limit 0)"
        sentence = f"The credential for {subject} ({target.kind}) has {rights}: {clause(excess[0])}{more}."
        facts = {f"right {number}": right for number, right in enumerate(excess, start=1)}
        yield Finding(subject, sentence, facts=facts, evidence="; ".join(excess))


RULE = Rule(
    id="credential_too_strong",
    scope=Scope.SOURCE,
    severity=Severity.INFO,
    owner=Owner.SECURITY,
    thresholds=Thresholds,
    judge=judge,
    grant="configure a source that tells what its credential may do",
)

"""Runs the rules over a View: what is found, and where nothing could be told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lnwatch.model.rule import Answer, Finding, Rule, Scope
from lnwatch.model.view import TargetView, View

OWN_SITE = "lnwatch"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule said for one scope (a source's slug, empty for the site).

    `unknown` maps a subject to why it can't be told; under "" lies why nothing in the scope can.
    `broken` is the error of a rule that raised, empty otherwise.
    """

    rule: Rule[Any]
    scope: str
    found: Mapping[str, Finding]
    unknown: Mapping[str, str]
    broken: str = ""

    def tells(self, subject: str) -> bool:
        """Whether the absence of a finding for `subject` means that it is clear."""
        return not self.broken and "" not in self.unknown and subject not in self.unknown


def judge(rules: Iterable[Rule[Any]], view: View, thresholds: Mapping[str, Any]) -> list[Judgement]:
    """Every rule for every scope of the View that it is for. Raises nothing: a broken rule hides no other."""
    return [
        _run(rule, view, target, thresholds.get(rule.id) or rule.thresholds())
        for rule in rules
        for target in scopes(rule, view)
    ]


def scopes(rule: Rule[Any], view: View) -> Iterator[TargetView | None]:
    """What a rule is run for in a View; None is the site as a whole."""
    own = view.site == OWN_SITE
    if own or rule.scope is Scope.DAEMON:
        if own and rule.scope is Scope.DAEMON:
            yield None
        return
    if rule.scope is Scope.SITE:
        yield None
        return
    for target in view.targets.values():
        if rule.scope is Scope.NODE and not target.lightning:
            continue
        if not rule.kinds or target.kind in rule.kinds:
            yield target


def missing(rule: Rule[Any], view: View, target: TargetView | None) -> str:
    """Which need of a rule is not fresh; empty where all are."""
    if target is None:
        return ""
    for need in rule.needs:
        if target.fresh(need.collector, view.at) is None:
            return f"{need.collector} of {target.slug} was not read lately"
    return ""


def _run(rule: Rule[Any], view: View, target: TargetView | None, thresholds: object) -> Judgement:
    scope = target.slug if target is not None else ""
    lacking = missing(rule, view, target)
    if lacking:
        return Judgement(rule, scope, {}, {"": lacking})
    try:
        return _sorted(rule, scope, rule.judge(view, target, thresholds))
    except Exception as error:  # noqa: BLE001 - a rule that raises is a case of its own
        return Judgement(rule, scope, {}, {"": "the rule broke"}, f"{type(error).__name__}: {error}")


def _sorted(rule: Rule[Any], scope: str, answers: Iterable[Answer]) -> Judgement:
    found: dict[str, Finding] = {}
    unknown: dict[str, str] = {}
    for answer in answers:
        if isinstance(answer, Finding):
            found[answer.subject] = answer
        else:
            unknown[answer.subject or ""] = answer.why
    return Judgement(rule, scope, found, unknown)

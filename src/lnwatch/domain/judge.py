"""Runs the rules over a View: what is found, and where nothing could be told."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lnwatch.domain.lifecycle import Policy
from lnwatch.domain.reach import SERVING, present_state
from lnwatch.domain.wording import listing
from lnwatch.model.assessment import Coverage
from lnwatch.model.rule import Answer, Finding, Rule, Scope
from lnwatch.model.view import TargetView, View

OWN_SITE = "lnwatch"
RECONSIDER_AFTER = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one rule said for one scope (a source's slug, empty for the site).

    `unknown` maps a subject to why it can't be told; under "" lies why nothing in the scope can.
    `broken` is the error of a rule that raised, empty otherwise. With `lacks_input` the source serves, and
    yet does not bring what the rule needs: somebody has to configure or grant something.
    """

    rule: Rule[Any]
    scope: str
    found: Mapping[str, Finding]
    unknown: Mapping[str, str]
    broken: str = ""
    lacks_input: bool = False

    @property
    def blind(self) -> str:
        """Why nothing wrong would be found in this scope now; empty where something could be."""
        if self.broken:
            return self.broken
        if "" in self.unknown:
            return self.unknown[""]
        return "" if self.found else next(iter(self.unknown.values()), "")

    def tells(self, subject: str) -> bool:
        """Whether the absence of a finding for `subject` means that it is clear."""
        return not self.broken and "" not in self.unknown and subject not in self.unknown


class Judge:
    """Runs every rule for every scope of a View that it is for, and remembers what each said.

    A rule is asked again when something that it may read has changed, and after RECONSIDER_AFTER
    because time alone may have changed its mind. Raises nothing: a broken rule hides no other.
    """

    def __init__(self, rules: Iterable[Rule[Any]]) -> None:
        self._rules = tuple(rules)
        self._known: dict[tuple[str, str, str], _Known] = {}
        self._inputs: dict[str, _Inputs] = {}

    def judge(self, view: View, thresholds: Mapping[str, Any]) -> list[Judgement]:
        """What every rule says of the View; `thresholds` by rule id."""
        inputs = self._inputs[view.site] = _Inputs(view, self._inputs.get(view.site))
        return [
            self._of(rule, view, target, thresholds[rule.id], inputs)
            for rule in self._rules
            for target in scopes(rule, view)
        ]

    def _of(
        self, rule: Rule[Any], view: View, target: TargetView | None, thresholds: object, inputs: "_Inputs"
    ) -> Judgement:
        key = (view.site, rule.id, target.slug if target is not None else "")
        read, known = inputs.of(target), self._known.get(key)
        if known is None or known.read is not read or not 0 <= view.at - known.at < RECONSIDER_AFTER:
            known = self._known[key] = _Known(view.at, read, _run(rule, view, target, thresholds))
        return known.judgement


@dataclass(frozen=True, slots=True)
class _Known:
    """What a rule said at `at`, having read what `read` names."""

    at: float
    read: tuple[object, ...]
    judgement: Judgement


class _Inputs:
    """Names what a View holds, cheaply: by identity, for its values are frozen and made anew when they change.

    What is named as it was `before` is the same object, so that to tell is cheap as well. The View is kept until the
    next one is named, lest a name come again meanwhile.
    """

    read: dict[str | None, tuple[object, ...]]

    def __init__(self, view: View, before: "_Inputs | None") -> None:
        self._kept = view
        past = (view.events, view.states, view.held, view.baselines, view.own, view.shops, view.demand, view.kpis)
        site = (view.born_at, *map(id, past))
        targets = {
            slug: (*_read_of(target, view.at), id(view.liquidity.get(slug))) for slug, target in view.targets.items()
        }
        read: dict[str | None, tuple[object, ...]] = {None: (*site, *targets.values())}
        read |= {slug: (*site, *of) for slug, of in targets.items()}
        if before is not None:
            read = {of: before.read[of] if before.read.get(of) == names else names for of, names in read.items()}
        self.read = read

    def of(self, target: TargetView | None) -> tuple[object, ...]:
        """All that a rule may read that is run for this source; None: for the site."""
        return self.read[None if target is None else target.slug]


def _read_of(target: TargetView, now: float) -> tuple[object, ...]:
    told = (target.state, target.since, target.detail, target.version, target.supported, target.network)
    runs = tuple((health.last_run_at, health.success, health.stale(now)) for health in target.collectors.values())
    fresh = tuple(target.fresh(name, now) is not None for name in target.snapshots)
    credential = (target.credential, target.tls_begins_at, target.tls_expires_at)
    return (*told, *map(id, target.snapshots.values()), *fresh, *runs, *credential)


def coverage(
    rules: Iterable[Rule[Any]], view: View, judgements: Iterable[Judgement], policies: Mapping[str, Policy]
) -> Iterator[Coverage]:
    """Which rules can fire in the site of the View, for each scope; a rule without any is there once."""
    judged: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        judged.setdefault(judgement.rule.id, []).append(judgement)
    for rule in rules:
        if (rule.scope is Scope.DAEMON) != (view.site == OWN_SITE):
            continue
        policy = policies[rule.id]
        for judgement in judged.get(rule.id, ()):
            why = judgement.blind
            grant = rule.grant if judgement.lacks_input else ""
            yield Coverage(view.site, rule.id, judgement.scope, policy.severity, policy.owner, not why, why, grant)
        if rule.id not in judged:
            kinds = f" of kind {listing(rule.kinds)}" if rule.kinds else ""
            why = f"site {view.site} has no {'Lightning node' if rule.scope is Scope.NODE else 'source'}{kinds}"
            yield Coverage(
                view.site, rule.id, "", policy.severity, policy.owner, covered=False, why=why, grant=rule.grant
            )


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
        serves = target is not None and present_state(target, view.at) in SERVING
        return Judgement(rule, scope, {}, {"": lacking}, lacks_input=serves)
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

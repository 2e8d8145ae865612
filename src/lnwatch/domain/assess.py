"""From judgements and open cases to decisions: the table of contents of the brain."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lnwatch.domain import lifecycle
from lnwatch.domain.judge import Judgement
from lnwatch.domain.lifecycle import Circumstances, Decision, Policy, Sighting
from lnwatch.domain.restart import GRACE_RULE
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, Reason
from lnwatch.model.rule import Rule
from lnwatch.model.silence import Silence, SilenceKind

Cases = Mapping[Fingerprint, Case]
_INHIBITING = LIVING | {CaseState.PENDING}


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands around the judgements of one site at `now`; `policies` by rule id."""

    site: str
    now: float
    policies: Mapping[str, Policy]
    silences: tuple[Silence, ...] = ()
    grace: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision about one subject; `muted_by` names the parent, silence or window that keeps it untold, `root` the
    parent that it follows from, told or not."""

    fingerprint: Fingerprint
    decision: Decision
    muted_by: str = ""
    root: str = ""


class _Docket:
    """The cases of one site as they stand while it is decided on, by rule, scope and subject."""

    def __init__(self, cases: Cases, site: str) -> None:
        self._scopes: dict[str, dict[str, dict[str, Case]]] = {}
        for fingerprint, case in cases.items():
            if fingerprint.site == site:
                self.of(fingerprint.rule, case.scope)[fingerprint.subject] = case

    def of(self, rule: str, scope: str) -> dict[str, Case]:
        """By subject."""
        return self._scopes.setdefault(rule, {}).setdefault(scope, {})

    def find(self, fingerprint: Fingerprint) -> Case | None:
        """The case, whichever scope it was found in."""
        for subjects in self._scopes.get(fingerprint.rule, {}).values():
            if (case := subjects.get(fingerprint.subject)) is not None:
                return case
        return None

    def take(self, decided: Decided) -> None:
        """Let what was decided stand."""
        fingerprint, case = decided.fingerprint, decided.decision.case
        for subjects in self._scopes.get(fingerprint.rule, {}).values():
            subjects.pop(fingerprint.subject, None)
        if case is not None:
            self.of(fingerprint.rule, case.scope)[fingerprint.subject] = case

    def inhibitor(self, judgement: Judgement, rules: Mapping[str, Rule[Any]], setting: Setting) -> str:
        """A case of a parent that bears on the judgement; of the same source where both rules are run for the same
        sources."""
        patience = setting.policies[judgement.rule.id].after
        for parent in judgement.rule.parents:
            for scope, subjects in self._scopes.get(parent, {}).items():
                if scope != judgement.scope and parent in rules and _run_together(rules[parent], judgement.rule):
                    continue
                for subject, case in subjects.items():
                    if _bears(case, patience, setting.now):
                        return f"{parent} {subject}"
        return ""


def _run_together(one: Rule[Any], other: Rule[Any]) -> bool:
    """Whether two rules are run for the same sources, so that each source answers for itself."""
    of_kind = not one.kinds or not other.kinds or bool({*one.kinds} & {*other.kinds})
    return one.scope is other.scope and of_kind


def _bears(parent: Case, patience: float, now: float) -> bool:
    """Whether a parent's case is pending, lives, or ended so lately that what came of it may not be mended yet."""
    if parent.state is CaseState.RESOLVED and parent.ended_at is not None:
        return 0 <= now - parent.ended_at < patience
    return parent.state in _INHIBITING


def decide(judgements: Iterable[Judgement], cases: Cases, setting: Setting) -> list[Decided]:
    """A decision for every subject that is found or has a case, parents before their children.

    A case whose rule is not run any more for its scope, because the configuration or lnwatch changed, ends.
    """
    ordered = _parents_first(list(judgements))
    docket = _Docket(cases, setting.site)
    rules = {judgement.rule.id: judgement.rule for judgement in ordered}
    found: dict[str, set[str]] = {}
    for judgement in ordered:
        found.setdefault(judgement.rule.id, set()).update(judgement.found)
    decided: list[Decided] = []
    for judgement in ordered:
        inhibitor = docket.inhibitor(judgement, rules, setting)
        standing = docket.of(judgement.rule.id, judgement.scope)
        rest = [subject for subject in standing if subject not in found[judgement.rule.id]]
        for each in list(_of_rule(judgement, rest, docket, setting, inhibitor)):
            decided.append(each)
            docket.take(each)
    judged = {(judgement.rule.id, judgement.scope) for judgement in ordered}
    seen = {each.fingerprint for each in decided}
    decided += [
        Decided(fingerprint, lifecycle.withdrawn(case, setting.now))
        for fingerprint, case in cases.items()
        if fingerprint.site == setting.site and (fingerprint.rule, case.scope) not in judged and fingerprint not in seen
    ]
    return decided


def _of_rule(
    judgement: Judgement, rest: Iterable[str], docket: _Docket, setting: Setting, inhibitor: str
) -> Iterator[Decided]:
    """What is found, and the `rest` of the scope's cases, which no scope finds any more."""
    rule, policy = judgement.rule, setting.policies[judgement.rule.id]
    standing = docket.of(rule.id, judgement.scope)
    for subject in [*judgement.found, *rest]:
        fingerprint, case = Fingerprint(setting.site, rule.id, subject), standing.get(subject)
        finding = judgement.found.get(subject)
        if finding is not None:
            sighting = Sighting(fingerprint, judgement.scope, finding)
            around = _circumstances(sighting, policy, inhibitor, setting)
            decision = lifecycle.found(case or docket.find(fingerprint), sighting, policy, around)
            yield Decided(fingerprint, decision, _muted_by(decision, around), around.inhibited_by)
        elif judgement.tells(subject):
            yield Decided(fingerprint, lifecycle.clear(case, policy, setting.now))
        else:
            yield Decided(fingerprint, lifecycle.unknown(case, setting.now))


def _muted_by(decision: Decision, around: Circumstances) -> str:
    words = {
        Reason.INHIBITED: around.inhibited_by,
        Reason.MAINTENANCE: around.maintenance,
        Reason.SILENCED: around.silenced_by,
    }
    return words.get(decision.reason, "")


def _circumstances(sighting: Sighting, policy: Policy, inhibitor: str, setting: Setting) -> Circumstances:
    muting = {
        silence.kind: f"{silence.author}: {silence.reason}"
        for silence in setting.silences
        if matches(silence, sighting, policy, setting.now)
    }
    return Circumstances(
        now=setting.now,
        inhibited_by=inhibitor,
        silenced_by=muting.get(SilenceKind.SILENCE, ""),
        maintenance=muting.get(SilenceKind.MAINTENANCE, ""),
        grace=setting.grace and sighting.fingerprint.rule != GRACE_RULE,
    )


def matches(silence: Silence, sighting: Sighting, policy: Policy, now: float) -> bool:
    """Whether a silence is in force and speaks of this sighting."""
    fingerprint, finding = sighting.fingerprint, sighting.finding
    pairs = (
        (fingerprint.site, silence.site),
        (fingerprint.rule, silence.rule),
        (fingerprint.subject, silence.subject),
        ((finding.owner or policy.owner).value, silence.owner),
        (policy.severity_of(finding).value, silence.severity),
    )
    return silence.starts_at <= now < silence.ends_at and all(fnmatchcase(*pair) for pair in pairs)


def _parents_first(judgements: list[Judgement]) -> list[Judgement]:
    """In an order in which every parent comes before its children; a ring is left as it came."""
    rules = {judgement.rule.id: judgement.rule for judgement in judgements}
    order: dict[str, None] = {}

    def visit(rule: Rule[Any], path: frozenset[str]) -> None:
        if rule.id in order or rule.id in path:
            return
        for parent in rule.parents:
            if parent in rules:
                visit(rules[parent], path | {rule.id})
        order[rule.id] = None

    for rule in rules.values():
        visit(rule, frozenset())
    rank = {identity: number for number, identity in enumerate(order)}
    return sorted(judgements, key=lambda judgement: rank[judgement.rule.id])

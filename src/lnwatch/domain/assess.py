"""From judgements and open cases to decisions: the table of contents of the brain."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from lnwatch.domain import lifecycle
from lnwatch.domain.judge import Judgement
from lnwatch.domain.lifecycle import Circumstances, Decision, Policy, Sighting
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint
from lnwatch.model.rule import Rule, Scope
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


def decide(judgements: Iterable[Judgement], cases: Cases, setting: Setting) -> list[tuple[Fingerprint, Decision]]:
    """A decision for every subject that is found or has a case, parents before their children."""
    decided: list[tuple[Fingerprint, Decision]] = []
    known, ordered = dict(cases), _parents_first(list(judgements))
    scopes = {judgement.rule.id: judgement.rule.scope for judgement in ordered}
    for judgement in ordered:
        inhibitor = _inhibitor(judgement, known, setting.site, scopes)
        for fingerprint, decision in list(_of_rule(judgement, known, setting, inhibitor)):
            decided.append((fingerprint, decision))
            if decision.case is None:
                known.pop(fingerprint, None)
            else:
                known[fingerprint] = decision.case
    return decided


def _of_rule(
    judgement: Judgement, known: Cases, setting: Setting, inhibitor: str
) -> Iterator[tuple[Fingerprint, Decision]]:
    rule, policy = judgement.rule, setting.policies[judgement.rule.id]
    standing = {
        fingerprint.subject: case
        for fingerprint, case in known.items()
        if (fingerprint.site, fingerprint.rule, case.scope) == (setting.site, rule.id, judgement.scope)
    }
    for subject in [*judgement.found, *(subject for subject in standing if subject not in judgement.found)]:
        fingerprint, case = Fingerprint(setting.site, rule.id, subject), standing.get(subject)
        finding = judgement.found.get(subject)
        if finding is not None:
            case = case or known.get(fingerprint)
            sighting = Sighting(fingerprint, judgement.scope, finding)
            around = _circumstances(sighting, policy, inhibitor, setting)
            yield fingerprint, lifecycle.found(case, sighting, policy, around)
        elif judgement.tells(subject):
            yield fingerprint, lifecycle.clear(case, policy, setting.now)
        else:
            yield fingerprint, lifecycle.unknown(case, setting.now)


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
        grace=setting.grace,
    )


def matches(silence: Silence, sighting: Sighting, policy: Policy, now: float) -> bool:
    """Whether a silence is in force and speaks of this sighting."""
    fingerprint, finding = sighting.fingerprint, sighting.finding
    pairs = (
        (fingerprint.site, silence.site),
        (fingerprint.rule, silence.rule),
        (fingerprint.subject, silence.subject),
        ((finding.owner or policy.owner).value, silence.owner),
        ((finding.severity or policy.severity).value, silence.severity),
    )
    return silence.starts_at <= now < silence.ends_at and all(fnmatchcase(*pair) for pair in pairs)


def _inhibitor(judgement: Judgement, known: Cases, site: str, scopes: Mapping[str, Scope]) -> str:
    """A pending or living case of a parent; of the same source where both rules are run for the same sort of scope."""
    rule = judgement.rule
    for fingerprint, case in known.items():
        if fingerprint.site != site or fingerprint.rule not in rule.parents or case.state not in _INHIBITING:
            continue
        if scopes.get(fingerprint.rule) is not rule.scope or case.scope == judgement.scope:
            return f"{fingerprint.rule} {fingerprint.subject}"
    return ""


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

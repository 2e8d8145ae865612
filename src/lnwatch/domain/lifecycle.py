"""The life of a case, as one pure function: what was, what is seen, what bears on it -> what is decided.

    pending (lasts `after`, and no maintenance is announced)
        -> open -> (acknowledged | snoozed) -> resolved | closed -> reopened

Every decision has a named reason, also where nobody is told. Two promises hold whatever comes: what was
told resolves aloud once its inputs are fresh and clear, and never before; one opening is told once.
"""

from dataclasses import dataclass, replace
from typing import Any

from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Finding, Owner, Rule, Severity

OURSELVES = "lnwatch"  # the actor of what no person decided
WITHDRAWN = "what it is about is not configured any more"
FLAP_WINDOW = 900.0  # seconds: a case that comes back within is the same case


@dataclass(frozen=True, slots=True)
class Policy:
    """What is in force for the rule at this site. Seconds. With `fixed` each finding has this `severity`, whatever
    its rule would give it."""

    severity: Severity
    owner: Owner
    after: float
    keep_firing: float
    never_muted: bool
    flap_window: float = FLAP_WINDOW
    fixed: bool = False
    tells_changes: bool = False

    def severity_of(self, finding: Finding) -> Severity:
        """How much a finding matters here."""
        return self.severity if self.fixed or finding.severity is None else finding.severity


def usual_policy(rule: Rule[Any]) -> Policy:
    """What the rule itself declares."""
    return Policy(
        rule.severity, rule.owner, rule.after, rule.keep_firing, rule.never_muted, tells_changes=rule.tells_changes
    )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else bears on a subject at `now`: each text names what mutes it, empty where nothing does."""

    now: float
    inhibited_by: str = ""
    silenced_by: str = ""
    maintenance: str = ""
    grace: bool = False


@dataclass(frozen=True, slots=True)
class Sighting:
    """A finding with its identity; `scope` is the source that its rule was run for, empty for the site."""

    fingerprint: Fingerprint
    scope: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """The case as it is from now on (None: there is none), why, and what to tell (None: nobody)."""

    case: Case | None
    reason: Reason
    tell: Transition | None = None


def found(case: Case | None, sighting: Sighting, policy: Policy, circumstances: Circumstances) -> Decision:
    """The rule found the subject wrong."""
    now, finding = circumstances.now, sighting.finding
    if case is None or (case.state is CaseState.RESOLVED and not _within_flap_window(case, policy, now)):
        return _lasting(_begin(case, sighting, policy, now), policy, circumstances)
    if case.state is CaseState.CLOSED:
        if case.clear_since is None and case.evidence == finding.evidence:
            return Decision(replace(case, seen_at=now), Reason.HELD_CLOSED)
        return _lasting(_begin(case, sighting, policy, now), policy, circumstances)
    if case.state is CaseState.RESOLVED:
        case = replace(
            case, state=CaseState.PENDING, found_at=now, flaps=case.flaps + 1, clear_since=None, ended_at=None
        )
    updated = _updated(replace(case, scope=sighting.scope), finding, policy, now)
    if updated.state is CaseState.PENDING:
        return _lasting(updated, policy, circumstances)
    return _living(case, updated, policy, circumstances)


def clear(case: Case | None, policy: Policy, now: float) -> Decision:
    """The rule ran with all its inputs fresh and did not find the subject wrong."""
    if case is None:
        return Decision(None, Reason.NOTHING)
    if case.state is CaseState.PENDING:
        ended = replace(case, state=CaseState.RESOLVED, ended_at=now) if case.flaps else None
        return Decision(ended, Reason.VANISHED)
    since = case.clear_since if case.clear_since is not None else now
    if case.state not in LIVING:
        return Decision(replace(case, clear_since=since), Reason.CLEAR)
    if now - since < hold(case, policy):
        return Decision(replace(case, clear_since=since), Reason.KEEP_FIRING)
    ended = replace(case, state=CaseState.RESOLVED, clear_since=since, ended_at=now, snoozed_until=None)
    if case.told:
        return _telling(replace(ended, told=False, told_severity=None), Reason.CLEAR, Transition.RESOLVED)
    return Decision(ended, Reason.CLEAR_UNTOLD)


def unknown(case: Case | None, now: float) -> Decision:
    """The rule could not tell: the case is held as it is; only a snooze still ends."""
    if case is None:
        return Decision(None, Reason.NOTHING)
    held = replace(case, clear_since=None) if case.state in LIVING else case
    if _snooze_over(held, now):
        return _telling(replace(held, state=CaseState.OPEN, snoozed_until=None), Reason.SNOOZE_ENDED, Transition.AWOKE)
    return Decision(held, Reason.HELD_UNKNOWN)


def withdrawn(case: Case, now: float) -> Decision:
    """Its rule is not run any more for what it is about: nothing will ever tell that it is clear, so it ends."""
    if case.state is CaseState.PENDING:
        return Decision(None, Reason.NOT_CONFIGURED)
    since = case.clear_since if case.clear_since is not None else now
    if case.state not in LIVING:
        return Decision(replace(case, clear_since=since), Reason.NOT_CONFIGURED)
    ended = replace(
        case,
        state=CaseState.CLOSED,
        actor=OURSELVES,
        note=WITHDRAWN,
        clear_since=since,
        ended_at=now,
        snoozed_until=None,
    )
    if case.told:
        return _telling(replace(ended, told=False, told_severity=None), Reason.NOT_CONFIGURED, Transition.CLOSED)
    return Decision(ended, Reason.NOT_CONFIGURED)


def acknowledge(case: Case, actor: str, note: str) -> Decision:
    """A person took it. Raises ValueError unless the case is open or snoozed."""
    _require(case, LIVING, "acknowledged")
    taken = replace(case, state=CaseState.ACKNOWLEDGED, actor=actor, note=note, snoozed_until=None)
    return _telling(taken, Reason.ACKNOWLEDGED, Transition.ACKNOWLEDGED)


def snooze(case: Case, actor: str, note: str, until: float, now: float) -> Decision:
    """A person wants it quiet until `until`. Raises ValueError for a time that is past."""
    _require(case, LIVING, "snoozed")
    if until <= now:
        raise ValueError("a snooze ends in the future")
    asleep = replace(case, state=CaseState.SNOOZED, actor=actor, note=note, snoozed_until=until)
    return _telling(asleep, Reason.SNOOZED, Transition.SNOOZED)


def close(case: Case, actor: str, note: str, now: float) -> Decision:
    """A person says that it is done; holds while the evidence is unchanged. Raises ValueError without a reason."""
    _require(case, LIVING | {CaseState.PENDING}, "closed")
    if not note.strip():
        raise ValueError("closing needs a reason")
    shut = replace(
        case, state=CaseState.CLOSED, actor=actor, note=note, ended_at=now, clear_since=None, snoozed_until=None
    )
    if case.told:
        return _telling(replace(shut, told=False, told_severity=None), Reason.CLOSED_BY_HAND, Transition.CLOSED)
    return Decision(shut, Reason.CLOSED_BY_HAND)


def muted(policy: Policy, circumstances: Circumstances) -> Reason | None:
    """Why a message about this rule would not leave now; None where it would. Resolves are never asked."""
    if policy.never_muted:
        return None
    if circumstances.inhibited_by:
        return Reason.INHIBITED
    if circumstances.grace:
        return Reason.GRACE
    if circumstances.maintenance:
        return Reason.MAINTENANCE
    if circumstances.silenced_by:
        return Reason.SILENCED
    return None


def _begin(case: Case | None, sighting: Sighting, policy: Policy, now: float) -> Case:
    fresh = Case(
        fingerprint=sighting.fingerprint,
        number=case.number + 1 if case is not None else 1,
        state=CaseState.PENDING,
        scope=sighting.scope,
        severity=policy.severity,
        owner=policy.owner,
        sentence=sighting.finding.sentence,
        found_at=now,
        seen_at=now,
    )
    return _updated(fresh, sighting.finding, policy, now)


def _updated(case: Case, finding: Finding, policy: Policy, now: float) -> Case:
    return replace(
        case,
        severity=policy.severity_of(finding),
        owner=finding.owner or policy.owner,
        sentence=finding.sentence,
        facts=finding.facts,
        evidence=finding.evidence,
        seen_at=now,
        clear_since=None,
    )


def _lasting(case: Case, policy: Policy, circumstances: Circumstances) -> Decision:
    """A pending case opens when it has lasted, but not while its trouble is announced work; whether that is told
    depends on what mutes it."""
    if circumstances.now - case.found_at < policy.after:
        return Decision(case, Reason.PENDING)
    if circumstances.maintenance and not policy.never_muted:
        return Decision(case, Reason.MAINTENANCE)
    opened = replace(case, state=CaseState.OPEN, opened_at=case.opened_at or circumstances.now)
    why = muted(policy, circumstances)
    if why is not None:
        return Decision(opened, why)
    told = replace(opened, told=True, told_severity=opened.severity)
    if case.flaps:
        return _telling(told, Reason.FLAPPING, Transition.REOPENED)
    return _telling(told, Reason.LASTED, Transition.OPENED)


def _living(before: Case, case: Case, policy: Policy, circumstances: Circumstances) -> Decision:
    rose = case.severity.rank > before.severity.rank
    if case.state is CaseState.SNOOZED and not (policy.never_muted and rose):
        if not _snooze_over(case, circumstances.now):
            return Decision(case, Reason.SNOOZED)
        case = replace(case, state=CaseState.OPEN, snoozed_until=None)
        if case.told:
            awake = replace(case, told_severity=case.severity)
            return _telling(awake, Reason.SNOOZE_ENDED, Transition.AWOKE)
    why = muted(policy, circumstances)
    if why is not None:
        return Decision(case, why)
    if not case.told:
        return _telling(replace(case, told=True, told_severity=case.severity), Reason.RELEASED, Transition.OPENED)
    return _news_told(case, changed=policy.tells_changes and case.evidence != before.evidence)


def _news_told(case: Case, *, changed: bool) -> Decision:
    told = case.told_severity or case.severity
    if case.severity.rank > told.rank:
        worse = replace(case, state=CaseState.OPEN, told_severity=case.severity, snoozed_until=None)
        return _telling(worse, Reason.WORSE, Transition.ESCALATED)
    if case.severity.rank < told.rank:
        return _telling(replace(case, told_severity=case.severity), Reason.BETTER, Transition.EASED)
    if changed:
        return _telling(case, Reason.NEW_EVIDENCE, Transition.CHANGED)
    return Decision(case, Reason.STILL_FOUND)


def hold(case: Case, policy: Policy) -> float:
    """How long it must be clear: doubled with each flap, so that a flapping case rings less and less."""
    if not case.flaps:
        return policy.keep_firing
    return min(max(policy.keep_firing, 60.0) * 2.0 ** min(case.flaps, 10), max(policy.flap_window, policy.keep_firing))


def _within_flap_window(case: Case, policy: Policy, now: float) -> bool:
    return case.ended_at is not None and now - case.ended_at <= policy.flap_window


def _snooze_over(case: Case, now: float) -> bool:
    return case.state is CaseState.SNOOZED and case.snoozed_until is not None and now >= case.snoozed_until


def _telling(case: Case, reason: Reason, transition: Transition) -> Decision:
    return Decision(replace(case, transition=case.transition + 1), reason, transition)


def _require(case: Case, states: frozenset[CaseState], word: str) -> None:
    if case.state not in states:
        raise ValueError(f"a case that is {case.state.value} can't be {word}")

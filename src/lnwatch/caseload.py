"""The cases in memory and how they change: by judgement once a cycle, by people's words in between.

Memory follows the ledger: what can't be committed has not happened, and is decided again in the next cycle.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import structlog

from lnwatch.domain import lifecycle
from lnwatch.domain.assess import Decided, Setting, decide
from lnwatch.domain.judge import OWN_SITE, Judge, Judgement, coverage
from lnwatch.domain.kept import Kept
from lnwatch.domain.lifecycle import Decision, Policy, usual_policy
from lnwatch.domain.restart import GRACE_RULE, within_grace
from lnwatch.model.assessment import Coverage, StandingCase
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.message import Notice
from lnwatch.model.rule import Rule
from lnwatch.model.silence import Silence
from lnwatch.model.view import View
from lnwatch.notify._routing import Routing
from lnwatch.store import Addressed, CaseChange, Ledger

log = structlog.get_logger()

MANY_CHANNELS = 500  # from here on rules are run in a thread, so that the loop never stalls
MANY_CASES = 50  # likewise what follows from them
LOGGED = 20  # of the cases that change in one cycle: of a storm the page tells more than the log
REWORDED_AFTER = 60.0  # seconds: figures in a sentence move all the time, the ledger need not follow at once

_DOUBTS = frozenset({Reason.HELD_UNKNOWN, Reason.KEEP_FIRING})  # after these it is news that it is still found

Apply = Callable[[Case], Decision]


@dataclass(frozen=True, slots=True)
class Bench:
    """The rules with what is in force for them, by site and rule id: every site and the daemon's own."""

    rules: Sequence[Rule[Any]]
    policies: Mapping[str, Mapping[str, Policy]]
    thresholds: Mapping[str, Mapping[str, Any]]

    @classmethod
    def usual(cls, rules: Sequence[Rule[Any]], sites: Iterable[str]) -> Self:
        """As the rules declare it themselves, for these sites and the daemon's own."""
        policies = {rule.id: usual_policy(rule) for rule in rules}
        thresholds = {rule.id: rule.thresholds() for rule in rules}
        everywhere = [*sites, OWN_SITE]
        return cls(rules, dict.fromkeys(everywhere, policies), dict.fromkeys(everywhere, thresholds))


@dataclass(slots=True)
class _Kept:
    """A case, the last decision about it, and the channels that were told of its opening.

    `stored` is the case as the ledger has it since `stored_at`: but for moments and figures the same.
    """

    case: Case
    reason: Reason
    told_to: frozenset[str]
    stored: Case
    stored_at: float = 0.0
    muted_by: str = ""


class Caseload:
    """Owns the cases of all sites. `committed` is called after each commit that wrote messages."""

    def __init__(self, ledger: Ledger, bench: Bench, routing: Routing, committed: Callable[[], None]) -> None:
        """Nothing is known before `restore`."""
        self._ledger = ledger
        self._bench = bench
        self._routing = routing
        self._committed = committed
        self._judge = Judge(bench.rules)
        self._rules = {rule.id: rule for rule in bench.rules}
        self._flap_window = max(
            (policy.flap_window for of_site in bench.policies.values() for policy in of_site.values()),
            default=lifecycle.FLAP_WINDOW,
        )
        self._kept: dict[Fingerprint, _Kept] = {}
        self._silences: tuple[Silence, ...] = ()
        self._coverage: dict[str, tuple[Coverage, ...]] = {}
        self._covered: Kept[str, tuple[Coverage, ...]] = Kept()
        self._broken: dict[str, Mapping[str, str]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def restore(self, now: float) -> None:
        """Take up the cases and silences that the ledger knows. Raises LedgerError."""
        await self._read(await self._ledger.cases(now - self._flap_window))
        self._silences = await self._ledger.silences(now)
        gone = [kept.case for kept in self._kept.values() if kept.case.fingerprint.site not in self._bench.policies]
        decided = [Decided(case.fingerprint, lifecycle.withdrawn(case, now)) for case in gone]
        await self._take(decided, self._changes(decided, now), now)

    async def _read(self, cases: Sequence[Case]) -> None:
        told = await self._ledger.told_channels(cases)
        for case in cases:
            told_to = told.get(case.fingerprint, frozenset())
            self._kept[case.fingerprint] = _Kept(case, Reason.HELD_UNKNOWN, told_to, case)

    @property
    def standing(self) -> Mapping[Fingerprint, StandingCase]:
        """What an Assessment shows: every case that is not over, or not for long."""
        return {
            fingerprint: StandingCase(kept.case, kept.reason, kept.muted_by) for fingerprint, kept in self._kept.items()
        }

    @property
    def coverage(self) -> tuple[Coverage, ...]:
        """As of the last judgement of each site."""
        return tuple(each for of_site in self._coverage.values() for each in of_site)

    @property
    def broken_rules(self) -> Mapping[str, str]:
        """The error of each rule that raised in its last run, by rule id."""
        return {rule: error for of_site in self._broken.values() for rule, error in of_site.items()}

    def silences(self, now: float) -> tuple[Silence, ...]:
        """Those in force or to come."""
        return tuple(silence for silence in self._silences if silence.ends_at > now)

    def due(self, now: float) -> float:
        """Seconds until time alone changes a case: a pending one has lasted, a clear one was clear for long enough, a
        snooze ends."""
        times = (at for kept in self._kept.values() for at in self._due_times(kept.case))
        return max(0.0, min(times, default=float("inf")) - now)

    def _due_times(self, case: Case) -> Iterator[float]:
        policy = self._bench.policies.get(case.fingerprint.site, {}).get(case.fingerprint.rule)
        if policy is None:
            return
        if case.state is CaseState.PENDING:
            yield case.found_at + policy.after
        if case.state in LIVING and case.clear_since is not None:
            yield case.clear_since + lifecycle.hold(case, policy)
        if case.state is CaseState.SNOOZED and case.snoozed_until is not None:
            yield case.snoozed_until

    async def judge(self, view: View) -> None:
        """Run the rules over a View, decide, and commit. Raises LedgerError, and then not all of it has happened."""
        thresholds = self._bench.thresholds[view.site]
        if any(len(of.channels) > MANY_CHANNELS for of in view.liquidity.values()):
            judgements = await asyncio.to_thread(self._judge.judge, view, thresholds)
        else:
            judgements = self._judge.judge(view, thresholds)
        self._note(view, judgements)
        async with self._one_at_a_time:
            await self._recall(view.site, judgements)
            many = len(self._kept) + sum(len(each.found) for each in judgements) > MANY_CASES
            prepare = partial(self._prepare, judgements, self._setting(view))
            await self._take(*(await asyncio.to_thread(prepare) if many else prepare()), view.at)
            self._forget(view.at)

    def _prepare(self, judgements: Sequence[Judgement], setting: Setting) -> tuple[list[Decided], list[CaseChange]]:
        """What is decided, and what of it the ledger has to know; changes nothing."""
        cases = {fingerprint: kept.case for fingerprint, kept in self._kept.items()}
        decided = decide(judgements, cases, setting)
        return decided, self._changes(decided, setting.now)

    def _note(self, view: View, judgements: Sequence[Judgement]) -> None:
        policies = self._bench.policies[view.site]
        self._coverage[view.site] = self._covered.of(
            view.site, tuple(judgements), lambda: tuple(coverage(self._bench.rules, view, judgements, policies))
        )
        broken = {each.rule.id: each.broken for each in judgements if each.broken}
        for rule in broken.keys() - self._broken.get(view.site, {}).keys():
            log.error("a rule broke", site=view.site, rule=rule, error=broken[rule])
        self._broken[view.site] = broken

    def _setting(self, view: View) -> Setting:
        return Setting(
            site=view.site,
            now=view.at,
            policies=self._bench.policies[view.site],
            silences=self.silences(view.at),
            grace=self._grace(view),
        )

    def _grace(self, view: View) -> bool:
        thresholds = self._bench.thresholds[view.site].get(GRACE_RULE)
        return thresholds is not None and within_grace(view, thresholds.grace_seconds, thresholds.together_seconds)

    async def _recall(self, site: str, judgements: Iterable[Judgement]) -> None:
        """Bring back what is long over and found again: its openings are counted on from there."""
        found = {
            Fingerprint(site, judgement.rule.id, subject) for judgement in judgements for subject in judgement.found
        }
        unknown = found - self._kept.keys()
        if unknown:
            await self._read(await self._ledger.recall(unknown))

    async def change(self, fingerprint: Fingerprint, apply: Apply, now: float) -> Case | None:
        """Let a person's word change a case; returns it as it is then, None where there is none that lives.

        `apply` raises ValueError where the word can't be taken. Raises LedgerError.
        """
        async with self._one_at_a_time:
            kept = self._kept.get(fingerprint)
            if kept is None:
                return None
            decided = [Decided(fingerprint, apply(kept.case))]
            await self._take(decided, self._changes(decided, now), now)
            return self._kept[fingerprint].case

    def find(self, fingerprint: Fingerprint) -> Case | None:
        """The case as it stands."""
        kept = self._kept.get(fingerprint)
        return None if kept is None else kept.case

    async def silence(self, silence: Silence, now: float) -> None:
        """Let a silence or a window be in force. Raises LedgerError."""
        await self._ledger.put_silence(silence)
        self._silences = await self._ledger.silences(now)

    async def end_silence(self, identity: str, by: str, now: float) -> bool:
        """End one before its time; False where none of that id lasts. Raises LedgerError."""
        ended = await self._ledger.end_silence(identity, by, now)
        self._silences = await self._ledger.silences(now)
        return ended

    def _changes(self, decided: Iterable[Decided], now: float) -> list[CaseChange]:
        return [change for each in decided if (change := self._change(each, now)) is not None]

    async def _take(self, decided: Sequence[Decided], changes: Sequence[CaseChange], now: float) -> None:
        """Commit the changes, then let what was decided stand in memory."""
        if changes:
            await self._ledger.commit(changes)
        stored = {change.fingerprint: change for change in changes}
        for each in decided:
            self._stand(each, stored.get(each.fingerprint), now)
        if any(change.notices for change in changes):
            self._committed()
        _log([change for change in changes if change.tell is not None])

    def _change(self, decided: Decided, now: float) -> CaseChange | None:
        """What the ledger has to know of a decision; None where nothing is new but the moment."""
        kept, decision = self._kept.get(decided.fingerprint), decided.decision
        if decision.tell is None and not _news(kept, decision, now):
            return None
        notices = self._addressed(decided, kept, now)
        return CaseChange(decision.case, decided.fingerprint, now, decision.reason, decision.tell, notices)

    def _addressed(self, decided: Decided, kept: _Kept | None, now: float) -> tuple[Addressed, ...]:
        case, tell = decided.decision.case, decided.decision.tell
        if case is None or tell is None:
            return ()
        rule, told_to = self._rules.get(case.fingerprint.rule), _told_to(kept, case)
        # For those who hear of it only now nothing has become worse.
        first = tell is Transition.ESCALATED and not told_to
        notice = Notice(
            fingerprint=case.fingerprint,
            number=case.number,
            transition_number=case.transition,
            transition=Transition.OPENED if first else tell,
            state=case.state,
            severity=case.severity,
            owner=case.owner,
            sentence=case.sentence,
            at=now,
            found_at=case.found_at,
            opened_at=case.opened_at,
            ended_at=case.ended_at,
            facts=case.facts,
            actor=case.actor,
            note=case.note,
            root=decided.root,
            never_muted=rule is not None and rule.never_muted,
            until=case.snoozed_until,
        )
        destinations = self._routing.destinations(notice, told_to)
        return tuple(Addressed(each.channel, notice, each.not_before) for each in destinations)

    def _stand(self, decided: Decided, change: CaseChange | None, now: float) -> None:
        kept, case = self._kept.get(decided.fingerprint), decided.decision.case
        if case is None:
            self._kept.pop(decided.fingerprint, None)
            return
        told_to = _told_to(kept, case)
        if change is not None:
            told_to |= {each.channel for each in change.notices}
        self._kept[decided.fingerprint] = _Kept(
            case=case,
            reason=decided.decision.reason,
            told_to=told_to,
            stored=case if change is not None or kept is None else kept.stored,
            stored_at=now if change is not None or kept is None else kept.stored_at,
            muted_by=decided.muted_by,
        )

    def _forget(self, now: float) -> None:
        """Drop what is over for longer than any flap window: the ledger has it."""
        for fingerprint, kept in list(self._kept.items()):
            case = kept.case
            over = {CaseState.RESOLVED: case.ended_at, CaseState.CLOSED: case.clear_since}.get(case.state)
            if over is not None and now - over > self._flap_window:
                del self._kept[fingerprint]


def _told_to(kept: _Kept | None, case: Case) -> frozenset[str]:
    """The channels that were told of this opening."""
    return kept.told_to if kept is not None and kept.case.number == case.number else frozenset()


def _news(kept: _Kept | None, decision: Decision, now: float) -> bool:
    """Whether the ledger should know: another word or state, or a sentence that it has had for long."""
    case = decision.case
    if kept is None or case is None:
        return kept is not None or case is not None
    stored = kept.stored
    if replace(case, seen_at=stored.seen_at, sentence=stored.sentence, facts=stored.facts) != stored:
        return True
    if decision.reason is not kept.reason and (decision.reason is not Reason.STILL_FOUND or kept.reason in _DOUBTS):
        return True
    return now - kept.stored_at >= REWORDED_AFTER and (case.sentence, case.facts) != (stored.sentence, stored.facts)


def _log(changes: Sequence[CaseChange]) -> None:
    for change in changes[:LOGGED]:
        case, of = change.case, change.fingerprint
        log.info(
            "case",
            site=of.site,
            rule=of.rule,
            subject=of.subject,
            transition=change.tell.value if change.tell is not None else None,
            reason=change.reason.value,
            severity=case.severity.value if case is not None else None,
            channels=[each.channel for each in change.notices],
        )
    if len(changes) > LOGGED:
        log.info("more cases", changed=len(changes) - LOGGED)

"""The life of a case: tables for each decision, and a machine that tries everything against the promises."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lnwatch.domain import lifecycle
from lnwatch.domain.lifecycle import Circumstances, Decision, Policy, Sighting
from lnwatch.model.case import LIVING, Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Finding, Owner, Severity

NOW = 1_800_000_000.0
FINGERPRINT = Fingerprint("main", "lightning_down", "node:ln1")
POLICY = Policy(Severity.CRITICAL, Owner.ONCALL, after=60.0, keep_firing=0.0, never_muted=False)


def sighting(severity: Severity | None = None, evidence: str = "down") -> Sighting:
    return Sighting(FINGERPRINT, "ln1", Finding("node:ln1", "It is down.", severity=severity, evidence=evidence))


def see(case: Case | None, at: float, policy: Policy = POLICY, **muting: Any) -> Decision:  # noqa: ANN401 - a table's columns
    severity, evidence = muting.pop("severity", None), muting.pop("evidence", "down")
    return lifecycle.found(case, sighting(severity, evidence), policy, Circumstances(NOW + at, **muting))


def opened(policy: Policy = POLICY) -> Case:
    """A case that was found, lasted and was told."""
    decision = see(None, 0, policy)
    if policy.after:
        decision = see(decision.case, policy.after, policy)
    assert decision.case is not None
    assert decision.tell is Transition.OPENED
    return decision.case


def test_pending_tells_nobody() -> None:
    """A finding that has not lasted is pending, and nobody is told."""
    decision = see(None, 0)
    assert (decision.reason, decision.tell) == (Reason.PENDING, None)
    assert decision.case is not None
    assert decision.case.state is CaseState.PENDING


def test_lasting_opens_once() -> None:
    """It opens when it lasted exactly as long as the rule asks, once."""
    case = opened()
    again = see(case, 120)
    assert (again.reason, again.tell) == (Reason.STILL_FOUND, None)


def test_vanished_is_forgotten() -> None:
    """What clears while pending leaves nothing."""
    pending = see(None, 0).case
    decision = lifecycle.clear(pending, POLICY, NOW + 30)
    assert decision == Decision(None, Reason.VANISHED)


def test_clear_resolves_what_was_told() -> None:
    """A told case resolves aloud."""
    decision = lifecycle.clear(opened(), POLICY, NOW + 200)
    assert (decision.reason, decision.tell) == (Reason.CLEAR, Transition.RESOLVED)


def test_unknown_holds() -> None:
    """Without its inputs a case stays exactly as open as it was, however long."""
    case = opened()
    decision = lifecycle.unknown(case, NOW + 1e6)
    assert decision == Decision(case, Reason.HELD_UNKNOWN)


def test_unknown_starts_the_hold_anew() -> None:
    """Keep-firing asks for an unbroken clear: a gap in what is known starts it again."""
    policy = replace(POLICY, keep_firing=100.0)
    case = opened(policy)
    held = lifecycle.clear(case, policy, NOW + 200).case
    gap = lifecycle.unknown(held, NOW + 290).case
    assert lifecycle.clear(gap, policy, NOW + 310).reason is Reason.KEEP_FIRING
    assert lifecycle.clear(lifecycle.clear(gap, policy, NOW + 310).case, policy, NOW + 410).tell is Transition.RESOLVED


@pytest.mark.parametrize(
    ("muting", "reason"),
    [
        ({"inhibited_by": "bitcoind_down source:core"}, Reason.INHIBITED),
        ({"silenced_by": "ann: upgrade"}, Reason.SILENCED),
        ({"grace": True}, Reason.GRACE),
    ],
)
def test_muted_opens_untold_and_is_released(muting: dict[str, Any], reason: Reason) -> None:
    """Whatever mutes a case, it opens all the same; when the muting ends and it still stands, it is told."""
    pending = see(None, 0).case
    decision = see(pending, 60, **muting)
    assert (decision.reason, decision.tell) == (reason, None)
    assert decision.case is not None
    assert decision.case.state is CaseState.OPEN
    released = see(decision.case, 120)
    assert (released.reason, released.tell) == (Reason.RELEASED, Transition.OPENED)
    assert lifecycle.clear(decision.case, POLICY, NOW + 120).reason is Reason.CLEAR_UNTOLD


def test_announced_maintenance_keeps_it_pending() -> None:
    """What is found while work is announced opens only if it outlasts the window, and then at once and aloud."""
    waiting = see(see(None, 0).case, 3_600, maintenance="ann: upgrade", inhibited_by="bitcoind_down source:core")
    assert (waiting.reason, waiting.tell) == (Reason.MAINTENANCE, None)
    assert waiting.case is not None
    assert waiting.case.state is CaseState.PENDING
    assert lifecycle.clear(waiting.case, POLICY, NOW + 3_601) == Decision(None, Reason.VANISHED)
    after = see(waiting.case, 3_601)
    assert (after.reason, after.tell) == (Reason.LASTED, Transition.OPENED)
    assert after.case is not None
    assert after.case.opened_at == NOW + 3_601


def test_maintenance_keeps_quiet_what_was_open_before() -> None:
    """A case of before stays open through it, and what gets worse of it is told afterwards."""
    policy = replace(POLICY, severity=Severity.WARNING)
    worse = see(opened(policy), 100, policy, severity=Severity.CRITICAL, maintenance="ann: upgrade")
    assert (worse.reason, worse.tell) == (Reason.MAINTENANCE, None)
    assert worse.case is not None
    assert worse.case.state is CaseState.OPEN
    assert see(worse.case, 200, policy, severity=Severity.CRITICAL).tell is Transition.ESCALATED


def test_muting_never_swallows_a_resolve() -> None:
    """A case that was told and is inhibited afterwards still resolves aloud."""
    inhibited = see(opened(), 90, inhibited_by="bitcoind_down source:core").case
    assert lifecycle.clear(inhibited, POLICY, NOW + 120).tell is Transition.RESOLVED


def test_never_muted() -> None:
    """What is never muted is told through everything."""
    policy = replace(POLICY, after=0.0, never_muted=True)
    decision = see(None, 0, policy, inhibited_by="x", silenced_by="y", maintenance="z", grace=True)
    assert decision.tell is Transition.OPENED


def test_severity_rises_and_falls() -> None:
    """A rise is told as an escalation and reopens what was acknowledged; a fall is told too."""
    policy = replace(POLICY, severity=Severity.WARNING)
    case = lifecycle.acknowledge(opened(policy), "ann", "").case
    assert case is not None
    worse = see(case, 100, policy, severity=Severity.CRITICAL)
    assert worse.tell is Transition.ESCALATED
    assert worse.case is not None
    assert worse.case.state is CaseState.OPEN
    assert see(worse.case, 130, policy).tell is Transition.EASED


@pytest.mark.parametrize("tells", [True, False])
def test_changes_are_told_where_the_rule_wants_it(tells: bool) -> None:
    """What is known better of a living case is told once, to whom it was told; a rise of severity says it too."""
    policy = replace(POLICY, severity=Severity.WARNING, tells_changes=tells)
    case = lifecycle.acknowledge(opened(policy), "ann", "").case
    better = see(case, 100, policy, evidence="another")
    assert (better.tell, better.reason) == (
        (Transition.CHANGED, Reason.NEW_EVIDENCE) if tells else (None, Reason.STILL_FOUND)
    )
    assert better.case is not None
    assert better.case.state is CaseState.ACKNOWLEDGED
    assert see(better.case, 130, policy, evidence="another").tell is None
    assert see(case, 100, policy, evidence="another", severity=Severity.CRITICAL).tell is Transition.ESCALATED
    assert see(case, 100, policy, evidence="another", silenced_by="ann: sleep").tell is None


def test_snooze_ends() -> None:
    """A snoozed case is quiet until its end, then told again if it still stands, whether seen or not."""
    asleep = lifecycle.snooze(opened(), "ann", "later", NOW + 500, NOW + 100).case
    assert see(asleep, 499).tell is None
    assert see(asleep, 500).tell is Transition.AWOKE
    assert lifecycle.unknown(asleep, NOW + 500).tell is Transition.AWOKE


def test_snooze_of_the_never_muted_ends_with_a_rise() -> None:
    """When one of the never muted gets worse, its snooze is over."""
    policy = Policy(Severity.WARNING, Owner.ONCALL, 0.0, 0.0, never_muted=True)
    asleep = lifecycle.snooze(opened(policy), "ann", "later", NOW + 5_000, NOW + 100).case
    assert see(asleep, 200, policy, severity=Severity.CRITICAL).tell is Transition.ESCALATED


def test_closed_holds_while_unchanged() -> None:
    """A person's word holds while the evidence is the same, and not a moment longer."""
    shut = lifecycle.close(opened(), "ann", "known", NOW + 100).case
    assert see(shut, 200).reason is Reason.HELD_CLOSED
    anew = see(shut, 200, evidence="another")
    assert anew.case is not None
    assert (anew.case.state, anew.case.number) == (CaseState.PENDING, 2)
    gone = lifecycle.clear(shut, POLICY, NOW + 300).case
    assert see(gone, 400).reason is Reason.PENDING


def test_flapping_goes_on_as_the_same_case() -> None:
    """What comes back within the flap window is the same opening, is held longer each time, and says so."""
    resolved = lifecycle.clear(opened(), POLICY, NOW + 100).case
    back = see(see(resolved, 200).case, 260)
    assert back.tell is Transition.REOPENED
    assert back.case is not None
    assert back.case.number == 1
    assert lifecycle.clear(back.case, POLICY, NOW + 300).reason is Reason.KEEP_FIRING


def test_after_the_flap_window_it_is_a_new_case() -> None:
    """What comes back later is a new opening with a number of its own."""
    resolved = lifecycle.clear(opened(), POLICY, NOW + 100).case
    anew = see(resolved, 100 + lifecycle.FLAP_WINDOW + 1).case
    assert anew is not None
    assert anew.number == 2


@pytest.mark.parametrize("word", ["acknowledge", "snooze", "close"])
def test_words_need_a_case_that_lives(word: str) -> None:
    """A resolved case can't be acknowledged, snoozed or closed."""
    resolved = lifecycle.clear(opened(), POLICY, NOW + 100).case
    assert resolved is not None
    with pytest.raises(ValueError, match="resolved"):
        {
            "acknowledge": lambda: lifecycle.acknowledge(resolved, "ann", ""),
            "snooze": lambda: lifecycle.snooze(resolved, "ann", "", NOW + 1e9, NOW),
            "close": lambda: lifecycle.close(resolved, "ann", "why", NOW),
        }[word]()


class Life(RuleBasedStateMachine):
    """Random sights, gaps, mutings, words and restarts; the service's side is kept by its own small oracle."""

    @initialize(after=st.sampled_from([0.0, 60.0]), keep=st.sampled_from([0.0, 120.0]), never=st.booleans())
    def begin(self, after: float, keep: float, *, never: bool) -> None:
        self.policy = Policy(Severity.WARNING, Owner.ONCALL, after, keep, never_muted=never)
        self.now = NOW
        self.case: Case | None = None
        self.told_open: set[int] = set()  # what a pager shows as open, by opening
        self.messages: list[tuple[int, Transition]] = []
        self.fresh_clear_since: float | None = None

    def take(self, decision: Decision) -> None:
        before, self.case = self.case, decision.case
        if decision.tell is None:
            return
        case = decision.case
        assert case is not None
        assert before is None or case.transition == (before.transition if before.number == case.number else 0) + 1
        self.messages.append((case.number, decision.tell))
        if decision.tell in (Transition.OPENED, Transition.REOPENED):
            assert case.number not in self.told_open, "one opening was told twice"
            self.told_open.add(case.number)
        elif decision.tell in (Transition.RESOLVED, Transition.CLOSED):
            assert case.number in self.told_open, "an end was told of what nobody had heard of"
            self.told_open.discard(case.number)

    @rule(seconds=st.sampled_from([1.0, 30.0, 61.0, 300.0, 1_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(
        severity=st.sampled_from([None, Severity.CRITICAL]),
        evidence=st.sampled_from(["a", "b"]),
        inhibited=st.booleans(),
        silenced=st.booleans(),
        grace=st.booleans(),
    )
    def is_found(
        self, severity: Severity | None, evidence: str, *, inhibited: bool, silenced: bool, grace: bool
    ) -> None:
        self.fresh_clear_since = None
        around = Circumstances(self.now, "parent" * inhibited, "ann" * silenced, "", grace)
        decision = lifecycle.found(self.case, sighting(severity, evidence), self.policy, around)
        if self.policy.never_muted and decision.case is not None and decision.case.state is CaseState.OPEN:
            assert decision.case.told, "one of the never muted was muted"
        if not self.policy.never_muted and (inhibited or silenced or grace):
            assert decision.tell in (None, Transition.AWOKE), "a muted case was told"
        self.take(decision)

    @rule()
    def is_clear(self) -> None:
        if self.fresh_clear_since is None:
            self.fresh_clear_since = self.now
        self.take(lifecycle.clear(self.case, self.policy, self.now))

    @rule()
    def is_unknown(self) -> None:
        self.fresh_clear_since = None
        open_before = set(self.told_open)
        self.take(lifecycle.unknown(self.case, self.now))
        assert self.told_open == open_before, "something resolved while nothing could be told"

    @precondition(lambda self: self.case is not None and self.case.state in LIVING)
    @rule(word=st.sampled_from(["acknowledge", "snooze", "close"]))
    def a_person_speaks(self, word: str) -> None:
        assert self.case is not None
        if word == "acknowledge":
            self.take(lifecycle.acknowledge(self.case, "ann", ""))
        elif word == "snooze":
            self.take(lifecycle.snooze(self.case, "ann", "", self.now + 200, self.now))
        else:
            self.take(lifecycle.close(self.case, "ann", "done", self.now))

    @rule()
    def long_clear_resolves(self) -> None:
        """After an unbroken clear longer than any hold, no pager shows anything."""
        self.is_clear()
        self.now += max(lifecycle.FLAP_WINDOW, self.policy.keep_firing) + 1
        self.is_clear()
        assert not self.told_open, "what fired did not resolve though it is fresh and clear"

    @invariant()
    def one_pager_entry_at_most(self) -> None:
        """A pager never shows two openings of one case at once."""
        if hasattr(self, "told_open"):
            assert len(self.told_open) <= 1


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

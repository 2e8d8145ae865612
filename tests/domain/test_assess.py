"""From what rules say, and what stands, to what is decided: who is inhibited, silenced, withdrawn."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lnwatch.domain.assess import Decided, Setting, decide
from lnwatch.domain.judge import Judgement
from lnwatch.domain.lifecycle import usual_policy
from lnwatch.model.case import Case, CaseState, Fingerprint, Reason, Transition
from lnwatch.model.rule import Answer, Finding, Owner, Rule, Scope, Severity
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.view import TargetView, View
from tests.assessments import NOW


@dataclass(frozen=True, slots=True)
class Thresholds:
    """None."""


def nothing(_view: View, _target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
    return ()


def rule(identity: str, **more: Any) -> Rule[Thresholds]:  # noqa: ANN401 - fields of Rule
    usual = Rule(identity, Scope.SOURCE, Severity.CRITICAL, Owner.ONCALL, Thresholds, nothing)
    return replace(usual, **more)


DOWN = rule("bitcoind_down")
CHILD = rule("lightning_down", scope=Scope.NODE, parents=("bitcoind_down",))
LOUD = replace(CHILD, id="htlc_near_expiry", never_muted=True)


def judged(of: Rule[Any], *subjects: str, scope: str = "ln1", unknown: str = "") -> Judgement:
    found = {subject: Finding(subject, f"{subject} is wrong.") for subject in subjects}
    return Judgement(of, scope, found, {"": unknown} if unknown else {})


def decided(
    *judgements: Judgement,
    cases: Iterable[Case] = (),
    now: float = NOW,
    **more: Any,  # noqa: ANN401 - of Setting
) -> dict[str, Decided]:
    policies = {each.rule.id: usual_policy(each.rule) for each in judgements}
    setting = Setting("main", now, policies, **more)
    standing = {case.fingerprint: case for case in cases}
    return {
        f"{each.fingerprint.rule} {each.fingerprint.subject}": each for each in decide(judgements, standing, setting)
    }


def kept(each: Decided) -> Case:
    assert each.decision.case is not None
    return each.decision.case


def opened(of: Rule[Any], subject: str, scope: str = "ln1") -> Case:
    (each,) = decided(judged(of, subject, scope=scope)).values()
    return kept(each)


def test_found_opens_and_clear_resolves() -> None:
    """What is found opens; what stands and is not found by a rule that can tell resolves."""
    first = decided(judged(DOWN, "source:core", scope="core"))["bitcoind_down source:core"]
    assert first.decision.tell is Transition.OPENED
    again = decided(judged(DOWN, scope="core"), cases=[kept(first)])["bitcoind_down source:core"]
    assert again.decision.tell is Transition.RESOLVED


def test_unknown_holds() -> None:
    """A rule that can't tell resolves nothing."""
    case = opened(DOWN, "source:core", "core")
    (each,) = decided(judged(DOWN, scope="core", unknown="it is away"), cases=[case]).values()
    assert (each.decision.reason, each.decision.tell) == (Reason.HELD_UNKNOWN, None)


def test_a_parent_keeps_its_children_quiet_whatever_the_order() -> None:
    """Parents are decided first; a child opens untold and says who keeps it quiet. What is never muted is told."""
    found = decided(judged(LOUD, "htlc:a"), judged(CHILD, "node:ln1"), judged(DOWN, "source:core", scope="core"))
    assert found["bitcoind_down source:core"].decision.tell is Transition.OPENED
    child = found["lightning_down node:ln1"]
    assert (child.decision.reason, child.decision.tell) == (Reason.INHIBITED, None)
    assert child.muted_by == "bitcoind_down source:core"
    loud = found["htlc_near_expiry htlc:a"]
    assert (loud.decision.tell, loud.muted_by, loud.root) == (Transition.OPENED, "", "bitcoind_down source:core")


def test_a_pending_parent_inhibits_already() -> None:
    """Else the child, which lasts for less, would be told before its root."""
    slow = replace(DOWN, after=60.0)
    found = decided(judged(slow, "source:core", scope="core"), judged(CHILD, "node:ln1"))
    assert kept(found["bitcoind_down source:core"]).state is CaseState.PENDING
    assert found["lightning_down node:ln1"].decision.tell is None


def test_a_child_is_told_when_its_parent_is_gone() -> None:
    """It was open all the time; it resolves like any other."""
    parent, child = opened(DOWN, "source:core", "core"), None
    (child_untold,) = [
        each
        for name, each in decided(
            judged(CHILD, "node:ln1"), judged(DOWN, "source:core", scope="core"), cases=[parent]
        ).items()
        if name.startswith("lightning_down")
    ]
    child = kept(child_untold)
    found = decided(judged(CHILD, "node:ln1"), judged(DOWN, scope="core"), cases=[parent, child])
    assert found["lightning_down node:ln1"].decision.reason is Reason.RELEASED
    assert found["lightning_down node:ln1"].decision.tell is Transition.OPENED


def test_a_child_gets_time_to_recover_from_its_parent() -> None:
    """What its parent did to it is told when it lasts, after the parent's end, for as long as the rule asks."""
    slow = replace(CHILD, after=60.0)
    gone = replace(opened(DOWN, "source:core", "core"), state=CaseState.RESOLVED, ended_at=NOW)
    child = replace(opened(CHILD, "node:ln1"), told=False, found_at=NOW - 300)
    for now, reason in ((NOW + 59, Reason.INHIBITED), (NOW + 60, Reason.RELEASED)):
        found = decided(judged(slow, "node:ln1"), judged(DOWN, scope="core"), cases=[gone, child], now=now)
        assert found["lightning_down node:ln1"].decision.reason is reason


def test_a_parent_of_the_same_range_speaks_for_its_own_source() -> None:
    """Of two nodes the one that is down keeps its own rules quiet, and not the other's."""
    parent = rule("lightning_down", scope=Scope.NODE)
    child = rule("channel_inactive", scope=Scope.NODE, parents=("lightning_down",))
    found = decided(
        judged(parent, "node:ln1", scope="ln1"),
        judged(child, "channel:a", scope="ln1"),
        judged(parent, scope="ln2"),
        judged(child, "channel:b", scope="ln2"),
    )
    assert found["channel_inactive channel:a"].decision.reason is Reason.INHIBITED
    assert found["channel_inactive channel:b"].decision.tell is Transition.OPENED


def test_a_parent_of_another_kind_of_source_speaks_for_its_site() -> None:
    """A bitcoind that is down keeps the rules of what stands on it quiet, though both are run for each source."""
    parent = rule("bitcoind_down", kinds=("bitcoind",))
    child = rule("nbxplorer_down", kinds=("nbxplorer",), parents=("bitcoind_down",))
    general = rule("source_slow", parents=("bitcoind_down",))
    found = decided(
        judged(parent, "source:core", scope="core"),
        judged(child, "source:nbx", scope="nbx"),
        judged(general, "source:ln1", scope="ln1"),
    )
    assert found["nbxplorer_down source:nbx"].decision.reason is Reason.INHIBITED
    assert found["source_slow source:ln1"].decision.tell is Transition.OPENED


def silence(kind: SilenceKind = SilenceKind.SILENCE, **more: Any) -> Silence:  # noqa: ANN401 - fields of Silence
    return Silence("s1", kind, "ann", "upgrade", NOW - 10, NOW + 10, **more)


@pytest.mark.parametrize(
    ("quiet", "reason"),
    [
        (silence(), Reason.SILENCED),
        (silence(SilenceKind.MAINTENANCE), Reason.MAINTENANCE),
        (silence(rule="lightning_*", subject="node:*", site="main", owner="oncall", severity="crit*"), Reason.SILENCED),
        (silence(site="other"), Reason.LASTED),
        (silence(owner="treasury"), Reason.LASTED),
        (silence(severity="warning"), Reason.LASTED),
        (replace(silence(), ends_at=NOW), Reason.LASTED),
        (replace(silence(), starts_at=NOW + 1), Reason.LASTED),
    ],
)
def test_silences(quiet: Silence, reason: Reason) -> None:
    """A silence speaks for what all its globs match, from its start until just before its end."""
    (each,) = decided(judged(CHILD, "node:ln1"), silences=(quiet,)).values()
    assert each.decision.reason is reason
    assert each.muted_by == ("" if reason is Reason.LASTED else "ann: upgrade")


def test_grace_is_for_everything_but_what_is_never_muted() -> None:
    """While all restarts together, cases open untold, but for the one that says so."""
    restart = rule("restart_overrun", scope=Scope.SITE)
    found = decided(
        judged(CHILD, "node:ln1"), judged(LOUD, "htlc:a"), judged(restart, "site:main", scope=""), grace=True
    )
    assert found["restart_overrun site:main"].decision.tell is Transition.OPENED
    assert found["lightning_down node:ln1"].decision.reason is Reason.GRACE
    assert found["htlc_near_expiry htlc:a"].decision.tell is Transition.OPENED


def test_what_is_not_judged_any_more_ends() -> None:
    """A source that left the configuration takes its cases with it, aloud, by lnwatch's own word."""
    case = opened(CHILD, "node:ln2", "ln2")
    (each,) = decided(judged(CHILD, scope="ln1"), cases=[case]).values()
    assert (each.decision.reason, each.decision.tell) == (Reason.NOT_CONFIGURED, Transition.CLOSED)
    ended = kept(each)
    assert (ended.state, ended.actor, ended.clear_since) == (CaseState.CLOSED, "lnwatch", NOW)


def test_other_sites_are_left_alone() -> None:
    """A site's judgement decides on no case of another."""
    case = replace(opened(CHILD, "node:ln1"), fingerprint=Fingerprint("other", "lightning_down", "node:ln1"))
    assert decided(judged(CHILD), cases=[case]) == {}


def test_a_subject_may_change_its_scope() -> None:
    """What was found by one source and is now found by another stays one case."""
    case = opened(CHILD, "channel:a", "ln1")
    found = decided(judged(CHILD, scope="ln1"), judged(CHILD, "channel:a", scope="ln2"), cases=[case])
    assert found["lightning_down channel:a"].decision.reason is Reason.STILL_FOUND
    assert kept(found["lightning_down channel:a"]).scope == "ln2"

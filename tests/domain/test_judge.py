"""What the rules say of a View, and what is remembered of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lnwatch.domain.judge import OWN_SITE, RECONSIDER_AFTER, Judge, Judgement, coverage
from lnwatch.domain.lifecycle import usual_policy
from lnwatch.model.rule import Answer, Finding, Need, Owner, Rule, Scope, Severity, Unknown
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import OwnHealth, TargetView, View
from tests.assessments import NOW
from tests.rules.views import failing, make_target, make_view

CORE, NODE = make_target("bitcoind"), make_target("lnd")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """None."""


@dataclass
class Asked:
    """A rule that notes each time that it is asked."""

    says: Callable[[View, TargetView | None], Iterable[Answer]] = lambda _view, _target: ()
    times: list[str] = field(default_factory=list)

    def judge(self, view: View, target: TargetView | None, _thresholds: Thresholds) -> Iterable[Answer]:
        self.times.append(target.slug if target is not None else "")
        return self.says(view, target)


def rule(asked: Asked, scope: Scope = Scope.SOURCE, **more: Any) -> Rule[Thresholds]:  # noqa: ANN401 - fields of Rule
    usual = Rule("asked", scope, Severity.WARNING, Owner.OPERATORS, Thresholds, asked.judge, grant="configure it")
    return replace(usual, **more)


def told(judge: Judge, view: View) -> list[Judgement]:
    return judge.judge(view, {"asked": Thresholds()})


@pytest.mark.parametrize(
    ("scope", "kinds", "expected"),
    [
        (Scope.SITE, (), [""]),
        (Scope.SOURCE, (), ["core", "ln1"]),
        (Scope.SOURCE, ("bitcoind",), ["core"]),
        (Scope.NODE, (), ["ln1"]),
        (Scope.NODE, ("cln",), []),
        (Scope.DAEMON, (), []),
    ],
)
def test_who_is_asked_about_what(scope: Scope, kinds: tuple[str, ...], expected: list[str]) -> None:
    """Once for the site, once per source or Lightning node of its kinds; the daemon's own rules not at all."""
    asked = Asked()
    told(Judge([rule(asked, scope, kinds=kinds)]), make_view(CORE, NODE))
    assert asked.times == expected


def test_own_site_has_the_daemons_rules_alone() -> None:
    """The reserved site has no sources, and no rule of the others is run for it."""
    own, other = Asked(), Asked()
    view = make_view(site=OWN_SITE, own=OwnHealth())
    Judge([rule(own, Scope.DAEMON), rule(other, Scope.SITE, id="other")]).judge(
        view, {"asked": Thresholds(), "other": Thresholds()}
    )
    assert (own.times, other.times) == ([""], [])


def test_asked_again_only_when_something_changed() -> None:
    """The same inputs, the same answer: a rule is not run for them; a source's change runs that source's rules."""
    asked = Asked()
    judge, view = Judge([rule(asked)]), make_view(CORE, NODE)
    first = told(judge, view)
    again = told(judge, replace(view, at=NOW + 5))
    assert [id(each) for each in again] == [id(each) for each in first]
    assert asked.times == ["core", "ln1"]
    told(judge, replace(view, at=NOW + 6, targets={**view.targets, "ln1": replace(NODE, version="0.99")}))
    assert asked.times == ["core", "ln1", "ln1"]


def test_a_view_made_anew_is_no_change() -> None:
    """The engine makes a View for each cycle: one of a site without stores holds the very same nothing."""
    first, second = (View("main", NOW, None, {}, {}, {}) for _ in range(2))
    assert first.shops is second.shops
    assert first.demand is second.demand


def test_a_site_rule_reads_every_source() -> None:
    """Whatever source changed, a rule over the whole site is asked again."""
    asked = Asked()
    judge, view = Judge([rule(asked, Scope.SITE)]), make_view(CORE, NODE)
    told(judge, view)
    told(judge, replace(view, targets={**view.targets, "core": replace(CORE, detail="busy")}))
    assert asked.times == ["", ""]


def test_time_alone_may_change_an_answer() -> None:
    """After a minute everything is asked again; so it is when a clock went back."""
    asked = Asked()
    judge, view = Judge([rule(asked, kinds=("lnd",))]), make_view(CORE, NODE)
    for at in (NOW, NOW + RECONSIDER_AFTER - 1, NOW + RECONSIDER_AFTER, NOW - 10):
        told(judge, replace(view, at=at, targets={"ln1": make_target("lnd", at=at)} if at < NOW else view.targets))
    assert asked.times == ["ln1"] * 3


def test_what_grows_stale_is_asked_about_again() -> None:
    """When a snapshot passes three intervals nothing new came in, and yet the answer is another."""
    asked = Asked()
    judge, view = Judge([rule(asked, kinds=("lnd",))]), make_view(CORE, NODE)
    interval = max(each.interval for each in NODE.collectors.values())
    told(judge, view)
    told(judge, replace(view, at=NOW + min(3 * interval + 1, RECONSIDER_AFTER - 1)))
    assert len(asked.times) == 2


def test_a_missing_need_is_unknown() -> None:
    """Without a fresh snapshot of what it needs a rule is not asked, and tells nothing of any subject."""
    asked = Asked()
    (judgement,) = told(Judge([rule(asked, kinds=("lnd",), needs=(Need("dreams"),))]), make_view(NODE))
    assert asked.times == []
    assert judgement.unknown == {"": "dreams of ln1 was not read lately"}
    assert not judgement.tells("node:ln1")


def test_a_broken_rule_hides_no_other() -> None:
    """Its error is kept, nothing is told of its subjects, and the next rule speaks."""
    broken = Asked(lambda _view, _target: 1 / 0)  # type: ignore[arg-type,return-value] # it never returns
    sound = Asked(lambda _view, _target: [Finding("node:ln1", "It is.")])
    rules = [rule(broken, kinds=("lnd",)), rule(sound, kinds=("lnd",), id="sound")]
    first, second = Judge(rules).judge(make_view(NODE), {"asked": Thresholds(), "sound": Thresholds()})
    assert first.broken == "ZeroDivisionError: division by zero"
    assert not first.tells("node:ln1")
    assert list(second.found) == ["node:ln1"]


def test_one_unknown_subject_leaves_the_others() -> None:
    """A rule that can't tell of one subject tells of the rest."""
    asked = Asked(lambda _view, _target: [Unknown("its peer is away", "channel:a:0")])
    (judgement,) = told(Judge([rule(asked, kinds=("lnd",))]), make_view(NODE))
    assert not judgement.tells("channel:a:0")
    assert judgement.tells("channel:b:0")


@pytest.mark.parametrize(
    ("says", "covered", "why"),
    [
        ([], True, ""),
        ([Finding("node:ln1", "It is.")], True, ""),
        ([Finding("node:ln1", "It is."), Unknown("no view", "node:ln2")], True, ""),
        ([Unknown("nothing is fresh")], False, "nothing is fresh"),
        ([Unknown("no view", "node:ln1")], False, "no view"),
    ],
)
def test_coverage(says: list[Answer], covered: bool, why: str) -> None:
    """A rule covers a scope where something wrong would be found; else it is said why, and what to grant."""
    asked = Asked(lambda _view, _target: says)
    rules, view = [rule(asked, kinds=("lnd",))], make_view(NODE)
    policies = {each.id: usual_policy(each) for each in rules}
    (found,) = coverage(rules, view, told(Judge(rules), view), policies)
    assert (found.scope, found.covered, found.why) == ("ln1", covered, why)
    assert found.grant == ""


def test_what_to_grant_is_told_where_a_serving_source_lacks_something() -> None:
    """A need that is missing though its source serves takes somebody's hand; of a source that is down it does not."""
    rules = [rule(Asked(), kinds=("lnd",), needs=(Need("dreams"),))]
    policies = {each.id: usual_policy(each) for each in rules}
    for target, grant in ((NODE, "configure it"), (failing(NODE, TargetState.DOWN, since=NOW), "")):
        view = make_view(target)
        (found,) = coverage(rules, view, told(Judge(rules), view), policies)
        assert (found.covered, found.grant) == (False, grant)


def test_a_rule_without_any_scope_is_a_gap() -> None:
    """What a site has no source for is shown, with what to configure; the daemon's own rules are not its business."""
    rules = [rule(Asked(), kinds=("cln",)), rule(Asked(), Scope.DAEMON, id="own")]
    view = make_view(NODE)
    (gap,) = coverage(rules, view, [], {each.id: usual_policy(each) for each in rules})
    assert (gap.rule, gap.covered, gap.why) == ("asked", False, "site main has no source of kind cln")
    assert gap.grant == "configure it"

from datetime import UTC, datetime
from typing import Any

import pytest
from prometheus_client.samples import Sample

from lnwatch.simulator.scenario import Scenario
from lnwatch.simulator.scenario.verdict import Outcome, Seen, broken, judge

OPENS = {"rule": "btcpay_down", "subject": "source:pay", "hurt_from": "60s", "hurt_until": "600s", "within": "120s"}


COVERED = Sample("lnwatch_rule_covered", {"rule": "shop_webhooks_failing"}, 1)


def truth(**more: object) -> Scenario:
    base: dict[str, Any] = {"about": "x", "seed": "one", "begin": datetime(2026, 3, 3, tzinfo=UTC), "lasts": "20m"}
    return Scenario.model_validate({**base, "stores": {"books": 60}, "opens": [OPENS], **more})


def outcome(**more: object) -> Outcome:
    usual: dict[str, Any] = {"told": {"slack": 1}, "built": frozenset({"btcpay_down"})}
    usual.update(more)
    return Outcome(**usual)


def seen(rule: str = "btcpay_down", opened: float = 130, **more: object) -> Seen:
    usual: dict[str, Any] = {
        "subject": "source:pay",
        "severity": "critical",
        "ended": 640,
        "told": frozenset({"slack"}),
    }
    usual.update(more)
    return Seen(rule=rule, opened=opened, **usual)


@pytest.mark.parametrize(
    ("what", "well", "opened"),
    [
        ([seen()], True, 70),
        ([], False, None),
        ([seen(opened=59)], False, None),
        ([seen(opened=400)], False, 340),
        ([seen(opened=700)], False, None),
        ([seen(subject="source:other")], False, None),
        ([seen(told=frozenset())], False, 70),
        ([seen(opened=200), seen(opened=130)], True, 70),
    ],
)
def test_caught_in_time_and_told(what: list[Seen], well: bool, opened: float | None) -> None:
    """The first case of that rule and subject while it hurts counts, by its deadline, where who had to hear heard."""
    verdict = judge(truth(), what, outcome())
    assert (verdict.caught[0].well, verdict.caught[0].opened) == (well, opened)


def test_after_how_long_it_was_over() -> None:
    """From the end of the harm; None where it never was."""
    assert judge(truth(), [seen()], outcome()).caught[0].ended == 40
    assert judge(truth(), [seen(ended=None)], outcome()).caught[0].ended is None


@pytest.mark.parametrize(
    ("more", "other", "well"),
    [
        ({}, seen("nbxplorer_down"), False),
        ({}, seen("nbxplorer_down", severity="info"), True),
        ({"tolerated": ["nbxplorer_down"]}, seen("nbxplorer_down"), True),
        ({"tolerated": ["nbxplorer_down"], "untold": ["nbxplorer_down"]}, seen("nbxplorer_down"), False),
        (
            {"tolerated": ["nbxplorer_down"], "untold": ["nbxplorer_down"]},
            seen("nbxplorer_down", told=frozenset()),
            True,
        ),
        ({}, seen("paid_late", severity="warning", explained=True), True),
        ({}, seen("paid_late", severity="warning"), False),
        ({"tolerated": ["paid_late"]}, seen("paid_late", severity="warning"), True),
        ({"silent": ["paid_late"]}, seen("paid_late", severity="warning", explained=True), False),
        ({}, seen(opened=300), True),
        ({}, seen(opened=30), False),
        ({}, seen(opened=700), False),
        ({}, seen(subject="source:other"), False),
        ({"silent": ["nbxplorer_down"]}, seen("nbxplorer_down", severity="info"), False),
    ],
)
def test_what_should_not_be(more: dict[str, Any], other: Seen, well: bool) -> None:
    """False is what neither truth nor world explain, also at another time; of a silent rule even a word is too much."""
    assert judge(truth(**more), [seen(), other], outcome()).well is well


def test_nobody_is_called_where_nobody_may_be() -> None:
    """One page is too many, but for what customers bring about in any world."""
    quiet = truth(opens=[], pages=False, tolerated=["btcpay_down"])
    pager = frozenset({"pagerduty"})
    assert judge(quiet, [seen()], outcome()).well
    assert not judge(quiet, [seen(told=pager)], outcome(told={"pagerduty": 1})).well
    assert judge(quiet, [seen("invoice_regressed", told=pager, explained=True)], outcome()).well


def test_a_rule_that_is_to_come_fails_nothing() -> None:
    """It is called so, and nothing is asked of it; the other rules of the same file are judged."""
    later = {**OPENS, "rule": "nothing_settles"}
    found = judge(truth(opens=[OPENS, later]), [seen()], outcome())
    assert (found.well, [each.built for each in found.caught]) == (True, [True, False])
    assert not judge(truth(opens=[OPENS, later]), [], outcome()).well
    assert not judge(truth(opens=[later]), [], outcome(built=frozenset({"nothing_settles"}))).well


def test_what_could_not_be_run_is_not_well() -> None:
    """And says why."""
    found = broken("the daemon ended")
    assert (found.well, found.document()["broken"]) == (False, "the daemon ended")


def test_what_cannot_fire_has_to_be_said() -> None:
    """A rule that is called covered and is not: silence would not mean health."""
    blind = truth(opens=[], uncovered=["shop_webhooks_failing"])
    said = [Sample("lnwatch_rule_covered", {"rule": "btcpay_down"}, 1)]
    assert judge(blind, [], outcome(samples=[*said, COVERED._replace(value=0)])).well
    told = judge(blind, [], outcome(samples=[*said, COVERED]))
    assert (told.well, told.covered) == (False, ("shop_webhooks_failing",))


@pytest.mark.parametrize(
    ("cases", "times", "well"),
    [([130], 1, True), ([130], 2, False), ([130, 300], 1, False), ([130], 0, True)],
)
def test_once_is_not_twice(cases: list[float], times: int, well: bool) -> None:
    """Neither a second case nor a second telling of the first."""
    once = truth(opens=[{**OPENS, "once": True}])
    assert judge(once, [seen(opened=each) for each in cases], outcome(times={"btcpay_down": times})).well is well


@pytest.mark.parametrize(
    ("values", "off"),
    [
        ([0.5], ()),
        ([0.75], ()),
        ([0.5, 0.4], ('uptime{source="pay"} is 0.4',)),
        ([0.8], ('uptime{source="pay"} is 0.8',)),
        ([], ('uptime{source="pay"} is not there',)),
    ],
)
def test_figures_have_to_be_shown(values: list[float], off: tuple[str, ...]) -> None:
    """Each that has the labels, whatever others it has, within both limits; one that is not there is wrong too."""
    figure = {"metric": "uptime", "labels": {"source": "pay"}, "least": 0.5, "most": 0.75}
    samples = [Sample("uptime", {"source": "pay", "window": str(n)}, value) for n, value in enumerate(values)]
    others = [Sample("uptime", {"source": "node"}, 0.1), Sample("downtime", {"source": "pay"}, 0.1)]
    found = judge(truth(opens=[], shows=[figure]), [], outcome(samples=[*samples, *others]))
    assert (found.off, found.well) == (off, not off)

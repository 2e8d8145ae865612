"""The limits that boards draw: thresholds in force, and what is usual for a source."""

from dataclasses import dataclass, replace

import pytest
from prometheus_client import CollectorRegistry

from lnwatch.exporter import OwnMetrics
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.rows import usual
from lnwatch.exporter.tally import Tallies
from lnwatch.model.view import Baseline
from tests.assessments import NOW, assessment, target, view


@dataclass(frozen=True, slots=True)
class Lag:
    """Thresholds of some rule."""

    blocks: int
    wait_seconds: float


def test_thresholds_are_those_in_force() -> None:
    """Each threshold is a series of its site and rule, under its own name."""
    registry = CollectorRegistry()
    OwnMetrics(registry).tell_thresholds({"main": {"behind": Lag(2, 1.5)}, "second": {"behind": Lag(3, 1.5)}})
    told = {
        (sample.labels["site"], sample.labels["rule"], sample.labels["threshold"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "lnwatch_rule_threshold"
    }
    assert told == {
        ("main", "behind", "blocks"): 2,
        ("main", "behind", "wait_seconds"): 1.5,
        ("second", "behind", "blocks"): 3,
        ("second", "behind", "wait_seconds"): 1.5,
    }


@pytest.mark.parametrize(
    ("series", "name"),
    [
        ("rpc_seconds", "lnwatch_target_usual_round_trip_seconds"),
        ("next_block_fee", "lnwatch_bitcoind_usual_fee_rate_satoshis_per_vbyte"),
        ("watchtower_pending", "lnwatch_watchtower_usual_pending_backups"),
    ],
)
def test_what_is_usual(series: str, name: str) -> None:
    """Each median is a series of its source, and absent where there is none yet."""
    with_one = replace(view(target("core", "bitcoind", {})), baselines={("core", series): Baseline(0.25, 30)})
    moment = Moment(assessment(with_one), NOW, Tallies())
    rows = {metric.name: list(metric.rows(moment)) for metric in usual.METRICS}
    assert rows.pop(name) == [(("main", "core"), 0.25)]
    assert not any(rows.values())

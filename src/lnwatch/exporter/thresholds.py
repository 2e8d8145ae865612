"""The limits that rules judge by, so that boards and alerts of others need not repeat them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Thresholds(Collector):
    """`thresholds` are dataclasses by site and rule; they stand from start to end of the process."""

    def __init__(self, thresholds: Mapping[str, Mapping[str, Any]]) -> None:
        self._family = GaugeMetricFamily(
            "lnwatch_rule_threshold",
            "A threshold of a rule as it is in force, in the unit that its name tells.",
            labels=("site", "rule", "threshold"),
        )
        for site, rules in thresholds.items():
            for rule, in_force in rules.items():
                for field in fields(in_force):
                    self._family.add_metric((site, rule, field.name), getattr(in_force, field.name))

    def collect(self) -> Iterator[Metric]:
        """One family."""
        yield self._family

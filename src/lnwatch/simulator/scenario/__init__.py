"""Scenarios: a world, what goes wrong in it and when, and the truth about it, in one small file each."""

from lnwatch.simulator.scenario.file import Scenario, shipped

__all__ = ["Scenario", "shipped"]

"""What holds for every test: real programs are found or named, and nobody's own configuration leaks in."""

import os
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.requirements import REQUIRED, require
from tests.scheduling import Scheduling, arranged

pytest_plugins = ("tests.postgres", "tests.real.testbed.fixtures", "tests.secrets")

# Machines are busy: how long an example takes says nothing. CI tries the same examples each time, so that a
# red run tells of the change and not of luck; elsewhere each run tries new ones.
settings.register_profile(
    "lnwatch", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lnwatch")

# A developer's own LNWATCH_ settings are not part of any test.
for _name in [name for name in os.environ if name.startswith("LNWATCH_")]:
    del os.environ[_name]


def pytest_configure(config: pytest.Config) -> None:
    """`bare` is a marker of the tests of the store alone."""
    config.addinivalue_line("markers", "bare: begins without a ledger, not with an empty one")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """`@pytest.mark.real("postgres")` names what a test needs; without a name it is the built stack."""
    for marker in item.iter_markers("real"):
        for name in marker.args or ("stack",):
            require(name)


def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: most tests wait for something, and three at a time keep two cores busy."""
    return max(3, os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:  # noqa: ANN401 - of a type that xdist keeps to itself
    """Who runs what."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several processes, in the order in which they should begin."""
    if hasattr(config, "workerinput"):
        items[:] = arranged(items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the real stack is required, a skipped real test is a failed one, whoever skipped it."""
    report = yield
    if REQUIRED and report.skipped and item.get_closest_marker("real") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped though the real stack is required: {report.longrepr}"
    return report

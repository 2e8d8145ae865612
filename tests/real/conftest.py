"""What holds for every test over the real bed: it is found whole, and a failure shows what its programs said."""

from collections.abc import Generator, Iterator

import pytest

from tests.audience import Audience
from tests.real.testbed.bed import Bed
from tests.real.testbed.process import witnesses


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a failure stand the last words of every program that runs, and where the rest is."""
    report = yield
    if report.failed:
        for process in witnesses():
            report.sections.append((f"{process.name}: {process.log}", process.tail()))
    return report


@pytest.fixture(autouse=True, scope="module")
def _whole(bed: Bed) -> None:
    """Each module finds the bed as the first one did."""
    bed.whole()


@pytest.fixture(scope="module")
def audience() -> Iterator[Audience]:
    """Who is told by the daemon of a module."""
    with Audience().running() as audience:
        yield audience

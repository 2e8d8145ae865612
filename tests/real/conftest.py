"""What holds for every test over the real bed: it is found whole, and a failure shows what its programs said."""

from collections.abc import Generator, Iterator

import pytest

from tests.audience import Audience
from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon
from tests.real.testbed.desk import at_the_desk
from tests.real.testbed.process import witnesses
from tests.real.testbed.shop import Shop


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


@pytest.fixture(scope="module")
def shop(bed: Bed) -> Iterator[Shop]:
    """A shop of BTCPay over the bed's nodes."""
    with Shop(bed).running() as shop:
        yield shop


@pytest.fixture(scope="module")
def desk(bed: Bed, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """The daemon that watches all of the shop."""
    with at_the_desk(bed, shop, tmp_path_factory.mktemp("shop")) as daemon:
        yield daemon

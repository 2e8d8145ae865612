"""Both sides of each system: the suite's tests run over the simulator, and where it is built over the real one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.adapters import nodes, reach
from tests.adapters.calls import Caller, calling
from tests.adapters.cores import Core, RealCore, doubled
from tests.adapters.nodes import Lightning
from tests.adapters.reach import Reach
from tests.real.testbed.bed import Bed
from tests.requirements import require

SIMULATOR, REAL = "simulator", "real"
SIDES = (SIMULATOR, pytest.param(REAL, marks=(pytest.mark.real, pytest.mark.timeout(300))))


@pytest.fixture(params=SIDES, scope="module")
def side(request: pytest.FixtureRequest) -> str:
    """Which of the two answers."""
    return str(request.param)


@pytest.fixture(scope="module")
def real_core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCore]:
    """A real bitcoind, which a module's tests share."""
    require("stack")
    core = RealCore(tmp_path_factory.mktemp("adapters"))
    yield core
    core.node.close()


@pytest.fixture
async def core(side: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Core]:
    """The bitcoind that answers."""
    if side == REAL:
        yield request.getfixturevalue("real_core")
    else:
        async with doubled(tmp_path) as core:
            yield core


@pytest.fixture(scope="module")
def whole_bed(bed: Bed) -> Bed:
    """The bed as its first module found it."""
    bed.whole()
    return bed


@pytest.fixture
async def lightning(side: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lightning]:
    """The LND that answers."""
    if side == REAL:
        yield nodes.RealLightning(request.getfixturevalue("whole_bed"), tmp_path)
    else:
        async with nodes.doubled(tmp_path) as node:
            yield node


@pytest.fixture
async def caller(lightning: Lightning) -> AsyncIterator[Caller]:
    """Calls it."""
    async with calling(lightning.door) as caller:
        yield caller


@pytest.fixture
async def reached(side: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reach]:
    """A merchant and a second node."""
    if side == REAL:
        yield reach.RealReach(request.getfixturevalue("whole_bed"))
    else:
        async with reach.doubled(tmp_path) as made:
            yield made


@pytest.fixture
async def second(reached: Reach) -> AsyncIterator[Caller]:
    """Calls the second node."""
    async with calling(reached.second) as caller:
        yield caller

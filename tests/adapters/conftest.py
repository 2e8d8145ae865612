"""Both sides of each system: the suite's tests run over the simulator, and where it is built over the real one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.adapters.cores import Core, RealCore, doubled
from tests.requirements import require

SIMULATOR, REAL = "simulator", "real"
SIDES = (SIMULATOR, pytest.param(REAL, marks=pytest.mark.real))


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

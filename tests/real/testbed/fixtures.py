"""The bed as a fixture, for every folder whose tests run over real nodes."""

import shutil
from collections.abc import Iterator

import pytest

from tests.real.testbed.bed import Bed
from tests.requirements import require


@pytest.fixture(scope="session")
def bed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    """The merchant's stack with its peer and a customer; its files stay where a test failed."""
    require("stack")
    bed = Bed(tmp_path_factory.mktemp("bed"))
    try:
        bed.start()
        yield bed
    finally:
        bed.close()
    if not request.session.testsfailed:
        shutil.rmtree(bed.folder)

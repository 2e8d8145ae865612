"""How tests are handed to several processes: what takes long begins first, so that nobody waits for it at the end."""

from pathlib import Path
from typing import Final

from xdist.scheduler import LoadFileScheduling

ROOT: Final = Path(__file__).parent.parent
# Each of their tests takes seconds, and makes all that it needs: one process need not run a whole file.
APART: Final = (
    "tests/system/",
    "tests/simulator/scenario/test_run.py",
    "tests/simulator/demo/test_demo.py",
    "tests/simulator/indoors/test_indoors.py",
    "tests/stories/",
    "tests/executor/test_registration_kill.py",
    "tests/test_shop_faults.py",
    "tests/test_orderbook.py",
)
# Their tests share what takes long to make: a bed of real nodes, a year of a shop, an image.
LONG: Final = (
    "tests/real/",
    "tests/adapters/",
    "tests/simulator/indoors/test_both_ways.py",
    "tests/deploy/test_image.py",
)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file stays with one process, but for those whose tests stand `APART`."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(APART) else super()._split_scope(nodeid)


def rank(nodeid: str) -> int:
    """When a test has its turn: those that share and those that take long before the many that are quick."""
    return 0 if nodeid.startswith(LONG) else 1 if nodeid.startswith(APART) else 2

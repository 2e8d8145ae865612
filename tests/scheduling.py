"""How tests are handed to several processes: what takes long begins first, so that nobody waits for it at the end."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pytest
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


def unit(nodeid: str) -> str:
    """What one process runs as a whole: a test that stands `APART`, or a file."""
    return nodeid if nodeid.startswith(APART) else nodeid.partition("::")[0]


def arranged(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """In which order they should begin: those that share, which mostly wait, evenly among those that take long and
    reckon; then the many that are quick."""
    units: dict[str, list[pytest.Item]] = {}
    for item in items:
        units.setdefault(unit(item.nodeid), []).append(item)
    shared = [name for name in units if name.startswith(LONG)]
    alone = [name for name in units if name.startswith(APART)]
    places = {name: place / len(names) for names in (shared, alone) for place, name in enumerate(names)}
    return [item for name in sorted(units, key=lambda name: places.get(name, 1.0)) for item in units[name]]


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """By units."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)

"""Free ports of 127.0.0.1, each given out once."""

import os
import random

from lnwatch.simulator.ports import hold

# Below the kernel's own range, so that no outgoing connection takes one in between. The processes that share the tests
# have a span each.
_SPAN = 1_500
_LOW = 20_000 + _SPAN * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8)
_HIGH = _LOW + _SPAN
_given: set[int] = set()


def _free(port: int) -> bool:
    try:
        return hold(port) == port
    except OSError:
        return False


def free_port(run: int = 1) -> int:
    """The first of `run` neighbouring ports that nobody listens on."""
    while True:
        first = random.randrange(_LOW, _HIGH)
        wanted = range(first, first + run)
        if _given.isdisjoint(wanted) and all(_free(port) for port in wanted):
            _given.update(wanted)
            return first

"""Free ports of 127.0.0.1, each given out once."""

import random
import socket

_LOW, _HIGH = 20_000, 32_000  # below the kernel's own range, so that no outgoing connection takes one in between
_given: set[int] = set()


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(run: int = 1) -> int:
    """The first of `run` neighbouring ports that nobody listens on."""
    while True:
        first = random.randrange(_LOW, _HIGH)
        wanted = range(first, first + run)
        if _given.isdisjoint(wanted) and all(_free(port) for port in wanted):
            _given.update(wanted)
            return first

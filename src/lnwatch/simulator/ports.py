"""Free ports of 127.0.0.1, each given out once on this machine."""

import socket
import sys
from typing import Final

_HELD: Final[list[socket.socket]] = []  # to the end of this process


def free_port() -> int:
    """A port that nobody listens on. On Linux nobody else is given it either, as long as we live."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    port: int = held.getsockname()[1]
    if sys.platform == "linux":  # who reuses addresses, as servers do, listens beside what is bound and does not listen
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _HELD.append(held)
    else:
        held.close()
    return port

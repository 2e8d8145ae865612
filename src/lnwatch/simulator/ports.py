"""Free ports of 127.0.0.1, each given out once on this machine."""

import atexit
import socket
import sys


def free_port() -> int:
    """A port that nobody listens on."""
    return hold(0)


def hold(wanted: int) -> int:
    """The port, or any for 0; on Linux nobody else gets it as long as we live. Raises OSError where it is taken."""
    held = socket.socket()
    try:
        held.bind(("127.0.0.1", wanted))
    except OSError:
        held.close()
        raise
    port: int = held.getsockname()[1]
    if sys.platform == "linux":  # who reuses addresses, as servers do, listens beside what is bound and does not listen
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        atexit.register(held.close)
    else:
        held.close()
    return port

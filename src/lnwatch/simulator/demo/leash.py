"""Runs a command for as long as somebody holds the other end of our standard input: not longer than who started it.

Killed without warning, a process ends none of its children; but its pipes close, on every system.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

_PATIENCE: Final = 10  # seconds for the command to end by itself


def leashed(command: Sequence[str]) -> Sequence[str]:
    """The command on a leash: SIGTERM ends both."""
    return (sys.executable, "-m", __name__, *command)


def main(command: Sequence[str]) -> int:
    """Run it; its status, or 128 and the signal that ended it."""
    running: list[subprocess.Popen[bytes]] = []
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()
        for each in running:
            each.terminate()

    signal.signal(signal.SIGTERM, end)  # before the child is there: it must not be left behind
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as child:  # noqa: S603 - it is what we are for
        running.append(child)
        if ended.is_set():
            child.terminate()
        threading.Thread(target=_hold, args=(child,), daemon=True).start()
        status = child.wait()
    return status if status >= 0 else 128 - status


def _hold(child: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_PATIENCE)
    child.kill()  # nothing where it has ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

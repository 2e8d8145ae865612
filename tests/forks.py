"""Processes of lnwatch's code that need not import it anew: each is forked from one that did, and did nothing else.

    forks = Forks("lnwatch.cli:main", "lnwatch")
    done = forks.run(["version"], cwd=Path("/somewhere"))

`python -m tests.forks MODULE:FUNCTION NAME SOCKET` is that one. What is forked has its own status, streams,
arguments, environment and folder, as if it had been started by itself.
"""

import atexit
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import BinaryIO

TIMEOUT = 60  # seconds for which one process may run
_LARGEST = 1 << 20  # bytes of a request


class Forks:
    """Runs `entry`, a function without arguments, as often as it is asked to; `name` is what argv begins with."""

    def __init__(self, entry: str, name: str) -> None:
        """Nothing is started yet."""
        self._words = (entry, name)
        self._parent: subprocess.Popen[bytes] | None = None
        self._socket = ""

    def run(
        self, arguments: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end, and no longer than TIMEOUT: then it is killed."""
        if self._parent is None:
            self._start()
        environment = {**os.environ, **(env or {})}
        request = json.dumps([[*arguments], environment, str(cwd or Path.cwd())]).encode()
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
        ):
            connection.connect(self._socket)
            socket.send_fds(connection, [request], [out.fileno(), err.fileno()])
            status = int(connection.recv(100))
            return subprocess.CompletedProcess([*arguments], status, _text(out), _text(err))

    def _start(self) -> None:
        self._socket = f"{tempfile.mkdtemp(prefix='lnwatch-forks-')}/socket"
        command = [sys.executable, "-m", "tests.forks", *self._words, self._socket]
        places = os.pathsep.join(path for path in sys.path if path)
        self._parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": places}
        )
        atexit.register(self._end)
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == b"ready\n"

    def _end(self) -> None:
        if self._parent is not None:
            self._parent.communicate()  # it ends with its standard input
            Path(self._socket).parent.rmdir()


COMMAND = Forks("lnwatch.cli:main", "lnwatch")


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def serve(place: Path) -> socket.socket | None:
    """Fork for each who asks at `place`, until standard input ends; in a fork, where it was asked from."""
    waiting: set[int] = set()  # those that wait for what they forked
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(place))
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if (child := os.fork()) == 0:
                return connection
            connection.close()
            waiting = {pid for pid in waiting | {child} if os.waitpid(pid, os.WNOHANG)[0] == 0}
    place.unlink()
    for pid in waiting:
        os.waitpid(pid, 0)
    return None


def become(connection: socket.socket, name: str) -> bool:
    """Fork what was asked for, and tell its status when it has ended: False for who does that."""
    request, streams, _, _ = socket.recv_fds(connection, _LARGEST, 2)
    arguments, environment, folder = json.loads(request)
    if child := os.fork():
        signal.signal(signal.SIGALRM, lambda *_: os.kill(child, signal.SIGKILL))
        signal.alarm(TIMEOUT)
        connection.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
        return False
    connection.close()
    for number, stream in enumerate([os.open(os.devnull, os.O_RDONLY), *streams]):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [name, *arguments]
    random.seed()
    return True


def main(entry: str, name: str, place: str) -> None:
    """Import what is to be run, serve, and run it in each fork."""
    module, _, function = entry.partition(":")
    run = getattr(import_module(module), function)
    gc.freeze()  # or the end of each fork would look through all that was imported
    connection = serve(Path(place))
    if connection is not None and become(connection, name):
        run()


if __name__ == "__main__":
    main(*sys.argv[1:])

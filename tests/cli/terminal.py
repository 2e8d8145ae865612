"""A person at a terminal: reads what is asked and types the answer."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 60.0  # seconds without a word: the command hangs


class Terminal:
    """One command with a terminal of its own; `seen` is all that stood on it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self.seen = ""
        self._ours = ours
        self._read_to = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lnwatch", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={**os.environ, "TERM": "dumb"},
            start_new_session=True,
        )
        os.close(theirs)

    def answer(self, talk: Sequence[tuple[str, str]]) -> int:
        """Type each answer once its question is there; returns the exit status."""
        try:
            for question, reply in talk:
                while question not in self.seen[self._read_to :]:
                    self._read(question)
                self._read_to = len(self.seen)
                os.write(self._ours, f"{reply}\n".encode())
            while self._process.poll() is None or select.select([self._ours], [], [], 0)[0]:
                if not self._read("the end"):
                    break
            return self._process.wait(_PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._ours)

    def _read(self, wanted: str) -> bool:
        if not select.select([self._ours], [], [], _PATIENCE)[0]:
            raise AssertionError(f"waited in vain for {wanted!r} after {self.seen!r}")
        try:
            told = os.read(self._ours, 4096)
        except OSError:  # the other side hung up
            told = b""
        self.seen += told.decode().replace("\r\n", "\n")
        if not told and wanted != "the end":
            raise AssertionError(f"it ended before {wanted!r}: {self.seen!r}")
        return bool(told)

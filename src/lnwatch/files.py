"""Files that are left behind: whole or not at all, and what is private for their owner alone."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lnwatch.errors import LnwatchError

_OPEN_TO_ALL = 0o644
_OWNER_ONLY = 0o600


def write_file(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, in place of what was there. Raises LnwatchError."""
    with replacing(path) as file:
        file.write(text)


def write_secret(path: Path, text: str) -> None:
    """The same, for the owner's eyes alone. Raises LnwatchError."""
    with replacing(path, owner_only=True) as file:
        file.write(text)


@contextmanager
def replacing(path: Path, *, owner_only: bool = False) -> Iterator[TextIO]:
    """A file to write to, which takes the place of `path` at the end, and only then. Raises LnwatchError."""
    # Not the process id: in a container that is the same after each restart, and so would be what a killed one left.
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    mode = _OWNER_ONLY if owner_only else _OPEN_TO_ALL
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise LnwatchError(f"can't write {path}: {error.strerror}") from error

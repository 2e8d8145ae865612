"""Secrets from the configuration or from files: read late, re-read when the file changes, never shown."""

import stat
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from lnwatch.errors import FailureReason, SourceError


@dataclass(slots=True)
class Credential:
    """A secret given as a value or as the path of a file; exactly one of the two is set.

    `read` returns the present content and follows rotations: the file is read again whenever its
    inode, size or change time differ. Raises SourceError(CREDENTIAL_UNREADABLE), which names the file.
    """

    value: SecretStr | None = None
    path: Path | None = None
    _seen: tuple[int, int, int] | None = field(default=None, repr=False)
    _content: bytes = field(default=b"", repr=False)

    def read(self) -> bytes:
        """The secret as bytes, as it stands now."""
        if self.path is None:
            return self.value.get_secret_value().encode() if self.value is not None else b""
        try:
            status = self.path.stat()
            mark = (status.st_ino, status.st_size, status.st_mtime_ns)
            if mark != self._seen:
                self._content = self.path.read_bytes()
                self._seen = mark
        except OSError as error:
            message = f"can't read {self.path}: {error.strerror}"
            raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, message) from error
        return self._content

    def text(self) -> str:
        """The secret as text, without the newline that editors leave at the end."""
        return self.read().decode(errors="replace").rstrip("\r\n")


def world_readable(path: Path) -> bool:
    """Whether everybody on the machine may read the file; False where it can't be looked at."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False

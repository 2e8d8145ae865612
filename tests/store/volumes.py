"""A small file system of its own, to fill up and to make read-only; only root can have one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class Volume:
    """A tmpfs. Its folder goes on existing, empty, when it is gone."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder = folder
        folder.mkdir()
        self._call("mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder)

    def remount(self, options: str) -> None:
        self._call("mount", "-o", f"remount,{options}", self.folder)

    def close(self) -> None:
        self._call("umount", "--lazy", self.folder)

    @staticmethod
    def _call(*command: str | Path) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=10)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    """Eight megabytes."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system to fill up")
    try:
        made = Volume(tmp_path / "volume", "8m")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no file system can be mounted here: {error.stderr.decode().strip()}")
    yield made
    made.close()

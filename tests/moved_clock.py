"""A clock that a test moves; `python -P moved_clock.py OFFSET_FILE --config FILE` runs a daemon under one."""

import asyncio
import os
import sys
from pathlib import Path

from lnwatch import log
from lnwatch.app import run
from lnwatch.clock import SystemClock
from lnwatch.config import load


class MovedClock(SystemClock):
    """The machine's own, put forward by as many seconds as `offset` says, a file. Only the time of day moves."""

    def __init__(self, offset: Path) -> None:
        self._offset = offset

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return super().now() + float(self._offset.read_text())


def move(offset: Path, seconds: float) -> None:
    """Let clocks that follow `offset` be so far ahead from now on."""
    fresh = offset.with_suffix(".fresh")
    fresh.write_text(f"{seconds}")
    fresh.replace(offset)


def main(offset: str, _option: str, config: str) -> None:
    """As `lnwatch run` does, but for the clock."""
    loaded = load(Path(config), os.environ)
    log.configure(loaded.log)
    asyncio.run(run(loaded, MovedClock(Path(offset))))


if __name__ == "__main__":
    main(*sys.argv[1:])

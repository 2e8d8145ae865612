"""Room on file systems, and how fast it goes."""

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lnwatch.model.host import DiskUsage

_WINDOW: Final = 3_600.0  # seconds that a rate looks back
_EVERY: Final = 300.0  # seconds between samples that are kept: few enough to be stored
_OLDEST: Final = 1.5 * _WINDOW  # after a longer absence a rate would not be one of the last hour


@dataclass(frozen=True, slots=True)
class FileSystem:
    """What `statvfs` says: bytes and inodes; `free` is what ordinary users may still take."""

    total: int
    used: int
    free: int
    inodes_total: int
    inodes_free: int


def look(path: str) -> FileSystem:
    """Ask for the file system that holds `path`. Blocks; raises OSError."""
    found = os.statvfs(path)
    return FileSystem(
        total=found.f_blocks * found.f_frsize,
        used=(found.f_blocks - found.f_bfree) * found.f_frsize,
        free=found.f_bavail * found.f_frsize,
        inodes_total=found.f_files,
        inodes_free=found.f_favail,
    )


@dataclass(slots=True)
class FillRates:
    """Samples of used bytes per path, as (when, bytes), oldest first; survives restarts as text."""

    samples: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None, paths: Collection[str]) -> "FillRates":
        """What `dump` wrote of these paths; text that is something else is forgotten."""
        try:
            stored: Any = json.loads(text or "{}")
            samples = {
                str(path): [(float(at), int(used)) for at, used in rows]
                for path, rows in stored.items()
                if path in paths
            }
        except (ValueError, TypeError, AttributeError):
            return cls()
        return cls(samples)

    def dump(self) -> str:
        """The samples as text."""
        return json.dumps(self.samples, separators=(",", ":"))

    def keep(self, seen: Mapping[str, FileSystem], now: float) -> bool:
        """Take samples where one is due, and drop old ones; whether there is something new to store."""
        changed = False
        for path, found in seen.items():
            rows = [(at, used) for at, used in self.samples.get(path, []) if now - _OLDEST <= at <= now]
            if not rows or now - rows[-1][0] >= _EVERY:
                rows.append((now, found.used))
                changed = True
            while len(rows) > 1 and now - rows[1][0] >= _WINDOW:
                del rows[0]
            self.samples[path] = rows
        return changed

    def rate(self, path: str, used: int, now: float) -> float | None:
        """Bytes per second by which `path` filled over the last hour, negative where it emptied."""
        rows = self.samples.get(path, [])
        if not rows or now - rows[0][0] < _WINDOW:
            return None
        at, before = rows[0]
        return (used - before) / (now - at)


def usage(path: str, found: FileSystem, fill_rate: float | None) -> DiskUsage:
    """The facts of one path."""
    return DiskUsage(path, found.total, found.free, found.inodes_total, found.inodes_free, fill_rate)

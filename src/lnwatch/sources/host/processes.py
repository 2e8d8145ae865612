"""Programs by name: since when they run, and how often they were started anew."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from lnwatch.model.host import ProcessStatus

_ATTRIBUTES: Final = ["pid", "name", "cmdline", "create_time", "status"]


@dataclass(frozen=True, slots=True)
class Running:
    """The oldest process of a name, by an `identity` that no other process and no other boot shares, and
    the identities of all of that name."""

    identity: str
    started_at: float
    all: frozenset[str] = frozenset()


def find(names: Sequence[str]) -> dict[str, Running]:
    """The running processes among `names`. Blocks for as long as the machine has processes to list."""
    found: dict[str, dict[str, float]] = {}
    boot = _boot_id() if names else ""
    for process in psutil.process_iter(_ATTRIBUTES) if names else ():
        info = process.info
        name = _named(info, names)
        started_at = info["create_time"]
        if name is None or started_at is None or info["status"] == psutil.STATUS_ZOMBIE:
            continue
        identity = f"{boot}/{info['pid']}/{_start_mark(info['pid'], started_at)}"
        found.setdefault(name, {})[identity] = started_at
    return {name: _oldest(starts) for name, starts in found.items()}


def _oldest(starts: Mapping[str, float]) -> Running:
    identity = min(starts, key=lambda each: (starts[each], each))
    return Running(identity, starts[identity], frozenset(starts))


def _named(info: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Which of `names` a process has: as the kernel calls it, or as the file that was started is called."""
    command = info["cmdline"] or [""]
    own = {info["name"], command[0].rpartition("/")[2]}
    return next((name for name in names if name in own), None)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return ""


def _start_mark(pid: int, started_at: float) -> str:
    """When a process was started, in ticks since boot (proc(5), field 22 of stat).

    The wall time of a start moves whenever the machine's clock is set.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        return text.rpartition(")")[2].split()[19]
    except (OSError, IndexError):  # not Linux, or gone already
        return f"{started_at:.0f}"


@dataclass(slots=True)
class Restarts:
    """The last seen identity and the count of new starts per name; survives our own restarts as text.

    Where several processes have one name, the end of the oldest is not the start of the next.
    """

    seen: dict[str, tuple[str, int]] = field(default_factory=dict)
    _beside: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, text: str | None) -> "Restarts":
        """What `dump` wrote; text that is something else is forgotten."""
        try:
            stored: Any = json.loads(text or "{}")
            return cls({str(name): (str(identity), int(count)) for name, (identity, count) in stored.items()})
        except (ValueError, TypeError, AttributeError):
            return cls()

    def dump(self) -> str:
        """The counts as text."""
        return json.dumps(self.seen, separators=(",", ":"))

    def count(self, names: Sequence[str], running: Mapping[str, Running]) -> bool:
        """Compare with what was seen before; whether there is something new to store."""
        before = dict(self.seen)
        for name in names:
            now = running.get(name)
            last, count = self.seen.get(name, ("", 0))
            if now is None or now.identity == last:
                self.seen[name] = (last, count)
            else:
                new = name in before and now.identity not in self._beside.get(name, frozenset())
                self.seen[name] = (now.identity, count + new)
            self._beside[name] = now.all if now is not None else frozenset()
        return self.seen != before

    def facts(self, names: Sequence[str], running: Mapping[str, Running]) -> tuple[ProcessStatus, ...]:
        """One entry for each name, in the order of the configuration."""
        return tuple(
            ProcessStatus(name, running[name].started_at if name in running else None, self.seen[name][1])
            for name in names
        )

"""The configuration while it is being read: a plain tree, and where each value in it came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lnwatch.config.lines import KeyPath
from lnwatch.config.redaction import dotted
from lnwatch.config.values import DEFAULT, Origin, OriginKind
from lnwatch.errors import ConfigProblem

T = TypeVar("T")
Tree = dict[str, Any]


@dataclass(slots=True)
class Draft:
    """What the file says, and on top of it what the environment says.

    `named` tells which environment variable decided a value; `alternatives` holds a second reading
    where its text could be meant as text or as TOML.
    """

    path: Path | None = None
    tree: Tree = field(default_factory=dict)
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    named: dict[KeyPath, str] = field(default_factory=dict)
    alternatives: dict[KeyPath, Any] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """Where relative paths begin: beside the file, or here when there is none."""
        return (self.path.parent if self.path is not None else Path()).absolute()

    def find(self, path: KeyPath) -> Any:  # noqa: ANN401 - whatever stood there
        """What stands at `path`, None where there is nothing. Entries of lists go by their index."""
        value: Any = self.tree
        for part in path:
            value = step(value, part)
        return value

    def put(self, path: KeyPath, name: str, readings: Sequence[Any]) -> None:
        """Let the environment variable `name` decide the value at `path`, unless the file has no table there."""
        table = self.tree
        for part in path[:-1]:
            below = table.setdefault(part, {})
            if not isinstance(below, dict):
                return
            table = below
        table[path[-1]] = readings[0]
        self.named[path] = name
        for other in readings[1:]:
            self.alternatives[path] = other

    def origin(self, path: KeyPath) -> Origin:
        """Where the value or table at `path` came from."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.named:
                return Origin(OriginKind.ENVIRONMENT, self.named[path[:length]])
        if self.find(path) is None:
            return DEFAULT
        line = self.lines.get(path) or _below(path, self.lines)
        if line is None and (name := _below(path, self.named)):
            return Origin(OriginKind.ENVIRONMENT, name)
        if line is None:  # inside an inline table
            line = next(self.lines[path[:n]] for n in range(len(path) - 1, 0, -1) if path[:n] in self.lines)
        return Origin(OriginKind.FILE, f"{self.path}:{line}")

    def problem(self, path: KeyPath, found: str, remedy: str) -> ConfigProblem:
        """A line about what stands at `path`, by its name in the environment where it came from there."""
        origin = self.origin(path)
        if origin.kind is OriginKind.ENVIRONMENT:
            return ConfigProblem(origin.where, found, remedy)
        if origin is DEFAULT and len(path) > 1:  # then the table that lacks it tells where to look
            origin = self.origin(path[:-1])
        where = f" ({origin.where})" if origin.where else ""
        return ConfigProblem(dotted(path), f"{found}{where}", remedy)


def _below(path: KeyPath, marks: Mapping[KeyPath, T]) -> T | None:
    """The first mark of what stands inside the table at `path`."""
    return next((mark for each, mark in marks.items() if each[: len(path)] == path), None)


def step(value: Any, part: str) -> Any:  # noqa: ANN401 - whatever stood there
    """One step down into a table or a list; None where there is nothing."""
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return None

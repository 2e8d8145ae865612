"""Finds what a room holds by its one well-known name; a module without it stops the start."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def discover(room: ModuleType, name: str, kind: type[T]) -> dict[str, T]:
    """Import every public module of `room` and return its attribute `name`, keyed by module stem.

    Raises TypeError where a module lacks the name or bears something else under it.
    """
    found: dict[str, T] = {}
    for info in pkgutil.iter_modules(room.__path__):
        if info.name.startswith("_"):
            continue
        module = importlib.import_module(f"{room.__name__}.{info.name}")
        value = getattr(module, name, None)
        if not isinstance(value, kind):
            message = f"{module.__name__} must define {name} as a {kind.__name__}, found {value!r}"
            raise TypeError(message)
        found[info.name] = value
    return found

"""Keeps what was made of frozen values, which are made anew when they change, until one of them is another object."""

from collections.abc import Callable, Hashable
from operator import is_
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """One thing by key, with what it was made of; nothing is locked, for whoever asks at once gets the same."""

    def __init__(self) -> None:
        self._known: dict[K, tuple[tuple[object, ...], V]] = {}

    def of(self, key: K, values: tuple[object, ...], make: Callable[[], V]) -> V:
        """What `make` made of these very `values`, which are all that it looks at."""
        known = self._known.get(key)
        if known is None or len(known[0]) != len(values) or not all(map(is_, known[0], values)):
            known = self._known[key] = values, make()
        return known[1]

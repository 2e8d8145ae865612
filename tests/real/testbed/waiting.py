"""Waiting for something to become true, with a deadline and words for when it does not."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: str, look: Callable[[], T | None], *, timeout: float = 30, pause: float = 0.1) -> T:
    """Look again and again until the answer is something that counts as true, and return it.

    AssertionErrors and connection errors of `look` count as not yet; the last one is told at the end.
    """
    end = time.monotonic() + timeout
    last: object = None
    while True:
        try:
            found = look()
        except (AssertionError, OSError, LookupError) as error:
            found, last = None, error
        else:
            last = found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:g} s in vain: {what}; last: {last!r}")
        time.sleep(pause)

"""Reads rows by ranges of their index, so that many are proved by one call and none needs a call of its own."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lnwatch.errors import FailureReason, SourceError
from lnwatch.sources.lnd.collector import Turn
from lnwatch.sources.lnd.methods import A, Method, Q

FEWEST = 10  # rows of a page
_TOO_MUCH = frozenset({FailureReason.TIMEOUT, FailureReason.MALFORMED})  # malformed: over the size limit


class Range(NamedTuple):
    """One page to ask for: the rows after `offset`, `size` of them at most."""

    offset: int
    size: int


def cover(indices: Iterable[int], size: int, pages: int) -> list[Range]:
    """The fewest pages of `size` rows that hold all `indices`, in the order of the first of each.

    Indices that come later than `pages` pages are left out: another run takes them.
    """
    found: list[Range] = []
    last = 0
    for index in indices:
        if found and found[-1].offset < index <= last:
            continue
        if len(found) == pages:
            break
        found.append(Range(index - 1, size))
        last = index - 1 + size
    return found


def gone(expected: Iterable[int], page: Range, present: Sequence[int]) -> set[int]:
    """Which of the `expected` indices the page should have held and did not: their rows were deleted.

    `present` are the indices that came, rising. A full page proves nothing beyond its last row; one that
    is not full reached the end.
    """
    end = present[-1] if len(present) >= page.size else None
    there = set(present)
    return {index for index in expected if index > page.offset and (end is None or index <= end) and index not in there}


class Pages:
    """How many rows to ask for at once: fewer where the node is slow, as those with years of invoices are."""

    def __init__(self, most: int) -> None:
        """Begin with the most."""
        self.size = most
        self._most = most

    async def ask(self, turn: Turn, method: Method[Q, A], request: Q, *, paced: bool = True) -> A:
        """Ask for a page of `size` rows, and learn from how long it took."""
        try:
            answer = await turn.call(method, request, paced=paced)
        except SourceError as error:
            if error.reason in _TOO_MUCH:
                self.size = max(FEWEST, self.size // 2)
            raise
        if turn.share > 1 / 2:
            self.size = max(FEWEST, self.size * 3 // 4)
        elif turn.share < 1 / 8:
            self.size = min(self._most, self.size * 2)
        return answer

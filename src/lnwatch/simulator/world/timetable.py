"""What is due when: a virtual clock that goes from one thing to the next. Times are whole milliseconds of the epoch."""

import heapq
import itertools
from collections.abc import Callable
from typing import Final

SECOND: Final = 1_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

Job = Callable[[], None]


class Timetable:
    """Jobs at their moments; those of one moment run in the order in which they were put down."""

    def __init__(self, now: int) -> None:
        """Nothing is due yet."""
        self.now = now
        self._due: list[tuple[int, int, Job]] = []
        self._order = itertools.count()

    @property
    def next_due(self) -> int | None:
        """When something happens next."""
        return self._due[0][0] if self._due else None

    def at(self, moment: int, job: Job) -> None:
        """Do it then, or now where that is past."""
        heapq.heappush(self._due, (max(moment, self.now), next(self._order), job))

    def after(self, wait: float, job: Job) -> None:
        """Do it so many milliseconds from now."""
        self.at(self.now + int(wait), job)

    def run(self, until: int) -> None:
        """Let time pass, and do everything that falls due on the way."""
        due = self._due
        while due and due[0][0] <= until:
            self.now, _, job = heapq.heappop(due)
            job()
        self.now = max(self.now, until)

"""The time of a world on doubles: as fast as the past can be lived through, then that of the event loop."""

import asyncio
import heapq
import itertools


class StageClock:
    """It stands at `begin` and moves in `reach` alone, until `go_live`; then it goes as the loop's time does."""

    def __init__(self, begin: float) -> None:
        """In the past."""
        self._at = begin
        self._loop: asyncio.AbstractEventLoop | None = None  # that of the present
        self._since = 0.0  # by the loop's time
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return self._at if self._loop is None else self._at + (self._loop.time() - self._since)

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if self._loop is not None:
            await asyncio.sleep(seconds)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._at + max(0.0, seconds), next(self._order), wake))
        await wake

    def begin(self, at: float) -> None:
        """Set the hands while nobody sleeps."""
        self._at = at

    async def reach(self, at: float) -> None:
        """Let time pass up to a moment, and everybody wake on the way whose time has come."""
        while self._sleepers and self._sleepers[0][0] <= at:
            due, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                self._at = max(self._at, due)
                wake.set_result(None)
                await asyncio.sleep(0)
        self._at = max(self._at, at)

    def go_live(self, at: float | None = None) -> None:
        """From now on time passes by itself, from where it stands or from `at`."""
        loop = asyncio.get_running_loop()
        self._at, self._since, self._loop = self._at if at is None else at, loop.time(), loop
        for due, _, wake in self._sleepers:
            loop.call_later(max(0.0, due - self._at), _wake, wake)
        self._sleepers.clear()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)

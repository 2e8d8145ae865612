"""The time of a world on doubles: as fast as the past can be lived through, then that of the machine."""

import asyncio
import heapq
import itertools

from lnwatch.clock import SystemClock


class StageClock:
    """It stands at `begin` and moves in `reach` alone, until `go_live`."""

    def __init__(self, begin: float) -> None:
        """In the past."""
        self._machine = SystemClock()
        self._at = begin
        self._live = False
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return self._machine.now() if self._live else self._at

    def monotonic(self) -> float:
        """Seconds that never go back; from somewhere else once it is live."""
        return self._machine.monotonic() if self._live else self._at

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if self._live:
            await self._machine.sleep(seconds)
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

    def go_live(self) -> None:
        """From now on by the machine; who sleeps wakes when it is time by that."""
        self._live = True
        loop, now = asyncio.get_running_loop(), self.now()
        for due, _, wake in self._sleepers:
            loop.call_later(max(0.0, due - now), _wake, wake)
        self._sleepers.clear()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)

"""The time of a world on doubles: as fast as the past can be lived through, then that of the machine."""

import asyncio
import heapq
import itertools

from lnwatch.clock import SystemClock


class StageClock:
    """It stands at `begin` and moves in `reach` alone, until `go_live`; then it is the machine's, or runs faster."""

    def __init__(self, begin: float) -> None:
        """In the past."""
        self._machine = SystemClock()
        self._at = begin
        self._live = False
        self._speed = 1.0
        self._since = 0.0  # of the machine's monotonic clock
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return self._at + (self._machine.monotonic() - self._since) * self._speed if self._live else self._at

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self.now()

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if self._live:
            await self._machine.sleep(seconds / self._speed)
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

    def go_live(self, speed: float | None = None) -> None:
        """From now on time passes by itself: the machine's, or so many times as fast from where it stands."""
        if speed is None:
            self._at = self._machine.now()
        self._speed, self._since, self._live = speed or 1.0, self._machine.monotonic(), True
        loop, now = asyncio.get_running_loop(), self.now()
        for due, _, wake in self._sleepers:
            loop.call_later(max(0.0, due - now) / self._speed, _wake, wake)
        self._sleepers.clear()


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)

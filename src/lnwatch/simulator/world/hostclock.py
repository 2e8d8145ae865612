"""The clock of the daemon's host, whose hands somebody can move while time goes on as before."""

from lnwatch.clock import Clock


class HostClock:
    """`ahead` is by how many seconds its wall time differs from the world's."""

    def __init__(self, clock: Clock) -> None:
        """Right."""
        self.ahead = 0.0
        self._clock = clock

    def now(self) -> float:
        """Wall time in seconds since the epoch, as this host has it."""
        return self._clock.now() + self.ahead

    def monotonic(self) -> float:
        """Seconds that never go back, whatever happens to the hands."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        await self._clock.sleep(seconds)

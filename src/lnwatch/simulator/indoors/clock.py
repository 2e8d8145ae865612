"""Time for a daemon that need not look up often."""

import math

from lnwatch.clock import Clock


class CoarseClock:
    """Another clock, on which whoever sleeps is woken with everybody else: at the next full `grain` of seconds."""

    def __init__(self, clock: Clock, grain: float) -> None:
        """Show the same time."""
        self.grain = grain
        self._clock = clock

    def now(self) -> float:
        """Wall time in seconds since the epoch."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let at least `seconds` pass."""
        now = self._clock.now()
        due = math.ceil((now + seconds) / self.grain - 1e-6) * self.grain
        await self._clock.sleep(max(0.0, due - now) if seconds > 0 else 0.0)

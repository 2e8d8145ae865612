"""Time for a daemon that need not look up often."""

import math

from lnwatch.clock import Clock


class CoarseClock:
    """Another clock, on which whoever sleeps is woken with everybody else: within a second of the next full `grain` of
    seconds, who sleeps longest first, so that what is judged, very often, was asked for at the same look. Who sleeps
    about as long wakes at the same moment, so that what they find can be stored together."""

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
        if seconds <= 0:
            await self._clock.sleep(0.0)
            return
        after = 1 / (1 + 2.0 ** round(math.log2(seconds)))
        due = math.ceil((now + seconds - after) / self.grain - 1e-6) * self.grain + after
        await self._clock.sleep(max(0.0, due - now))

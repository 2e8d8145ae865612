"""Time for a daemon that need not look up often."""

import math
from typing import Final

from lnwatch.clock import Clock

_BRIEF: Final = 10.0  # seconds: whoever would look again so soon has to do with what others found
_AFTER: Final = 1.0  # seconds


class CoarseClock:
    """Another clock, on which whoever sleeps is woken with everybody else: at the next full `grain` of seconds, and a
    second later who sleeps briefly, so that what is judged was asked for at the same look."""

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
        after = _AFTER if seconds < _BRIEF else 0.0
        due = math.ceil((now + seconds - after) / self.grain - 1e-6) * self.grain + after
        await self._clock.sleep(max(0.0, due - now) if seconds > 0 else 0.0)

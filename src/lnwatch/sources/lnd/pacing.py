"""How often the node is asked: at most four unary calls in any 15 seconds while nothing happens."""

import asyncio
from collections import deque
from collections.abc import Iterable

from lnwatch.clock import Clock

WINDOW = 15.0  # seconds
SLOW_SLOTS = 2  # per window, for all collectors but the two fast ones, which have a lane each
HINTED_SHARE = 0.1  # of the time: a large or slow node must not be asked for everything all the time


class Lane:
    """Lets `slots` calls pass in any `window` seconds, in the order in which they came."""

    def __init__(self, clock: Clock, window: float, slots: int) -> None:
        self._clock = clock
        self._window = window
        self._passed: deque[float] = deque(maxlen=slots)
        self._turn = asyncio.Lock()

    async def take(self) -> float:
        """Wait for a slot; the seconds that it took."""
        asked = self._clock.monotonic()
        async with self._turn:
            while len(self._passed) == self._passed.maxlen:
                wait = self._passed[0] + self._window - self._clock.monotonic()
                if wait <= 0:
                    break
                await self._clock.sleep(wait)
            now = self._clock.monotonic()
            self._passed.append(now)
        return now - asked


class Hints:
    """Which collectors have something to prove, so that their next run waits for no slot."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._urgent: set[str] = set()
        self._rested_at: dict[str, float] = {}

    def expect(self, names: Iterable[str]) -> None:
        """Let the next run of each pass: the node was just met, or came back."""
        self._urgent.update(names)

    def wake(self, *names: str) -> frozenset[str]:
        """Those of `names` that may be woken now; the others cost the node too much to be asked so often."""
        now = self._clock.monotonic()
        awake = frozenset(name for name in names if self._rested_at.get(name, now) <= now)
        self._urgent |= awake
        return awake

    def take(self, name: str) -> bool:
        """Whether the run of `name` that begins is urgent; asked once for each run."""
        urgent = name in self._urgent
        self._urgent.discard(name)
        return urgent

    def spent(self, name: str, seconds: float) -> None:
        """A run of `name` kept the node busy for `seconds`."""
        self._rested_at[name] = self._clock.monotonic() + seconds * (1 / HINTED_SHARE - 1)

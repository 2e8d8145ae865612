"""One channel's way out: its pace, its pauses after failures, and the trouble that it is in."""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from lnwatch.clock import Clock
from lnwatch.domain.wording import count
from lnwatch.model.view import Episode
from lnwatch.notify import DeliveryError, Failure, Notifier, NotifierKind

# As stamina computes its waits, which are its own to wait; ours lie in the ledger and on our clock.
WAIT_INITIAL = 2.0  # seconds
WAIT_MAX = 60.0
WAIT_EXP_BASE = 2.0
WAIT_JITTER = 1.0

FAILING_AFTER = 300.0  # seconds without a success, and the channel's trouble is somebody's business
LOST_FOR = 900.0  # seconds for which a lost message stays on show, though others leave again
ALL_LOST = frozenset({Failure.REJECTED, Failure.GONE})  # no message can leave, whatever it says
_FOREVER = float("inf")
_HAIR = 1e-6  # of a token or a second: less is what floats make of none

Jitter = Callable[[float, float], float]


def backoff(tries: int, retry_after: float | None, jitter: Jitter = random.uniform) -> float:
    """Seconds until the next try, after `tries` in vain; never less than the service asks for."""
    exponent = min(tries - 1, 20)  # beyond lies the limit anyway
    wait = min(WAIT_MAX, WAIT_INITIAL * WAIT_EXP_BASE**exponent + jitter(0.0, WAIT_JITTER))
    return max(wait, retry_after or 0.0)


@dataclass(slots=True)
class Bucket:
    """Tokens that come back at a steady pace; `rate` a second, `burst` at most at a time."""

    rate: float
    burst: int
    _tokens: float = field(init=False)
    _at: float | None = None

    def __post_init__(self) -> None:
        self._tokens = float(self.burst)

    def wait(self, now: float) -> float:
        """Seconds of the monotonic clock until there is a token."""
        if self._at is not None:
            self._tokens = min(float(self.burst), self._tokens + (now - self._at) * self.rate)
        self._at = now
        # A hair less than a whole token is one: floats would make us wait for nothing, again and again.
        return (1.0 - self._tokens) / self.rate if self._tokens < 1.0 - _HAIR else 0.0

    def take(self, now: float) -> None:
        """Use a token."""
        self.wait(now)
        self._tokens -= 1.0


class Lane:
    """A channel, its notifier and how it fares."""

    def __init__(self, channel: str, notifier: Notifier, kind: NotifierKind[Any], clock: Clock) -> None:
        self.channel = channel
        self.notifier = notifier
        self.batches = kind.batches
        self.calls = kind.calls
        self.idempotent = kind.idempotent
        self.singly: set[str] = set()  # rows of a digest that was refused: one of them spoilt it
        self.lost = True  # something may be parked for want of a service; of an earlier process nothing is known
        self.fresh = True  # nothing was tried yet
        self.kept: set[str] = set()  # rows parked for want of a service, since the last success
        self._clock = clock
        self._bucket = Bucket(kind.per_minute / 60.0, kind.burst)
        self._paused_until = 0.0
        self._failures = 0
        self._failing: Episode | None = None
        self._spoilt = 0
        self._gone: Episode | None = None
        self._shown_until = 0.0

    def delay(self) -> float:
        """Seconds until the next sending may be tried."""
        now = self._clock.monotonic()
        pause = self._paused_until - now
        return max(self._bucket.wait(now), pause if pause > _HAIR else 0.0)

    def trying(self) -> None:
        """A sending begins."""
        self._bucket.take(self._clock.monotonic())

    def succeeded(self) -> None:
        """A sending was taken: whatever was the matter is over."""
        self._failures, self._failing = 0, None
        self.kept.clear()
        if self._shown_until == _FOREVER:
            self._shown_until = self._clock.now()

    def failed(self, error: DeliveryError) -> bool:
        """A sending was not taken but may be later: everything for this channel waits a while. Whether that is news."""
        self._pause(error)
        before = self._failing
        self._failing = Episode(before.start if before is not None else self._clock.now(), None, error.message)
        return before is None or before.words != error.message

    def parked(self, error: DeliveryError, ids: Collection[str]) -> int:
        """Messages were given up; how many of them were not given up before."""
        now, before = self._clock.now(), len(self.kept)
        shown = self._gone is not None and now < self._shown_until
        start = self._gone.start if self._gone is not None and shown else now
        if error.failure in ALL_LOST:
            self._pause(error)  # each try takes along everything that is parked
            self.kept.update(ids)
            self.lost, self._shown_until = True, _FOREVER
        else:
            self._spoilt = self._spoilt + len(ids) if shown else len(ids)
            self._shown_until = max(self._shown_until, now + LOST_FOR)
        lost = count(len(self.kept) + self._spoilt, "message")
        self._gone = Episode(start, None, f"{lost} could not be sent: {error.message}")
        return len(self.kept) - before if error.failure in ALL_LOST else len(ids)

    def episode(self) -> Episode | None:
        """What keeps this channel's messages: lost ones, or none that left for minutes."""
        now = self._clock.now()
        if self._gone is not None and now < self._shown_until:
            return self._gone
        if self._failing is not None and now - self._failing.start >= FAILING_AFTER:
            return self._failing
        return None

    def _pause(self, error: DeliveryError) -> None:
        self._failures += 1
        self._paused_until = self._clock.monotonic() + backoff(self._failures, error.retry_after)

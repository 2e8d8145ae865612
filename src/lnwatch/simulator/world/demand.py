"""When customers come: a Poisson process whose rate follows the hour of the week, a trend and promotions."""

import math
import random
from typing import Final

from lnwatch.simulator.world.spec import StoreSpec
from lnwatch.simulator.world.timetable import DAY, HOUR

# By hour of the day in UTC, and from Monday on; both have a mean of 1.
_HOURS: Final = (
    *(0.35, 0.22, 0.15, 0.12, 0.13, 0.25, 0.50, 0.80, 1.05, 1.20, 1.30, 1.35),
    *(1.30, 1.25, 1.20, 1.20, 1.30, 1.50, 1.75, 1.95, 1.90, 1.55, 1.05, 0.63),
)
_DAYS: Final = (0.95, 0.92, 0.95, 1.00, 1.12, 1.13, 0.93)
_YEAR: Final = 365.25 * DAY
_THURSDAY: Final = 3  # the first day of the epoch


class Demand:
    """The customers of one store. `boost` multiplies their rate, for as long as it is set."""

    def __init__(self, store: StoreSpec, begin: int, rng: random.Random) -> None:
        """As the store says."""
        self.boost = 1.0
        self._store = store
        self._begin = begin
        self._rng = rng

    def rate(self, at: int) -> float:
        """Customers a millisecond; it changes at full hours."""
        hour = at - at % HOUR
        store, day = self._store, (hour - self._begin) / DAY
        week_day = (hour // DAY + _THURSDAY) % 7
        rate = store.orders_a_day / DAY * _HOURS[hour % DAY // HOUR] * _DAYS[week_day]
        rate *= math.pow(1 + store.growth, (hour - self._begin) / _YEAR)
        for each in store.promotions:
            if each.day <= day < each.day + each.days:
                rate *= each.factor
        return rate * self.boost

    def expected(self, begin: int, end: int) -> float:
        """How many come between two moments, on average."""
        total, at = 0.0, begin
        while at < end:
            stop = min(end, at - at % HOUR + HOUR)
            total += self.rate(at) * (stop - at)
            at = stop
        return total

    def next_after(self, at: int, limit: int) -> int | None:
        """When the next one comes; None: not before the limit, and then it is drawn anew."""
        needed = self._rng.expovariate(1.0)
        while at < limit:
            stop = min(limit, at - at % HOUR + HOUR)
            rate = self.rate(at)
            there = rate * (stop - at)
            if needed <= there:
                return at + int(needed / rate)
            needed -= there
            at = stop
        return None

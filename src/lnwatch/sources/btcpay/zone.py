"""Finds out whether BTCPay's host is not in UTC: then the times of payments, and they alone, are shifted.

A payment was received between the making of its invoice and the moment at which it was seen; told outside
that span by a whole number of quarter hours, it gives the host's zone away.
"""

from dataclasses import dataclass

QUARTER = 900  # seconds: no zone differs from UTC by anything finer
SLACK = 150  # seconds: clocks differ, and after a restart expiry itself is two minutes late


@dataclass(slots=True)
class HostZone:
    """What is known of one server's zone: `shift` in seconds, None while nothing has shown it."""

    shift: int | None = None

    def weigh(self, received: int, earliest: int, latest: float) -> bool:
        """Whether `received`, truly between the two others, can't be believed; learns from it."""
        low, high = received - latest - SLACK, received - earliest + SLACK
        if low <= 0 <= high:
            if high - low < QUARTER:
                self.shift = 0  # nothing but UTC fits
            return bool(self.shift)
        steps = range(-56, 57)  # fourteen hours either way
        fitting = [step * QUARTER for step in steps if low <= step * QUARTER <= high]
        if fitting:
            self.shift = min(fitting, key=abs)
        return True

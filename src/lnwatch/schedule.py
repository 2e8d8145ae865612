"""What goes by calendar: APScheduler's triggers say when, our clock does the waiting."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apscheduler.triggers.base import BaseTrigger

from lnwatch.clock import Clock


async def at_each(trigger: BaseTrigger, clock: Clock, job: Callable[[float], Awaitable[None]]) -> None:
    """Await `job` with the time at each due time of `trigger`; missed ones are made up for by one run."""
    previous: datetime | None = None
    while True:
        now = datetime.fromtimestamp(clock.now(), UTC)
        due = trigger.get_next_fire_time(previous, now)
        if due is None:
            return
        await clock.sleep(max(0.0, due.timestamp() - clock.now()))
        previous = due
        await job(clock.now())

"""Quiet hours: a span of the day, in a time zone, in which nothing rings; it may go over midnight."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from lnwatch.fields import Settings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _of_day(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError("a time of day is `HH:MM`, such as `22:00`")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError("there is no such time zone here; write `Europe/Berlin` or `UTC`") from error
    return value


class QuietHours(Settings):
    """From `start` to `end` of the local time of `zone`, on the `days` on which the span begins."""

    start: Annotated[str, AfterValidator(_of_day)]
    end: Annotated[str, AfterValidator(_of_day)]
    zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = _DAYS

    @model_validator(mode="after")
    def _span(self) -> Self:
        if self.start == self.end:
            raise ValueError("quiet hours that never end would tell nobody; leave the channel out instead")
        return self

    def until(self, at: float) -> float | None:
        """The epoch second at which the quiet hours end that `at` lies in; None outside of them."""
        zone = ZoneInfo(self.zone)
        local = datetime.fromtimestamp(at, UTC).astimezone(zone)
        for begins_on in (local.date() - timedelta(days=1), local.date()):
            begin = datetime.combine(begins_on, time.fromisoformat(self.start), zone)
            ends_on = begins_on if self.end > self.start else begins_on + timedelta(days=1)
            end = datetime.combine(ends_on, time.fromisoformat(self.end), zone)
            if _DAYS[begins_on.weekday()] in self.days and begin.timestamp() <= at < end.timestamp():
                return end.timestamp()
        return None

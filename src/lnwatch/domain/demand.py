"""What the stores on one node are expected to receive over Lightning, from what customers meant to pay.

Orders a day, levelled by the day of the week and smoothed over about 20 days, times the mean ticket of 91 days.
Hours in which nothing could be received teach nothing: a merchant without inbound is not one without customers.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from lnwatch.domain import tally
from lnwatch.domain.uptime import Interval
from lnwatch.model.kpi import Demand
from lnwatch.model.money import Msat
from lnwatch.model.order import Rail
from lnwatch.model.tally import Sum

HOUR, DAY = 3_600, 86_400
DAYS = 91  # that are looked at
PARTS_DAYS = 30

_ALPHA = 0.05  # of the newest day in the smoothed count
_WEEKDAY_WEIGHT = 5  # days with which the mean speaks for a day of the week
_ENOUGH = 14  # days after which a declared volume is no longer asked
_CLEAR_SHARE = 0.8  # of a day that must have been clear for it to count
_PARTS_SHARE = 0.8  # while no payment is known


@dataclass(frozen=True, slots=True)
class DemandInput:
    """What one node's demand is reckoned from, of all stores on it.

    `hours` are hour buckets of the last 91 days of `SERIES`, `tickets` sums over all of them of `TICKETS`,
    `parts` sums over the last 30 days of `PARTS`. In `dry` nothing could be received. `declared_msat` is what the
    operator expects of a day, None where they did not say.
    """

    node: str
    at: float
    hours: Sequence[Sum]
    tickets: Iterable[Sum]
    parts: Iterable[Sum]
    dry: Sequence[Interval] = ()
    declared_msat: Msat | None = None


TICKETS = tally.tickets()
SERIES = (tally.ATTEMPTED, tally.LOST, tally.offered(Rail.LIGHTNING))
PARTS = (tally.PARTS_ONE, tally.PARTS_MANY)


@dataclass(frozen=True, slots=True)
class _Day:
    """How many orders a day is worth, and whether it may teach anything; `number` is that of the day since 1970."""

    number: int
    count: float
    counts: bool


def demand(given: DemandInput) -> Demand:
    """What a day is expected to bring, and what its tickets are like."""
    days = _days(given)
    teaching = [day for day in days if day.counts]
    known = teaching or days  # all of them were dry: what was asked for is all there is
    daily = _volume(_rate(known, int(given.at // DAY)), given.hours)
    if given.declared_msat is not None:
        daily = _with_declared(daily, len(teaching), given.declared_msat)
    sizes = _sizes(given.tickets)
    return Demand(
        node=given.node,
        daily_msat=Msat(daily),
        median_msat=_quantile(sizes, 50),
        p95_msat=_quantile(sizes, 95),
        parts_share=_parts_share(given.parts),
        tickets=sum(n for n, _ in sizes),
        days=len(teaching),
        sure=len(teaching) >= _ENOUGH,
    )


def median_ticket(tickets: Iterable[Sum]) -> Msat | None:
    """What half of the tickets do not exceed; None without one."""
    return _quantile(_sizes(tickets), 50)


def _with_declared(daily: int, days: int, declared: int) -> int:
    """A declared volume weighs seven days at first, and nothing once there are fourteen."""
    weight = max(0, _ENOUGH - days)  # twice, to stay whole
    return (2 * days * daily + weight * declared) // (2 * days + weight)


def _days(given: DemandInput) -> list[_Day]:
    """Every whole day after the first order's; before there is one, what came so far, which teaches nothing yet."""
    if not given.hours:
        return []
    counts = _counts_by_hour(given.hours)
    first = int(max(given.at - DAYS * DAY, min(each.start for each in given.hours)) // DAY)
    today = int(given.at // DAY)
    whole = [_day(number, counts, given.dry) for number in range(first + 1, today)]
    return whole or [_Day(first, sum(counts.values()), counts=False)]


def _counts_by_hour(hours: Iterable[Sum]) -> Mapping[int, float]:
    """Orders that were meant for Lightning: those that somebody tried to pay, and their share of those nobody could."""
    by_series: dict[str, dict[int, int]] = {series: defaultdict(int) for series in SERIES}
    for each in hours:
        if each.series in by_series:
            by_series[each.series][each.start] += each.n
    attempted, lost, offered = (by_series[series] for series in SERIES)
    considered = sum(offered.values()) - sum(lost.values())
    tried = sum(attempted.values())
    conversion = min(1.0, tried / considered) if considered > 0 and tried > 0 else 1.0
    return {hour: attempted.get(hour, 0) + conversion * lost.get(hour, 0) for hour in attempted.keys() | lost.keys()}


def _day(number: int, counts: Mapping[int, float], dry: Sequence[Interval]) -> _Day:
    """What came, or what its clear hours alone would make of a whole day, whichever is more."""
    hours = range(number * DAY, (number + 1) * DAY, HOUR)
    mine = [(start, end) for start, end in dry if start < hours.stop and end > hours.start]
    clear = [hour for hour in hours if _overlap(hour, hour + HOUR, mine) <= HOUR / 2]
    came = sum(counts.get(hour, 0.0) for hour in hours)
    in_clear = sum(counts.get(hour, 0.0) for hour in clear)
    scaled = in_clear * len(hours) / len(clear) if clear else 0.0
    return _Day(number, max(came, scaled), len(clear) >= _CLEAR_SHARE * len(hours))


def _overlap(start: float, end: float, intervals: Iterable[Interval]) -> float:
    return sum(max(0.0, min(end, last) - max(start, first)) for first, last in intervals)


def _rate(days: Sequence[_Day], today: int) -> float:
    """Orders a day, the newest days weighing most, each held against what its day of the week usually brings.

    Sums are divided by sums: a shop that is closed on Sundays has no fewer customers for it.
    """
    mean = sum(day.count for day in days) / len(days) if days else 0.0
    if mean <= 0:
        return 0.0
    usual = {weekday: _weekday_factor(weekday, days, mean) for weekday in range(7)}
    weights = [(1 - _ALPHA) ** (today - day.number) for day in days]
    came = sum(weight * day.count for weight, day in zip(weights, days, strict=True))
    return came / sum(weight * usual[day.number % 7] for weight, day in zip(weights, days, strict=True))


def _weekday_factor(weekday: int, days: Iterable[_Day], mean: float) -> float:
    same = [day.count for day in days if day.number % 7 == weekday]
    return (sum(same) + _WEEKDAY_WEIGHT * mean) / (len(same) * mean + _WEEKDAY_WEIGHT * mean)


def _volume(rate: float, hours: Iterable[Sum]) -> int:
    """So many orders a day at their mean ticket, in msat."""
    meant = [each for each in hours if each.series in {tally.ATTEMPTED, tally.LOST}]
    count = sum(each.n for each in meant)
    return round(rate * 1_000) * sum(each.amount for each in meant) // (count * 1_000) if count > 0 else 0


def _sizes(tickets: Iterable[Sum]) -> list[tuple[int, int]]:
    """How many tickets, and what they came to, by rising size."""
    sizes: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for each in tickets:
        if each.series.startswith(tally.TICKET):
            size = sizes[int(each.series.removeprefix(tally.TICKET))]
            size[0] += each.n
            size[1] += each.amount
    return [(n, amount) for _, (n, amount) in sorted(sizes.items()) if n > 0]


def _quantile(sizes: Sequence[tuple[int, int]], percent: int) -> Msat | None:
    """The ticket that so many in a hundred do not exceed: exact where its size holds one ticket alone."""
    total = sum(n for n, _ in sizes)
    rank = ceil(total * percent / 100)
    for n, amount in sizes:
        if rank <= n:
            return Msat(amount // n)
        rank -= n
    return None


def _parts_share(parts: Iterable[Sum]) -> float:
    counts: dict[str, int] = defaultdict(int)
    for each in parts:
        counts[each.series] += each.n
    total = counts[tally.PARTS_ONE] + counts[tally.PARTS_MANY]
    return counts[tally.PARTS_MANY] / total if total > 0 else _PARTS_SHARE

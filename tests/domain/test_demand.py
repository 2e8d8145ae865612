"""Expected demand follows what customers meant to pay, and a stock-out teaches it nothing."""

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.domain import tally
from lnwatch.domain.demand import DAY, HOUR, DemandInput, demand
from lnwatch.domain.uptime import Interval
from lnwatch.model.kpi import Demand
from lnwatch.model.money import Msat, msat
from lnwatch.model.tally import Sum

TODAY = 20_000 * DAY
NOW = TODAY + 10 * HOUR


def hours(days: Iterable[int], counts: Sequence[int] = (1,) * 24, ticket: int = 1_000_000, **more: str) -> list[Sum]:
    """So many orders in each hour of the days, counted back from today (0); each is offered too."""
    series = more.get("series", tally.ATTEMPTED)
    return [
        Sum("store:shop", name, TODAY - day * DAY + hour * HOUR, count, count * ticket)
        for day in days
        for hour, count in enumerate(counts)
        if count
        for name in (series, "offered/lightning")
    ]


def asked(rows: list[Sum], dry: Sequence[Interval] = (), declared: Msat | None = None, at: float = NOW) -> Demand:
    return demand(DemandInput("ln1", at, rows, (), (), dry, declared))


def test_a_steady_shop() -> None:
    """24 orders of 1,000 sat a day are 24,000 sat, and 14 whole days make it sure."""
    found = asked(hours(range(1, 31)))
    assert (found.node, found.daily_msat, found.days, found.sure) == ("ln1", msat(24_000), 29, True)
    assert not asked(hours(range(1, 15))).sure
    assert asked(hours(range(1, 16))).sure


def test_today_is_not_over() -> None:
    """What a day has not brought yet says nothing, and neither does the day of the first order, nor last year."""
    rows = hours(range(1, 31))
    assert asked([*rows, *hours([0], ticket=1_000_000)]).daily_msat == asked(rows).daily_msat
    assert asked([*hours([31], [0] * 23 + [1]), *rows]).daily_msat == asked(rows).daily_msat


def test_before_the_first_whole_day() -> None:
    """What came so far is all there is; nothing is sure."""
    found = asked(hours([0], [2, 3]))
    assert (found.daily_msat, found.days, found.sure) == (msat(5_000), 0, False)
    assert asked([]).daily_msat == 0


def test_a_stock_out_teaches_nothing() -> None:
    """A week without inbound leaves the expectation where it was: its days do not count."""
    open_days = hours([*range(1, 4), *range(11, 40)])
    closed = [(TODAY - 10.0 * DAY, TODAY - 3.0 * DAY)]
    found = asked(open_days, dry=closed)
    assert (found.daily_msat, found.days) == (msat(24_000), 31)
    assert asked(open_days).daily_msat < msat(20_000)


def test_some_dry_hours_of_a_day_are_filled_up() -> None:
    """Four dry hours of yesterday are worth what the others were."""
    rows = [*hours(range(2, 40)), *hours([1], [0] * 4 + [1] * 20)]
    found = asked(rows, dry=[(TODAY - 1.0 * DAY, TODAY - 1.0 * DAY + 4 * HOUR)])
    assert found.daily_msat == msat(24_000)
    assert asked(rows).daily_msat < msat(24_000)


def test_what_could_not_be_paid_was_wanted() -> None:
    """Of those who could pay, half do: so half of those who could not would have."""
    rows = [
        *hours(range(1, 31), [1] * 12),
        *hours(range(1, 31), [0] * 12 + [1] * 12, series="none/of/it"),
        *hours(range(1, 31), [2] * 12, series=tally.LOST),
    ]
    assert asked(rows).daily_msat == msat(24_000)


def test_a_shop_that_could_never_receive() -> None:
    """All of its days were dry: what was asked for is all there is to go by."""
    found = asked(hours(range(1, 31), series=tally.LOST), dry=[(0.0, NOW)])
    assert (found.daily_msat, found.days, found.sure) == (msat(24_000), 0, False)


def test_the_newest_days_weigh_most() -> None:
    """Twice the orders for two weeks are about one and a half by now, and the other way round."""
    risen = [*hours(range(1, 15), [2] * 24), *hours(range(15, 61))]
    fallen = [*hours(range(1, 15)), *hours(range(15, 61), [2] * 24)]
    assert msat(34_000) < asked(risen).daily_msat < msat(40_000)
    assert msat(32_000) < asked(fallen).daily_msat < msat(38_000)
    assert asked(risen).daily_msat > asked(fallen).daily_msat


@pytest.mark.parametrize(("selling", "count"), [((0,), 7), ((0, 1, 2, 3, 4), 1), (range(7), 1)])
def test_no_day_of_the_week_misleads(selling: Sequence[int], count: int) -> None:
    """A shop that is closed on some days of the week expects its mean, whichever day it is asked."""
    rows = hours([day for day in range(-6, 91) if day % 7 in selling], [count] * 24)
    mean = msat(24_000) * count * len(selling) // 7
    for ahead in range(7):
        assert asked(rows, at=NOW + ahead * DAY).daily_msat == pytest.approx(mean, rel=0.12)


@pytest.mark.parametrize(
    ("days", "expected"), [(0, 100_000), (1, 89_866), (7, 49_333), (13, 26_814), (14, 24_000), (40, 24_000)]
)
def test_a_declared_volume_fades(days: int, expected: int) -> None:
    """At first it is all that is known, after 14 days nobody asks it any more."""
    found = asked(hours(range(1, days + 2)) if days else [], declared=msat(100_000))
    assert found.days == days
    assert found.daily_msat // 1_000 == expected


def tickets(amounts: Iterable[int]) -> list[Sum]:
    return [Sum("store:shop", f"{tally.TICKET}{tally.size_of(amount)}", 0, 1, amount) for amount in amounts]


def priced(amounts: Iterable[int]) -> Demand:
    return demand(DemandInput("ln1", NOW, (), tickets(amounts), ()))


def test_tickets() -> None:
    """Half of them do not exceed the median, 95 in a hundred not the p95; none at all have neither."""
    found = priced([msat(step * 1_000) for step in range(1, 101)])
    assert found.tickets == 100
    assert found.median_msat is not None
    assert found.p95_msat is not None
    assert found.median_msat == pytest.approx(msat(50_000), rel=0.04)
    assert found.p95_msat == pytest.approx(msat(95_000), rel=0.04)
    few = priced([msat(10), msat(5_000), msat(900_000)])
    assert (few.median_msat, few.p95_msat) == (msat(5_000), msat(900_000))
    assert (priced([]).median_msat, priced([]).p95_msat) == (None, None)


@given(st.lists(st.integers(1_000, 10**13), min_size=1, max_size=200))
def test_any_tickets(amounts: list[int]) -> None:
    """The figures are within a sixteenth of the true ones."""
    found, ordered = priced(amounts), sorted(amounts)
    for told, percent in ((found.median_msat, 50), (found.p95_msat, 95)):
        true = ordered[-(-len(ordered) * percent // 100) - 1]
        assert told is not None
        assert abs(told - true) <= true / 16 + 1


@pytest.mark.parametrize(("one", "many", "share"), [(0, 0, 0.8), (3, 1, 0.25), (0, 5, 1.0), (4, 0, 0.0)])
def test_parts(one: int, many: int, share: float) -> None:
    """The share of payments that came in parts; while none is known, most can."""
    parts = [Sum("store:shop", tally.PARTS_ONE, 0, one, 0), Sum("store:bar", tally.PARTS_MANY, 0, many, 0)]
    assert demand(DemandInput("ln1", NOW, (), (), parts)).parts_share == share

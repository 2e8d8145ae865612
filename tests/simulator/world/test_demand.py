import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.simulator.world import Promotion, StoreSpec
from lnwatch.simulator.world.demand import Demand
from lnwatch.simulator.world.timetable import DAY, HOUR
from tests.simulator.world.worlds import BEGIN

STEP = 15 * 60_000


def arrivals(demand: Demand, begin: int, end: int) -> list[int]:
    """Everybody who comes between two moments."""
    found, at = [], begin
    while at < end:
        limit = min(end, at + STEP)
        moment = demand.next_after(at, limit)
        if moment is not None:
            found.append(moment)
        at = limit if moment is None else moment
    return found


@given(seed=st.integers(0, 2**32), orders=st.floats(20, 900), growth=st.floats(-0.5, 2), day=st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_as_many_come_as_are_expected(seed: int, orders: float, growth: float, day: int) -> None:
    """The number of a week lies within five standard deviations of a Poisson variable's mean."""
    store = StoreSpec("shop", orders, growth=growth, promotions=(Promotion(day + 2, 1, 5.0),))
    demand = Demand(store, BEGIN, random.Random(seed))
    begin, end = BEGIN + day * DAY, BEGIN + (day + 7) * DAY
    expected = demand.expected(begin, end)
    assert abs(len(arrivals(demand, begin, end)) - expected) < 5 * expected**0.5


def test_counts_scatter_as_those_of_a_poisson_process() -> None:
    """Over many weeks the counts of one hour of the week vary as much as their mean, at night and in the evening."""
    demand = Demand(StoreSpec("shop", 400, growth=0), BEGIN, random.Random(7))
    for hour in (3, 19):
        begins = [BEGIN + week * 7 * DAY + hour * HOUR for week in range(600)]
        counts = [len(arrivals(demand, begin, begin + HOUR)) for begin in begins]
        mean = sum(counts) / len(counts)
        variance = sum((each - mean) ** 2 for each in counts) / (len(counts) - 1)
        expected = demand.expected(begins[0], begins[0] + HOUR)
        assert mean == pytest.approx(expected, rel=0.1)
        assert variance == pytest.approx(mean, rel=0.25)


def test_a_week_has_what_the_store_says() -> None:
    """The profile of the week moves orders about and adds none; a promotion multiplies those of its days."""
    plain = Demand(StoreSpec("shop", 100, growth=0), BEGIN, random.Random(1))
    assert plain.expected(BEGIN, BEGIN + 7 * DAY) == pytest.approx(700)
    sale = Demand(StoreSpec("shop", 100, growth=0, promotions=(Promotion(1, 2, 5.0),)), BEGIN, random.Random(1))
    days = [sale.expected(BEGIN + n * DAY, BEGIN + (n + 1) * DAY) for n in range(4)]
    usual = [plain.expected(BEGIN + n * DAY, BEGIN + (n + 1) * DAY) for n in range(4)]
    assert [round(a / b, 6) for a, b in zip(days, usual, strict=True)] == [1, 5, 5, 1]


def test_what_changes_counts_from_then_on() -> None:
    """A boost holds from the next draw on, and ends with it."""
    demand = Demand(StoreSpec("shop", 500, growth=0), BEGIN, random.Random(1))
    before = len(arrivals(demand, BEGIN, BEGIN + DAY))
    demand.boost = 4.0
    assert len(arrivals(demand, BEGIN, BEGIN + DAY)) == pytest.approx(4 * before, rel=0.15)

"""Uptime is weighed by time; what nobody knows and what was announced count neither way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.domain.uptime import Availability, Changes, Interval, availability, payable
from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.order import Rail

UP, DOWN, UNKNOWN = True, False, None


@pytest.mark.parametrize(
    ("parts", "outside", "expected"),
    [
        ([[(0, UP)]], [], (100, 0)),
        ([[(0, DOWN)]], [], (100, 100)),
        ([[(40, UP)]], [], (60, 0)),
        ([[]], [], (0, 0)),
        ([], [], (0, 0)),
        ([[(-50, UP), (20, DOWN), (30, UP)]], [], (100, 10)),
        ([[(-50, UP), (20, DOWN), (30, UNKNOWN), (60, UP)]], [], (70, 10)),
        ([[(0, DOWN)]], [(-10, 30), (20, 40), (90, 200)], (50, 50)),
        ([[(0, UP), (50, DOWN)]], [(40, 60)], (80, 40)),
        ([[(0, DOWN)], [(0, UP), (50, DOWN)]], [], (100, 50)),
        ([[(0, DOWN)], [(0, UNKNOWN), (50, DOWN)]], [], (50, 50)),
        ([[(0, DOWN)], [(50, DOWN)]], [], (50, 50)),
        ([[(0, UP)]], [(0, 100)], (0, 0)),
        ([[(0, UP), (0, DOWN)]], [], (100, 100)),
        ([[(100, DOWN)]], [], (0, 0)),
    ],
)
def test_seconds(parts: list[Changes], outside: list[Interval], expected: tuple[float, float]) -> None:
    """Of 100 seconds, those that count and those of them that were down."""
    assert availability(parts, (0, 100), outside) == Availability(*expected)


changes = st.lists(st.tuples(st.integers(-20, 120), st.sampled_from([UP, DOWN, UNKNOWN])), max_size=8).map(
    lambda every: sorted(every, key=lambda change: change[0])
)
intervals = st.lists(st.tuples(st.integers(-20, 120), st.integers(-20, 120)).map(lambda ends: (min(ends), max(ends))))


@given(st.lists(changes, max_size=3), intervals)
def test_any_past_second_by_second(parts: list[Changes], outside: list[Interval]) -> None:
    """The same as asking at each second what was then known."""
    counted = down = 0
    for second in range(100):
        if any(start <= second < end for start, end in outside):
            continue
        states = [next((up for at, up in reversed(part) if at <= second), None) for part in parts]
        if True in states:
            counted += 1
        elif states and None not in states:
            counted, down = counted + 1, down + 1
    assert availability(parts, (0, 100), outside) == Availability(counted, down)


def test_only_no_is_downtime() -> None:
    """Some rails or all: customers can pay."""
    spans = [PayabilitySpan("shop", Rail.ONCHAIN, at, answer) for at, answer in enumerate(CanPay)]
    assert [up for _, up in payable(reversed(spans))] == [True, True, False, None]

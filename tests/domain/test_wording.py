"""How figures are written in sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.domain.wording import clause, count, duration, listing, moment, percent, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.004, "4 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1 s"),
        (1, "1 s"),
        (59.7, "1 min"),
        (125, "2 min 5 s"),
        (3_605, "1 h"),
        (5_400, "1 h 30 min"),
        (90_061, "1 d 1 h"),
        (30 * 86_400, "30 d"),
    ],
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    """The two largest that stand side by side; what is finer does not matter any more."""
    assert duration(seconds) == text


@given(st.floats(1, 1e9))
def test_a_duration_is_never_off_by_more_than_its_last_unit(seconds: float) -> None:
    """Cut, never rounded up: by less than one of the smaller unit beside the largest."""
    widths = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
    words = duration(seconds).split()
    told = sum(int(figure) * widths[unit] for figure, unit in zip(words[::2], words[1::2], strict=True))
    largest = widths[words[1]]
    assert 0 <= round(seconds) - told < max(1, {86_400: 3_600, 3_600: 60, 60: 1, 1: 1}[largest])


def test_a_moment_is_in_utc() -> None:
    """Nobody has to guess whose time it is."""
    assert moment(1_800_000_000.9) == "2027-01-15 08:00:00 UTC"


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.00123, "0.12 %"), (0.042, "4.2 %"), (1 / 3, "33.3 %"), (1, "100 %")]
)
def test_shares(share: float, text: str) -> None:
    """The digits that matter."""
    assert percent(share) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1 kB"),
        (999_600, "1 MB"),
        (93_100_000_000, "93.1 GB"),
        (5e15, "5,000 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    """Decimal units, three digits."""
    assert size(count) == text


def test_counts_and_lists() -> None:
    """One is not many, and a long list is cut."""
    assert (count(1, "block"), count(0, "block"), count(1_234, "block")) == ("1 block", "0 blocks", "1,234 blocks")
    assert [listing(list("abcde")[:n]) for n in range(6)] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and 1 more",
        "a, b, c and 2 more",
    ]


@given(st.text(max_size=500))
def test_a_clause_fits_into_a_sentence(text: str) -> None:
    """Whatever a system says: one line, no full stop at its end, never empty, 200 characters at most."""
    tail = clause(text)
    assert tail
    assert len(tail) <= 200
    assert len(tail.splitlines()) == 1
    assert not tail.endswith((".", " "))

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lnwatch.sources.lnd.ranges import Range, cover, gone

INDICES = st.lists(st.integers(1, 2_000), unique=True).map(sorted)


@given(INDICES, st.integers(1, 300))
def test_cover_holds_all(indices: list[int], size: int) -> None:
    """Every index lies in a page, no page is without use, and none overlap."""
    pages = cover(indices, size, pages=10_000)
    assert all(any(page.offset < index <= page.offset + size for page in pages) for index in indices)
    assert all(page.offset + 1 in indices for page in pages)
    assert all(later.offset >= earlier.offset + size for earlier, later in pairwise(pages))


@given(INDICES, st.integers(1, 300), st.integers(1, 5))
def test_cover_is_bounded(indices: list[int], size: int, most: int) -> None:
    """A run asks for so many pages at most, those of the first indices."""
    assert cover(indices, size, most) == cover(indices, size, 10_000)[:most]


@given(st.sets(st.integers(1, 200)), st.integers(0, 150), st.integers(1, 60), st.sets(st.integers(1, 200)))
def test_gone_are_exactly_those_proved_missing(there: set[int], offset: int, size: int, expected: set[int]) -> None:
    """A row counts as deleted when the page would have held it, and never otherwise."""
    present = sorted(index for index in there if index > offset)[:size]
    lost = gone(expected, Range(offset, size), present)
    assert not lost & there
    end = present[-1] if len(present) == size else 1_000
    assert lost == {index for index in expected - there if offset < index <= end}

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.sources.host.disks import FileSystem, FillRates, look

START = 1_800_000_000.0


def at(used: int) -> FileSystem:
    return FileSystem(10**12, used, 10**12 - used, 1_000, 900)


def fill(rates: FillRates, *, seconds: int, every: int, speed: int, begin: float = START) -> float | None:
    """Keep samples of a disk that fills by `speed` bytes a second; the rate at the end."""
    now, used = begin, 0
    for elapsed in range(0, seconds + 1, every):
        now, used = begin + elapsed, 1_000 + elapsed * speed
        rates.keep({"/": at(used)}, now)
    return rates.rate("/", used, now)


def test_file_system_of_a_path(tmp_path: Path) -> None:
    """The figures are those of the file system that holds the path."""
    found, expected = look(str(tmp_path)), os.statvfs(tmp_path)
    assert found.total == expected.f_blocks * expected.f_frsize
    assert 0 < found.free <= found.total - found.used
    assert found.inodes_total == expected.f_files


@pytest.mark.parametrize("seconds", [0, 30, 1_800, 3_570])
def test_no_rate_before_an_hour(seconds: int) -> None:
    """Until there is an hour to look at there is no rate."""
    assert fill(FillRates(), seconds=seconds, every=30, speed=7) is None


@pytest.mark.parametrize("speed", [-1, 0, 5, 1_000_000])
def test_rate(speed: int) -> None:
    """After an hour the rate is that of the hour, whichever way it goes, and it takes few samples."""
    rates = FillRates()
    assert fill(rates, seconds=10_800, every=30, speed=speed) == pytest.approx(speed)
    assert len(rates.samples["/"]) <= 14


def test_rate_is_of_the_last_hour_alone() -> None:
    """What happened before the last hour is forgotten within five minutes."""
    rates = FillRates()
    fill(rates, seconds=7_200, every=30, speed=1_000)
    end = START + 7_200
    for elapsed in range(30, 3_930, 30):
        rates.keep({"/": at(7_201_000)}, end + elapsed)
    assert rates.rate("/", 7_201_000, end + 3_900) == 0


def test_restart() -> None:
    """A short restart loses nothing; after a long one an hour is waited for again."""
    before = FillRates()
    fill(before, seconds=7_200, every=30, speed=10)
    after = FillRates.load(before.dump(), ["/"])
    assert after == before
    now = START + 7_200 + 1_200
    after.keep({"/": at(73_000)}, now)
    assert after.rate("/", 73_000, now) is not None
    late = FillRates.load(before.dump(), ["/"])
    late.keep({"/": at(73_000)}, now + 90_000)
    assert late.rate("/", 73_000, now + 90_000) is None
    assert FillRates.load(before.dump(), ["/data"]).samples == {}


def test_clock_that_goes_back() -> None:
    """Samples from a future that was taken back are dropped."""
    rates = FillRates()
    fill(rates, seconds=7_200, every=30, speed=10)
    assert rates.keep({"/": at(5)}, START - 10)
    assert rates.samples == {"/": [(START - 10, 5)]}


def test_path_that_is_away_for_a_moment_keeps_its_past() -> None:
    """A path that could not be asked this time has its samples still."""
    rates = FillRates()
    fill(rates, seconds=3_600, every=30, speed=10)
    rates.keep({}, START + 3_630)
    assert rates.rate("/", 37_300, START + 3_630) == pytest.approx(10)


@settings(deadline=None)
@given(
    st.one_of(
        st.none(),
        st.text(max_size=50),
        st.recursive(
            st.integers() | st.text() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        ).map(json.dumps),
    )
)
def test_stored_text_that_is_something_else(text: str | None) -> None:
    """A cursor that can't be read is forgotten, and never an error."""
    assert isinstance(FillRates.load(text, ["/"]).samples, dict)

"""A channel's pace, its pauses, and when its trouble is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.fields import Settings
from lnwatch.notify import DeliveryError, Failure, NotifierKind
from lnwatch.notify._lane import FAILING_AFTER, LOST_FOR, WAIT_MAX, Bucket, Lane, backoff
from lnwatch.notify._tally import EDGES, Latency, Tally
from tests.manual_clock import ManualClock
from tests.notify.doubles import Telegraph


def no_jitter(low: float, _: float) -> float:
    return low


def lane(clock: ManualClock, per_minute: float = 60, burst: int = 3) -> Lane:
    kind = NotifierKind("telegraph", Settings, lambda *_: Telegraph(), per_minute, burst)
    return Lane("ops", Telegraph(), kind, clock)


def error(failure: Failure, retry_after: float | None = None) -> DeliveryError:
    return DeliveryError(failure, "the wire is cut", retry_after=retry_after)


def test_waits_double_up_to_a_limit() -> None:
    """2, 4, 8 seconds and so on, a minute at most."""
    assert [backoff(tries, None, no_jitter) for tries in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


@given(st.integers(1, 10_000), st.none() | st.floats(0, 3_600))
def test_service_s_own_wish_is_a_lower_bound(tries: int, retry_after: float | None) -> None:
    """However often it was tried: never before the service allows it, never later than the limit otherwise."""
    wait = backoff(tries, retry_after)
    assert wait >= (retry_after or 2.0)
    assert wait <= max(WAIT_MAX, retry_after or 0.0)


@given(st.integers(1, 200), st.integers(1, 30), st.lists(st.floats(0, 20), max_size=60))
def test_bucket_never_exceeds_its_rate(per_minute: int, burst: int, pauses: list[float]) -> None:
    """Over any stretch of time no more is taken than the burst and what came back."""
    bucket, now, taken = Bucket(per_minute / 60, burst), 0.0, 0
    for pause in pauses:
        now += pause
        while bucket.wait(now) == 0:
            bucket.take(now)
            taken += 1
        assert taken <= burst + now * per_minute / 60 + 1e-6


def test_bucket_says_when_the_next_one_may_go() -> None:
    """After the burst, a token a second; the wait is exact, and after it one goes."""
    bucket = Bucket(1.0, 2)
    bucket.take(0.0)
    bucket.take(0.0)
    assert bucket.wait(0.25) == pytest.approx(0.75)
    assert bucket.wait(1.0) == 0


async def test_failure_pauses_the_channel_and_success_ends_it() -> None:
    """Everything waits as long as the service asks; the pauses grow with failures in a row."""
    clock = ManualClock()
    found = lane(clock)
    assert found.delay() == 0
    found.failed(error(Failure.RATE_LIMITED, retry_after=30))
    assert found.delay() == 30
    await clock.advance(30)
    assert found.delay() == 0
    found.failed(error(Failure.SERVER))
    assert 4 <= found.delay() <= 5
    await clock.advance(5)
    found.succeeded()
    found.failed(error(Failure.SERVER))
    assert 2 <= found.delay() <= 3


async def test_trouble_is_told_after_minutes_without_a_success() -> None:
    """A short outage is nobody's business; a long one is, from its beginning, until something leaves again."""
    clock = ManualClock()
    found, began = lane(clock), clock.now()
    found.failed(error(Failure.UNREACHABLE))
    assert found.episode() is None
    await clock.advance(FAILING_AFTER)
    found.failed(error(Failure.SERVER))
    episode = found.episode()
    assert episode is not None
    assert (episode.start, episode.end, episode.words) == (began, None, "the wire is cut")
    found.succeeded()
    assert found.episode() is None


async def test_refused_channel_is_told_until_it_works_again() -> None:
    """A wrong credential is told at once, with how many messages it keeps, each counted once."""
    clock = ManualClock()
    found = lane(clock)
    assert found.parked(error(Failure.REJECTED), ["a", "b"]) == 2
    assert found.parked(error(Failure.REJECTED), ["a", "b", "c"]) == 1
    await clock.advance(100_000)
    episode = found.episode()
    assert episode is not None
    assert episode.words == "3 messages could not be sent: the wire is cut"
    found.succeeded()
    assert found.episode() is None


async def test_lost_message_stays_on_show_for_a_while() -> None:
    """A message that the service will never take is told though the others leave."""
    clock = ManualClock()
    found = lane(clock)
    found.parked(error(Failure.INVALID), ["a"])
    found.succeeded()
    await clock.advance(LOST_FOR - 1)
    found.parked(error(Failure.INVALID), ["b"])
    await clock.advance(LOST_FOR - 1)
    episode = found.episode()
    assert episode is not None
    assert episode.words == "2 messages could not be sent: the wire is cut"
    await clock.advance(1)
    assert found.episode() is None


def test_counters_exist_from_the_start() -> None:
    """Every channel and outcome is there, at 0."""
    tally = Tally(("ops", "page"))
    assert set(tally.outcomes.values()) == {0}
    assert len(tally.outcomes) == 6
    assert set(tally.latencies) == {"ops", "page"}


@given(st.lists(st.floats(-10, 100_000)))
def test_latencies_are_a_histogram(seconds: list[float]) -> None:
    """Each falls under the smallest edge that it does not exceed; a clock set back counts as no time."""
    latency = Latency()
    for each in seconds:
        latency.observe(each)
    assert sum(latency.counts) == len(seconds)
    assert latency.total == pytest.approx(sum(max(0.0, each) for each in seconds))
    for place, edge in enumerate(EDGES):
        assert sum(latency.counts[: place + 1]) == sum(each <= edge for each in seconds)

"""KPIs from sums over windows are those of the raw orders, counted one by one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from math import isclose
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.domain import kpi
from lnwatch.domain.kpi import Buckets, Input, Watched, figures, wilson
from lnwatch.domain.tally import BLOCKS, SECONDS, contribution
from lnwatch.model.kpi import CanPay, Kpi, KpiFigure, PayabilitySpan, Targets
from lnwatch.model.order import Leg, Order, Rail
from lnwatch.model.silence import Silence, SilenceKind
from lnwatch.model.snapshot import TargetState
from lnwatch.model.tally import Sum
from lnwatch.model.view import StateSpan
from tests.domain.plainly import DAY, HOUR, STORES, Plainly, purchases
from tests.domain.purchases import NOW, leg, order

Key = tuple[Kpi, str, Rail | None, int]


def usual(_store: str, _rail: Rail | None) -> Targets:
    return Targets()


def summed(orders: Iterable[Order], window: int, at: float = NOW) -> list[Sum]:
    """What a ledger would hold of them in the buckets of the window."""
    sums: dict[tuple[str, str, int], list[int]] = defaultdict(lambda: [0, 0])
    for each in orders:
        for share in contribution(each).shares:
            for part in kpi.buckets(window, at):
                start = int(share.at // part.width) * part.width
                if part.since <= start < part.until:
                    sums[share.subject, share.series, start][0] += share.n
                    sums[share.subject, share.series, start][1] += share.amount
    return [Sum(*key, *told) for key, told in sums.items()]


def given_by(orders: Iterable[Order], watched: Watched = Watched(), at: float = NOW) -> Input:  # noqa: B008 - it is frozen
    every = list(orders)
    return Input("main", at, STORES, {window: summed(every, window, at) for window in kpi.WINDOWS}, watched)


def by_key(told: Iterable[KpiFigure]) -> dict[Key, KpiFigure]:
    return {(each.kpi, each.store, each.rail, each.window): each for each in told if not each.source}


@settings(max_examples=60)
@given(st.lists(purchases(), max_size=25), st.integers(0, 10_000))
def test_any_orders_give_what_counting_them_gives(orders: list[Order], later: int) -> None:
    """Every KPI of orders, every store and rail, every window, whenever asked: events, bad ones and the share."""
    at = NOW + later
    told = by_key(figures(given_by(orders, at=at), usual))
    for (which, store, rail, window), figure in told.items():
        if which is Kpi.UPTIME:
            continue
        events, bad = getattr(Plainly(orders, at, store, rail, window), which.value)()
        assert (figure.events, figure.bad) == (events, bad), (which, store, rail, window)
        part = bad if which in {Kpi.FALLBACK, Kpi.REFUND} else events - bad
        assert figure.ratio == (part / events if events else None)


@settings(max_examples=30)
@given(st.lists(purchases(), max_size=15), st.randoms(use_true_random=False))
def test_sums_may_come_in_any_pieces(orders: list[Order], chance: Random) -> None:
    """Rows of single buckets, in any order, say the same as rows that were added up before."""
    whole = given_by(orders)
    added: dict[int, list[Sum]] = {}
    for window, rows in whole.sums.items():
        together: dict[tuple[str, str], Sum] = {}
        for row in rows:
            known = together.get((row.subject, row.series), Sum(row.subject, row.series, 0, 0, 0))
            together[row.subject, row.series] = replace(known, n=known.n + row.n, amount=known.amount + row.amount)
        added[window] = list(together.values())
        chance.shuffle(added[window])
    assert figures(replace(whole, sums=added), usual) == figures(whole, usual)


def test_every_figure_is_there_from_the_start() -> None:
    """Before the first order all of them stand at 0, without a share."""
    told = figures(Input("main", NOW, STORES, {}), usual)
    keys = {(each.kpi, each.store, each.rail, each.window) for each in told}
    assert len(keys) == len(told) == 4 * 3 * (3 * 4 + 3)  # windows, places; four KPIs for each rail, three for one
    assert {(each.events, each.bad, each.ratio, each.low, each.high) for each in told} == {(0, 0, None, None, None)}
    assert {each.kpi for each in told} == set(Kpi)


@pytest.mark.parametrize(
    ("good", "events", "low", "high"),
    [
        (18, 20, 0.6990, 0.9721),
        (20, 20, 0.8389, 1.0),
        (0, 20, 0.0, 0.1611),
        (0, 1, 0.0, 0.7935),
        (95, 100, 0.8882, 0.9785),
    ],
)
def test_wilson(good: int, events: int, low: float, high: float) -> None:
    """The textbook's figures: 18 of 20 lie between 70 and 97 %."""
    between = wilson(good, events)
    assert between is not None
    assert [round(each, 4) for each in between] == [low, high]


@given(st.integers(1, 400), st.data())
def test_wilson_holds_the_share(events: int, data: st.DataObject) -> None:
    """The share lies inside, and at each end it is as far off as 95 % allow."""
    good = data.draw(st.integers(0, events))
    between = wilson(good, events)
    assert between is not None
    assert 0 <= between[0] <= good / events <= between[1] <= 1
    for end in between:
        if 0 < end < 1:
            off = good / events - end
            assert isclose(off * off, 1.959964**2 * end * (1 - end) / events, rel_tol=1e-4, abs_tol=1e-9)


def test_only_trials_have_an_interval() -> None:
    """Uptime is time, not trials."""
    spans = (PayabilitySpan("shop", Rail.LIGHTNING, NOW - DAY, CanPay.YES),)
    told = figures(given_by([order()], Watched(payability=spans)), usual)
    assert all((each.low is not None) is (each.ratio is not None) for each in told if each.kpi is not Kpi.UPTIME)
    assert all(each.low is None and each.high is None for each in told if each.kpi is Kpi.UPTIME)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        (HOUR, NOW, [Buckets(int(NOW) - HOUR, int(NOW) + HOUR, HOUR)]),
        (HOUR, NOW + 299.9, [Buckets(int(NOW) - HOUR, int(NOW) + HOUR, HOUR)]),
        (
            DAY,
            NOW + 301,
            [
                Buckets(int(NOW) + 300 - DAY, int(NOW) + HOUR - DAY, 300),
                Buckets(int(NOW) + HOUR - DAY, int(NOW) + HOUR, HOUR),
            ],
        ),
        (30 * DAY, NOW + 3_599, [Buckets(int(NOW) - 30 * DAY, int(NOW) + HOUR, HOUR)]),
    ],
)
def test_buckets_cover_the_window(window: int, at: float, expected: list[Buckets]) -> None:
    """Small buckets up to the first full hour, hours from there on; what is older than small ones is in hours."""
    assert list(kpi.buckets(window, at)) == expected


@given(st.sampled_from(list(kpi.WINDOWS)), st.floats(1e9, 3e9))
def test_buckets_follow_each_other(window: int, at: float) -> None:
    """Without a gap, from at most a bucket before the window to the end of the present hour."""
    parts = kpi.buckets(window, at)
    assert 0 <= at - window - parts[0].since < parts[0].width
    assert [part.until for part in parts[:-1]] == [part.since for part in parts[1:]]
    assert parts[-1].until - HOUR <= at < parts[-1].until
    assert all(part.since % part.width == 0 and part.since < part.until for part in parts)


def test_targets_are_each_rails_own() -> None:
    """What counts as fast, and what a share is held against, is asked for each store and rail."""
    slow = order(legs=(leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 7.5),))

    def patient(store: str, rail: Rail | None) -> Targets:
        return (
            Targets(lightning_within=8, lightning_fast=0.5)
            if (store, rail) == ("shop", Rail.LIGHTNING)
            else usual(store, rail)
        )

    told = by_key(figures(given_by([slow]), patient))
    mine, whole = (told[Kpi.LIGHTNING_FAST, store, Rail.LIGHTNING, HOUR] for store in ("shop", ""))
    assert (mine.bad, mine.target, whole.bad, whole.target) == (0, 0.5, 1, 0.95)
    assert mine.mean_seconds == 7.5
    assert told[Kpi.CONVERSION, "shop", Rail.LIGHTNING, HOUR].target is None


@pytest.mark.parametrize("edge", SECONDS)
def test_any_edge_of_time_may_be_the_limit(edge: float) -> None:
    """What lies at it is fast and what lies above is not."""
    orders = [order(legs=(leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, seconds),)) for seconds in (edge, edge + 0.001)]
    told = by_key(figures(given_by(orders), lambda _store, _rail: Targets(lightning_within=edge)))
    figure = told[Kpi.LIGHTNING_FAST, "", Rail.LIGHTNING, HOUR]
    assert (figure.events, figure.bad) == (2, 1)


@pytest.mark.parametrize("edge", BLOCKS)
def test_any_edge_of_blocks_may_be_the_limit(edge: float) -> None:
    """The same on the chain."""
    waits = (leg(Leg.SEEN_CONFIRMED, Rail.ONCHAIN, 60, blocks) for blocks in (int(edge), int(edge) + 1))
    orders = [order(rail=Rail.ONCHAIN, legs=(wait,)) for wait in waits]
    told = by_key(figures(given_by(orders), lambda _store, _rail: Targets(onchain_within=int(edge))))
    figure = told[Kpi.ONCHAIN_FAST, "", Rail.ONCHAIN, HOUR]
    assert (figure.events, figure.bad) == (2, 1)


def test_components_have_an_uptime_of_their_own() -> None:
    """By their states; while one rejects our credential nobody knows."""
    states = (
        StateSpan("core", NOW - 2 * DAY, TargetState.UP, "31"),
        StateSpan("core", NOW - 600, TargetState.SYNCING, "31"),
        StateSpan("core", NOW - 300, TargetState.REJECTED, "31"),
    )
    told = [each for each in figures(given_by([], Watched(states=states)), usual) if each.source == "core"]
    assert [(each.window, each.events, each.bad) for each in told[:2]] == [(HOUR, 3_300, 300), (DAY, DAY - 300, 300)]


def test_maintenance_of_one_store_is_its_own() -> None:
    """The window leaves the SLI of what it speaks of, and a silence leaves nothing."""
    spans = tuple(PayabilitySpan(store, Rail.ONCHAIN, NOW - HOUR, CanPay.NO) for store in STORES)
    windows = (
        Silence("m", SilenceKind.MAINTENANCE, "a", "r", NOW - 1_800, NOW, subject="store:shop"),
        Silence("s", SilenceKind.SILENCE, "a", "r", NOW - HOUR, NOW),
        Silence("o", SilenceKind.MAINTENANCE, "a", "r", NOW - HOUR, NOW, site="other"),
        Silence("r", SilenceKind.MAINTENANCE, "a", "r", NOW - HOUR, NOW, rule="tls_expiring"),
    )
    told = by_key(figures(given_by([], Watched(payability=spans, silences=windows)), usual))
    assert [told[Kpi.UPTIME, store, Rail.ONCHAIN, HOUR].events for store in ("shop", "bar", "")] == [
        1_800,
        3_600,
        5_400,
    ]
    assert told[Kpi.UPTIME, "", Rail.ONCHAIN, HOUR].ratio == 0

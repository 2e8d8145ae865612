"""Rule `clock_skew`: their clock against ours."""

import pytest

from lnwatch.rules.clock_skew import RULE
from tests.rules.views import core_status, judged, make_target, make_view, stale
from tests.shops import btcpay_status


@pytest.mark.parametrize(("offset", "words"), [(95.0, "1 min 35 s ahead of"), (-3_700.0, "1 h 1 min behind")])
def test_found_either_way(offset: float, words: str) -> None:
    """Which way it is off tells which clock to look at first."""
    core = make_target("bitcoind", {"status": core_status(clock_offset=offset)})
    assert judged(RULE, make_view(core), core).only.sentence == (
        f"The clock of source:core (bitcoind) is {words} lnwatch's (limit 30 s): one is wrong."
    )


@pytest.mark.parametrize(
    ("offset", "found"), [(30.0, False), (-30.0, False), (30.1, True), (-30.1, True), (0.0, False)]
)
def test_edge(offset: float, found: bool) -> None:
    """Exactly the limit is within it."""
    core = make_target("bitcoind", {"status": core_status(clock_offset=offset)})
    assert bool(judged(RULE, make_view(core), core).found) is found


@pytest.mark.parametrize(("offset", "found"), [(0.2, False), (31.0, True), (None, False)])
def test_of_a_btcpay_server(offset: float | None, found: bool) -> None:
    """Its clock says when invoices were made and expire."""
    pay = make_target("btcpay", {"status": btcpay_status(clock_offset=offset)}, slug="pay")
    told = judged(RULE, make_view(pay), pay)
    assert list(told.found) == (["source:pay"] if found else [])
    assert bool(told.unknown) is (offset is None)


def test_unknown_without_a_time() -> None:
    """No Date header and no fresh answer tell nothing."""
    core = make_target("bitcoind", {"status": core_status(clock_offset=None)})
    assert list(judged(RULE, make_view(core), core).unknown) == ["source:core"]
    old = stale(make_target("bitcoind", {"status": core_status(clock_offset=99.0)}))
    assert list(judged(RULE, make_view(old), old).unknown) == ["source:core"]


def test_nonsense_is_refused() -> None:
    """Clocks are never equal."""
    with pytest.raises(ValueError, match="`offset_seconds` must be above 0"):
        RULE.thresholds(offset_seconds=0)

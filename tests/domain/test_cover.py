"""What a node could receive and is expected to, as far as both are known."""

import pytest

from lnwatch.domain.cover import basis, demand_of, liquidity_of
from lnwatch.domain.window import DAY
from lnwatch.model.kpi import Demand
from lnwatch.model.rule import Unknown
from lnwatch.model.view import ShopView
from tests.assessments import NOW
from tests.rules.views import make_target, make_view, stale
from tests.shops import demand, shop

NODE = make_target("lnd")


def test_liquidity_is_that_of_fresh_channels() -> None:
    """What was reckoned of an old list is not known."""
    view = make_view(NODE)
    assert liquidity_of(view, NODE) is view.liquidity["ln1"]
    old = stale(NODE, "channels")
    told = liquidity_of(make_view(old), old)
    assert isinstance(told, Unknown)
    assert told.subject == "node:ln1"


@pytest.mark.parametrize(
    ("shops", "demands", "known"),
    [
        pytest.param([shop()], [demand()], True, id="read just now"),
        pytest.param([shop(read_until=NOW - DAY)], [demand()], True, id="read a day ago"),
        pytest.param([shop(read_until=NOW - DAY - 1)], [demand()], False, id="longer ago"),
        pytest.param([shop(), shop(store="bar", read_until=None)], [demand()], False, id="one of two never"),
        pytest.param([shop(node="ln2")], [demand()], False, id="no store on it"),
        pytest.param([shop()], [], False, id="no demand"),
    ],
)
def test_demand_is_that_of_stores_that_are_read(shops: list[ShopView], demands: list[Demand], known: bool) -> None:
    """It changes over days, so that a day may pass."""
    told = demand_of(make_view(NODE, shops=shops, demand=demands), NODE)
    assert isinstance(told, Demand) is known
    if isinstance(told, Unknown):
        assert told.subject == "node:ln1"
        assert told.why


@pytest.mark.parametrize(
    ("days", "sure", "words"),
    [
        (30, True, "30 days"),
        (1, False, "1 day, too little to be sure"),
        (0, False, "what is declared alone, too little to be sure"),
    ],
)
def test_basis(days: int, sure: bool, words: str) -> None:
    """On how much an expectation stands is said with it."""
    assert basis(demand(days=days, sure=sure)) == words

"""Rule `settlement_slow`: paid, and nobody at the counter knows it."""

import pytest

from lnwatch.model.order import Leg, Order, Rail
from lnwatch.model.rule import Severity
from lnwatch.rules.settlement_slow import RULE
from tests.rules.views import judged, make_target, make_view, stale
from tests.shops import leg, order, shop

SERVER = make_target("btcpay")


def timed(index: int, seconds: float) -> Order:
    return order(index, legs=(leg(seconds),))


def settled(slow: int, quick: int, seconds: float = 8.0) -> list[Order]:
    return [timed(index, seconds if index < slow else 1.0) for index in range(slow + quick)]


@pytest.mark.parametrize(
    ("slow", "quick", "found"),
    [
        pytest.param(0, 60, False, id="none"),
        pytest.param(2, 0, False, id="both, but they are two"),
        pytest.param(3, 0, True, id="three of three"),
        pytest.param(3, 57, False, id="exactly 5 % of 60"),
        pytest.param(4, 56, True, id="above 5 % of 60"),
        pytest.param(3, 56, True, id="above 5 % of 59"),
    ],
)
def test_edge(slow: int, quick: int, found: bool) -> None:
    """More than 5 % of the last 60, and three at least: two slow ones of four are bad luck."""
    view = make_view(SERVER, shops=[shop(settled=settled(slow, quick))])
    assert bool(judged(RULE, view, SERVER).found) is found


@pytest.mark.parametrize(("seconds", "found"), [(5.0, False), (5.001, True)])
def test_edge_of_the_target(seconds: float, found: bool) -> None:
    """Five seconds are in time."""
    view = make_view(SERVER, shops=[shop(settled=settled(3, 0, seconds))])
    assert bool(judged(RULE, view, SERVER).found) is found


def test_the_legs_are_added_and_the_slowest_is_named() -> None:
    """Three stretches that are quick by themselves are slow together; the sentence says where most of it was lost."""
    legs = (leg(1.0, Leg.ACCEPT_SETTLE), leg(2.0, Leg.SETTLE_BTCPAY), leg(3.0, Leg.BTCPAY_WEBHOOK))
    view = make_view(SERVER, shops=[shop(settled=[order(index, legs=legs) for index in range(4)])])
    finding = judged(RULE, view, SERVER).only
    assert finding.subject == "store:shop"
    assert finding.sentence == (
        "4 of the last 4 Lightning settlements of store:shop (100 %) took too long, the slowest 6 s; most of it was "
        "lost from BTCPay to the shop (limit 5 % over 5 s)."
    )
    assert finding.severity is None
    assert RULE.severity is Severity.WARNING


def test_of_several_payments_of_an_order_the_slowest_counts() -> None:
    """Two payments beside each other are not one after the other."""
    both = (leg(4.0), leg(3.0))
    view = make_view(SERVER, shops=[shop(settled=[order(index, legs=both) for index in range(4)])])
    assert judged(RULE, view, SERVER).clear


def test_a_new_slow_one_is_new_evidence() -> None:
    """What was closed by hand stays closed until it happens again."""
    slow, quick, again = settled(3, 3), timed(-1, 1.0), timed(-2, 9.0)
    told = [
        judged(RULE, make_view(SERVER, shops=[shop(settled=each)]), SERVER).only.evidence
        for each in (slow, [*slow, quick], [*slow, quick, again])
    ]
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize(
    "orders",
    [
        pytest.param([], id="nothing settled yet"),
        pytest.param([order(index) for index in range(9)], id="no leg could be seen"),
        pytest.param([order(index, legs=(leg(9.0),), business=False) for index in range(9)], id="no business"),
        pytest.param(
            [order(index, Rail.ONCHAIN, legs=(leg(900.0, Leg.SEEN_CONFIRMED, 1),)) for index in range(9)],
            id="on the chain alone",
        ),
    ],
)
def test_unknown_where_nothing_was_timed(orders: list[Order]) -> None:
    """What can't be measured is not in time."""
    told = judged(RULE, make_view(SERVER, shops=[shop(settled=orders)]), SERVER)
    assert told.unknown["store:shop"].startswith("no Lightning settlement of store:shop was timed yet")
    assert not told.found


def test_unknown_before_the_store_is_known() -> None:
    """A store without a row in the View is a store without settlements."""
    assert list(judged(RULE, make_view(SERVER), SERVER).unknown) == ["store:shop"]


def test_unknown_while_the_store_is_not_read() -> None:
    """What was slow then says nothing of now."""
    old = stale(SERVER, "invoices_shop")
    told = judged(RULE, make_view(old, shops=[shop(settled=settled(9, 0))]), old)
    assert not told.found
    assert "`invoices_shop` has nothing fresh" in told.unknown["store:shop"]


def test_nonsense_is_refused() -> None:
    """Each limit has its range."""
    with pytest.raises(ValueError, match="`share` is a share"):
        RULE.thresholds(share=1.5)
    with pytest.raises(ValueError, match="`least` must be above 0"):
        RULE.thresholds(least=0)

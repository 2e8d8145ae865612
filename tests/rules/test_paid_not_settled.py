"""Rule `paid_not_settled`: the node has the money, BTCPay does not know."""

import pytest

from lnwatch.model.btcpay import StoreMethod
from lnwatch.model.merchant import Method
from lnwatch.model.order import Trouble
from lnwatch.model.snapshot import TargetState
from lnwatch.model.view import TargetView
from lnwatch.rules.paid_not_settled import RULE
from tests.assessments import NOW
from tests.rules.troubles import NODE, SERVER, exception, hold_to_the_queue, holding
from tests.rules.views import failing, judged, make_target, make_view, stale
from tests.shops import shop, store_settings

MINE = Trouble.PAID_NOT_SETTLED


def test_it_keeps_the_promises_of_the_queue() -> None:
    """Its own kind alone, each subject once, never over while BTCPay is not read."""
    hold_to_the_queue(RULE, MINE)


@pytest.mark.parametrize(("age", "found"), [(179, False), (180, True), (86_400, True)])
def test_three_minutes_are_the_limit(age: float, found: bool) -> None:
    """BTCPay has to be read three minutes after the node took the money: the clock alone proves nothing."""
    view = holding(exception(MINE, since=NOW - age))
    assert bool(judged(RULE, view, SERVER).found) is found
    late = holding(exception(MINE, since=NOW - age - 60), read_until=NOW - 60)
    assert bool(judged(RULE, late, SERVER).found) is found


def test_the_limit_can_be_set() -> None:
    """A store whose BTCPay is slow to listen gets longer."""
    view = holding(exception(MINE, since=NOW - 200))
    assert judged(RULE, view, SERVER, grace_seconds=300).clear


@pytest.mark.parametrize(
    "node",
    [
        pytest.param(stale(NODE, "invoices"), id="not read lately"),
        pytest.param(make_target("lnd"), id="never read"),
        pytest.param(failing(NODE, TargetState.DOWN), id="node away"),
    ],
)
def test_blind_without_the_node(node: TargetView) -> None:
    """What it took meanwhile is not known; what was found before goes on."""
    verdict = judged(RULE, holding(exception(MINE), node=node), SERVER)
    assert set(verdict.found) == {"invoice:inv1"}
    assert set(verdict.unknown) == {None}
    assert "ln1" in str(verdict.unknown[None])


def test_blind_where_no_node_is_known() -> None:
    """Coverage tells that this can't be seen for the store."""
    verdict = judged(RULE, make_view(SERVER, NODE, shops=[shop(node=None)]), SERVER)
    assert verdict.unknown == {None: "no Lightning node is known to stand behind store shop"}


def test_a_store_without_lightning_needs_no_node() -> None:
    """Nothing can come to a node that no customer is sent to."""
    chain = store_settings(methods=(StoreMethod("BTC-CHAIN", Method.CHAIN, enabled=True),))
    server = make_target("btcpay", {"store_shop": chain})
    assert judged(RULE, make_view(server, NODE, shops=[shop(node=None)]), server).clear


def test_nonsense_is_refused() -> None:
    """No time at all would find each payment."""
    with pytest.raises(ValueError, match="`grace_seconds` must be above 0"):
        RULE.thresholds(grace_seconds=0)

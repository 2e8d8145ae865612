"""Stores as the exporter sees them: with orders counted, invoices open, KPIs reckoned and demand known."""

from dataclasses import replace
from typing import Any

from lnwatch.domain import tally
from lnwatch.domain.kpi import Input, figures
from lnwatch.model.assessment import Assessment
from lnwatch.model.kpi import CanPay, Demand, Payability, Targets
from lnwatch.model.money import msat
from lnwatch.model.order import Leg, Order, Rail
from lnwatch.model.tally import Sum
from lnwatch.model.view import ShopView
from tests import assessments as build
from tests.domain.purchases import leg, order

LIGHTNING = order(
    legs=(
        leg(Leg.ACCEPT_SETTLE, Rail.LIGHTNING, 0.25, at=build.NOW - 62),
        leg(Leg.SETTLE_BTCPAY, Rail.LIGHTNING, 5.0, at=build.NOW - 57.5),
    ),
    refunded_at=build.NOW,
)
ONCHAIN = order(rail=Rail.ONCHAIN, legs=(leg(Leg.SEEN_CONFIRMED, Rail.ONCHAIN, 1_234.5, 2, at=build.NOW - 900),))


def shop(*orders: Order, **changes: Any) -> ShopView:  # noqa: ANN401 - a table of fields
    """A store whose settled orders are these."""
    counters: dict[str, int] = {}
    for each in orders:
        told = tally.contribution(each)
        for name, value in (*told.counters.items(), *told.later.items()):
            counters[name] = counters.get(name, 0) + value
    usual = ShopView(
        store="shop",
        source="pay",
        node="ln1",
        read_until=build.NOW,
        open_count=7,
        settlements={rail: tuple(each for each in orders if each.rail is rail) for rail in tally.PAYING_RAILS},
        counters=counters,
        payability=(
            Payability("shop", Rail.LIGHTNING, CanPay.YES, ()),
            Payability("shop", Rail.ONCHAIN, CanPay.NO, ("core is down",)),
            Payability("shop", None, CanPay.PARTLY, ("core is down",)),
        ),
    )
    return replace(usual, **changes)


def summed(*orders: Order) -> list[Sum]:
    """The sums of these orders, whenever they were."""
    shares = [share for each in orders for share in tally.contribution(each).shares]
    return [Sum(share.subject, share.series, 0, share.n, share.amount) for share in shares]


def demand(**changes: Any) -> Demand:  # noqa: ANN401 - a table of fields
    """A third of what the node could receive."""
    usual = Demand("ln1", msat(2_000_000), msat(20_000), msat(90_000), 0.5, 40, 30, sure=True)
    return replace(usual, **changes)


def shopkeeper(*orders: Order, **changes: Any) -> Assessment:  # noqa: ANN401 - fields of the View
    """A merchant with one store, whose BTCPay Server was read just now."""
    pay = build.target("pay", "btcpay", {}, version="2.4.1")
    pay = replace(pay, collectors={"invoices_shop": build.health("invoices_shop", interval=60.0)})
    whole = build.merchant(more=[pay])
    view = whole.views["main"]
    kpis = figures(Input("main", build.NOW, ("shop",), {3_600: summed(*orders)}), lambda _store, _rail: Targets())
    usual = replace(view, shops={"shop": shop(*orders)}, demand={"ln1": demand()}, kpis=kpis)
    return replace(whole, views={"main": replace(usual, **changes)})

"""Orders for whoever counts them, with everything that a test does not care about filled in."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from lnwatch.model.merchant import Method
from lnwatch.model.money import msat
from lnwatch.model.order import InvoiceEnd, Leg, LegTime, Order, Outcome, Rail

NOW = 1_800_000_000.0
BOTH = (Method.LIGHTNING, Method.CHAIN)


def order(**changes: Any) -> Order:  # noqa: ANN401 - a table of fields
    """20,000 sat over Lightning, asked and paid a minute ago on an invoice that carried both rails."""
    usual = Order(
        store="shop",
        id="inv1",
        order_id="A-1",
        invoices=("inv1",),
        created_at=int(NOW) - 90,
        final_at=NOW - 60,
        outcome=Outcome.SETTLED,
        rail=Rail.LIGHTNING,
        methods=(Method.LIGHTNING,),
        offered=BOTH,
        currency="EUR",
        due=Decimal(10),
        paid=Decimal(10),
        paid_msat=msat(20_000),
        settled_at=NOW - 60,
        refunded_at=None,
        business=True,
        history=False,
        evidence=(),
        exceptions=(),
        legs=(),
        parts=1,
        asked_msat=msat(20_000),
        payments=(Method.LIGHTNING,),
        ends=(InvoiceEnd("inv1", Rail.LIGHTNING, Outcome.SETTLED),),
    )
    return replace(usual, **changes)


def failed(outcome: Outcome, rail: Rail = Rail.LIGHTNING, **changes: Any) -> Order:  # noqa: ANN401 - a table of fields
    """The same, unpaid: final when its retry window was over."""
    unpaid: dict[str, Any] = {
        "outcome": outcome,
        "rail": rail,
        "methods": (),
        "paid": Decimal(0),
        "paid_msat": msat(0),
        "settled_at": None,
        "parts": 0,
        "payments": (),
        "ends": (InvoiceEnd("inv1", rail, outcome),),
    }
    return order(**(unpaid | changes))


def leg(leg: Leg, rail: Rail, seconds: float, blocks: int | None = None, **changes: Any) -> LegTime:  # noqa: ANN401 - as above
    """One leg of the order's own payment."""
    return replace(LegTime("inv1", leg, rail, NOW - 60, seconds, blocks), **changes)

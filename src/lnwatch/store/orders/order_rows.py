"""Orders as rows, with what they add to the sums, and back."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from lnwatch.model.merchant import Method
from lnwatch.model.money import Msat
from lnwatch.model.order import Evidence, InvoiceEnd, LegTime, Order, Outcome, PaymentException, Rail
from lnwatch.model.tally import Contribution, Share
from lnwatch.store.orders.values import Group, Kept
from lnwatch.store.upsert import Row

EVIDENCE = TypeAdapter(tuple[Evidence, ...])
EXCEPTIONS = TypeAdapter(tuple[PaymentException, ...])
LEGS = TypeAdapter(tuple[LegTime, ...])

_NONE = "[]"
_NOTHING = "{}"
_compact = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make one each time


def order_row(group: Group, kept: Kept, watched_since: float) -> Row:
    """The row of an order, but for its sequence number and the counters that it has moved."""
    order, contribution = kept.order, kept.contribution
    return {
        "site": group.site,
        "store": group.store,
        "id": order.id,
        "group_key": group.key,
        "order_id": order.order_id,
        "invoices": json.dumps(order.invoices),
        "created_at": order.created_at,
        "final_at": order.final_at,
        "outcome": order.outcome.value,
        "rail": order.rail.value,
        "methods": _words(order.methods),
        "offered": _words(order.offered),
        "currency": order.currency,
        "due": str(order.due),
        "paid": str(order.paid),
        "paid_msat": order.paid_msat,
        "asked_msat": order.asked_msat,
        "settled_at": order.settled_at,
        "refunded_at": order.refunded_at,
        "business": order.business,
        "history": order.history,
        "evidence": _dumped(EVIDENCE, order.evidence),
        "exceptions": _dumped(EXCEPTIONS, order.exceptions),
        "troubles": len(order.exceptions),
        "live_troubles": sum(not order.history or each.since >= watched_since for each in order.exceptions),
        "legs": _dumped(LEGS, order.legs),
        "parts": order.parts,
        "payments": _words(order.payments),
        "ends": _dump_ends(order.ends),
        "due_at": kept.due_at,
        "shares": dump_shares(contribution.shares),
        "counters": json.dumps(dict(contribution.counters)) if contribution.counters else "{}",
        "later": json.dumps(dict(contribution.later)) if contribution.later else "{}",
    }


def order_of(row: Mapping[str, Any]) -> Order:
    """The order that a row is."""
    return Order(
        store=row["store"],
        id=row["id"],
        order_id=row["order_id"],
        invoices=tuple(json.loads(row["invoices"])),
        created_at=row["created_at"],
        final_at=row["final_at"],
        outcome=Outcome(row["outcome"]),
        rail=Rail(row["rail"]),
        methods=_methods(row["methods"]),
        offered=_methods(row["offered"]),
        currency=row["currency"],
        due=Decimal(row["due"]),
        paid=Decimal(row["paid"]),
        paid_msat=Msat(row["paid_msat"]),
        settled_at=row["settled_at"],
        refunded_at=row["refunded_at"],
        business=row["business"],
        history=row["history"],
        evidence=_loaded(EVIDENCE, row["evidence"]),
        exceptions=_loaded(EXCEPTIONS, row["exceptions"]),
        legs=_loaded(LEGS, row["legs"]),
        parts=row["parts"],
        sequence=row["sequence"],
        asked_msat=None if row["asked_msat"] is None else Msat(row["asked_msat"]),
        payments=_methods(row["payments"]),
        ends=_load_ends(row["ends"]),
    )


def kept_of(row: Mapping[str, Any]) -> Kept:
    """The order of a row with what it adds."""
    contribution = Contribution(load_shares(row["shares"]), json.loads(row["counters"]), json.loads(row["later"]))
    return Kept(order_of(row), contribution, row["due_at"])


def dump_shares(shares: Iterable[Share]) -> str:
    """Shares as they are stored: lists by subject, what is usual left out at their end."""
    values: dict[str, list[list[object]]] = {}
    for each in shares:
        share: list[object] = [each.series, each.at]
        if each.amount:
            share += [each.n, each.amount]
        elif each.n != 1:
            share.append(each.n)
        values.setdefault(each.subject, []).append(share)
    return _compact(values) if values else _NOTHING


def load_shares(stored: str) -> tuple[Share, ...]:
    """Shares again."""
    if stored == _NOTHING:
        return ()
    return tuple(Share(subject, *each) for subject, of in json.loads(stored).items() for each in of)


def _dump_ends(ends: Sequence[InvoiceEnd]) -> str:
    values = [[each.invoice, each.rail.value, each.outcome.value] for each in ends]
    return _compact(values) if values else _NONE


def _load_ends(stored: str) -> tuple[InvoiceEnd, ...]:
    if stored == _NONE:
        return ()
    return tuple(InvoiceEnd(name, Rail(rail), Outcome(outcome)) for name, rail, outcome in json.loads(stored))


@lru_cache(maxsize=1_000)
def _words(methods: tuple[Method, ...]) -> str:
    return json.dumps([method.value for method in methods])


@lru_cache(maxsize=1_000)
def _methods(stored: str) -> tuple[Method, ...]:
    return tuple(Method(name) for name in json.loads(stored))


def _dumped(adapter: TypeAdapter[Any], values: Sequence[object]) -> str:
    return adapter.dump_json(values).decode() if values else _NONE


def _loaded(adapter: TypeAdapter[Any], stored: str) -> Any:  # noqa: ANN401 - what the adapter is of
    return adapter.validate_json(stored) if stored != _NONE else ()

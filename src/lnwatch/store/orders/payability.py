"""Since when customers of a store can pay over a rail, or can't: a row per change."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, select

from lnwatch.model.kpi import CanPay, PayabilitySpan
from lnwatch.model.order import Rail
from lnwatch.store.order_tables import payability
from lnwatch.store.upsert import insert_new


def note_payability(connection: Connection, site: str, spans: Sequence[PayabilitySpan]) -> None:
    """Store what changed; told again it changes nothing."""
    rows = [
        {"site": site, "store": span.store, "rail": span.rail.value, "at": span.at, "answer": span.answer.value}
        for span in spans
    ]
    insert_new(connection, payability, rows)


def payability_since(connection: Connection, site: str, since: float) -> tuple[PayabilitySpan, ...]:
    """The spans that began at `since` or later, and those that were in force then; oldest first."""
    row, before = payability.c, payability.alias()
    in_force = (
        select(func.max(before.c.at))
        .where(before.c.site == row.site, before.c.store == row.store, before.c.rail == row.rail, before.c.at < since)
        .scalar_subquery()
    )
    query = (
        select(row.store, row.rail, row.at, row.answer)
        .where(and_(row.site == site, (row.at >= since) | (row.at == in_force)))
        .order_by(row.at, row.store, row.rail)
    )
    return tuple(
        PayabilitySpan(store, Rail(rail), at, CanPay(answer)) for store, rail, at, answer in connection.execute(query)
    )

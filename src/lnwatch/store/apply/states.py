"""Rows per change: of what targets are doing, of what nodes could receive and send, and of balances."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from lnwatch.store import tables
from lnwatch.store.items import LiquidityChange, StateChange
from lnwatch.store.upsert import Row, insert_new


def apply_states(connection: Connection, changes: Sequence[StateChange]) -> None:
    """Store each change that says something else than the row before it."""
    for change in changes:
        says = {"state": change.state.value, "detail": change.detail, "version": change.version}
        store_change(connection, tables.target_state, {"site": change.site, "source": change.source}, change.at, says)


def apply_liquidity(connection: Connection, changes: Sequence[LiquidityChange]) -> None:
    """Store what a node could receive and send, and what its channels hold, where it is not what it was."""
    for change in changes:
        node = {"site": change.site, "source": change.node}
        liquidity = change.liquidity
        says = {
            "inbound_msat": liquidity.inbound_msat,
            "outbound_msat": liquidity.outbound_msat,
            "receivable_one_msat": liquidity.receivable_one_msat,
            "receivable_many_msat": liquidity.receivable_many_msat,
        }
        store_change(connection, tables.liquidity_change, node, change.at, says)
        channels = change.channels.channels
        balances = {
            "channels_local": sum(channel.local_msat for channel in channels),
            "channels_remote": sum(channel.remote_msat for channel in channels),
        }
        store_balances(connection, node, change.at, balances)


def store_balances(connection: Connection, owner: Row, at: float, balances: Mapping[str, int]) -> None:
    """Store the balances of `owner` (site and source) in msat, by name, that are not what they were."""
    for name, amount in balances.items():
        store_change(connection, tables.balance_change, {**owner, "name": name}, at, {"amount_msat": amount})


def store_change(connection: Connection, table: Table, key: Row, at: float, says: Row) -> None:
    """Add the row `says` at `at`, unless the newest row of `key` is as new, or says the same."""
    last = connection.execute(_newest(table, tuple(key)), key).mappings().first()
    if last is None or (last["at"] < at and any(last[name] != value for name, value in says.items())):
        insert_new(connection, table, [{**key, "at": at, **says}])


@cache
def _newest(table: Table, key: tuple[str, ...]) -> Select[Any]:
    same_key = [table.c[name] == bindparam(name) for name in key]
    return select(table).where(*same_key).order_by(table.c.at.desc()).limit(1)

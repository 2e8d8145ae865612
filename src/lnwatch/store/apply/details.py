"""Per-channel rows: each going on or off, and the first look of each hour.

They may be many (10,000 channels when an hour begins, or when a node restarts), so they are written in
transactions of their own, a slice at a time, between which live data gets its turn.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select, tuple_

from lnwatch.model.lightning import Channel
from lnwatch.store import tables
from lnwatch.store.items import LiquidityChange
from lnwatch.store.rollups import HOUR, start_of
from lnwatch.store.upsert import Row, insert_new

SLICE = 1_000  # rows in one transaction

_Node = tuple[str, str]


@dataclass(slots=True)
class Written:
    """What one transaction wrote; `more` tells that there is something left to write, `done` are channels of which
    nothing is."""

    node: _Node
    hour: int
    states: list[Row] = field(default_factory=list)
    hours: list[Row] = field(default_factory=list)
    more: bool = False
    done: tuple[Channel, ...] = ()


@dataclass(slots=True)
class _Known:
    """What the ledger has of one node: the last state of each channel, and the points of one hour.

    Of the channels `done` there is nothing to write in that hour, as long as they stay the very same.
    """

    states: dict[str, tuple[float, bool]]
    hour: int
    points: set[str]
    done: tuple[Channel, ...] = ()


class ChannelDetails:
    """Remembers what is written, so that an unchanged list costs no query. Used by the writer's thread alone."""

    def __init__(self) -> None:
        """Nothing is known: it is read from the ledger when it is needed."""
        self._nodes: dict[_Node, _Known] = {}

    def forget(self) -> None:
        """The ledger may be another one now."""
        self._nodes.clear()

    def write(self, connection: Connection, change: LiquidityChange) -> Written:
        """Write up to SLICE of the rows that `change` makes due."""
        node, hour = (change.site, change.node), start_of(change.at, HOUR)
        known = self._of(connection, node, hour)
        written, ahead = Written(node, hour), False
        done = set(map(id, known.done))
        for channel in change.channels.channels:
            if id(channel) in done:
                continue
            if len(written.states) + len(written.hours) >= SLICE:
                written.more = True
                break
            at, active = known.states.get(channel.point, (float("-inf"), None))
            if active is not channel.active:
                if at < change.at:
                    written.states.append(_state_row(change, channel))
                else:
                    ahead = True  # the clock was put back: its turn comes
            if channel.point not in known.points:
                written.hours.append(_hour_row(change, channel, hour))
        if not (written.more or ahead):
            written.done = change.channels.channels
        insert_new(connection, tables.channel_state, written.states)
        insert_new(connection, tables.channel_hour, written.hours)
        return written

    def remember(self, written: Written) -> None:
        """After the commit."""
        known = self._nodes[written.node]
        known.states.update({row["point"]: (row["at"], row["active"]) for row in written.states})
        if known.hour == written.hour:
            known.points.update(row["point"] for row in written.hours)
            known.done = written.done or known.done

    def _of(self, connection: Connection, node: _Node, hour: int) -> _Known:
        known = self._nodes.get(node)
        if known is None:
            known = self._nodes[node] = _Known(_states(connection, node), hour, _points(connection, node, hour))
        if known.hour != hour:
            known.hour, known.points, known.done = hour, _points(connection, node, hour), ()
        return known


def _states(connection: Connection, node: _Node) -> dict[str, tuple[float, bool]]:
    row = tables.channel_state.c
    of_node = (row.site == node[0], row.source == node[1])
    newest = select(row.point, func.max(row.at)).where(*of_node).group_by(row.point)
    query = select(row.point, row.at, row.active).where(*of_node, tuple_(row.point, row.at).in_(newest))
    return {point: (at, active) for point, at, active in connection.execute(query)}


def _points(connection: Connection, node: _Node, hour: int) -> set[str]:
    row = tables.channel_hour.c
    query = select(row.point).where(row.site == node[0], row.source == node[1], row.hour == hour)
    return set(connection.execute(query).scalars())


def _state_row(change: LiquidityChange, channel: Channel) -> Row:
    return {
        "site": change.site,
        "source": change.node,
        "point": channel.point,
        "at": change.at,
        "active": channel.active,
    }


def _hour_row(change: LiquidityChange, channel: Channel, hour: int) -> Row:
    usable = change.liquidity.channels.get(channel.point)
    return {
        "site": change.site,
        "source": change.node,
        "hour": hour,
        "point": channel.point,
        "channel_id": channel.channel_id,
        "active": channel.active,
        "local_msat": channel.local_msat,
        "remote_msat": channel.remote_msat,
        "inbound_msat": usable.inbound_msat if usable else 0,
        "outbound_msat": usable.outbound_msat if usable else 0,
        "largest_in_msat": usable.largest_in_msat if usable else 0,
    }

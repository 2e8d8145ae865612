"""What a node tells of its channels and HTLCs as it happens, and of the times when nobody listened."""

from collections.abc import Sequence

from sqlalchemy import Connection

from lnwatch.model.lightning import ChannelEvent, ClosedChannel, HtlcEvent
from lnwatch.model.snapshot import StreamGap
from lnwatch.store import tables
from lnwatch.store.apply.turns import Turn
from lnwatch.store.upsert import greatest, insert_new, merge, put


def apply_closed_channels(connection: Connection, told: Sequence[tuple[Turn, ClosedChannel]]) -> None:
    """Keep the newest telling: outputs are swept long after a channel closed."""
    rows = {
        (*turn.key, channel.point): {
            "site": turn.entry.site,
            "source": turn.entry.source,
            "point": channel.point,
            "channel_id": channel.channel_id,
            "peer": channel.peer,
            "kind": channel.kind.value,
            "closing_txid": channel.closing_txid,
            "close_height": channel.close_height,
            "capacity_msat": channel.capacity_msat,
            "settled_msat": channel.settled_msat,
            "time_locked_msat": channel.time_locked_msat,
            "seen_at": turn.entry.at,
            "history": turn.entry.reading.history,
        }
        for turn, channel in told
    }
    for turn, channel in reversed(told):  # the first telling is the one that says whether it is news
        rows[*turn.key, channel.point].update(seen_at=turn.entry.at, history=turn.entry.reading.history)
    put(connection, tables.closed_channel, list(rows.values()), keep=("seen_at", "history"))


def apply_channel_events(connection: Connection, told: Sequence[tuple[Turn, ChannelEvent]]) -> None:
    """Store each line of the channel stream once."""
    rows = [
        {
            "site": turn.entry.site,
            "source": turn.entry.source,
            "at": event.at,
            "point": event.point,
            "change": event.change.value,
        }
        for turn, event in told
    ]
    insert_new(connection, tables.channel_event, rows)


def apply_htlc_events(connection: Connection, told: Sequence[tuple[Turn, HtlcEvent]]) -> None:
    """Store each line of the HTLC stream once."""
    rows = [
        {
            "site": turn.entry.site,
            "source": turn.entry.source,
            "at": event.at,
            "channel_in": event.channel_in or "",
            "htlc_in": event.htlc_in,
            "channel_out": event.channel_out or "",
            "htlc_out": event.htlc_out,
            "direction": event.direction.value,
            "outcome": event.outcome.value,
            "amount_msat": event.amount_msat,
            "detail": event.detail,
        }
        for turn, event in told
    ]
    insert_new(connection, tables.htlc_event, rows)


def apply_gaps(connection: Connection, told: Sequence[tuple[Turn, StreamGap]]) -> None:
    """Store the gaps of streams that don't replay; of two that begin alike the longer stands."""
    longest: dict[tuple[str, str, str, float], StreamGap] = {}
    for turn, gap in told:
        key = (*turn.key, gap.stream, gap.start)
        if key not in longest or gap.end > longest[key].end:
            longest[key] = gap
    names = ("site", "source", "stream", "start_at", "end_at", "reason")
    rows = [dict(zip(names, (*key, gap.end, gap.reason), strict=True)) for key, gap in longest.items()]
    merge(connection, tables.stream_gap, rows, {"end_at": greatest})

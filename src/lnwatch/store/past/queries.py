"""How the past of one site is found: by index, whatever the size of the ledger."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from statistics import median

from sqlalchemy import Connection, Table, func, select

from lnwatch.model.chain import Reorganisation
from lnwatch.model.lightning import ChannelChange, ChannelEvent, ClosedChannel, CloseKind, LightningInvoice
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import StreamGap, TargetState
from lnwatch.model.view import Baseline, Happening, StateSpan
from lnwatch.store import tables
from lnwatch.store.apply.snapshots import NEXT_BLOCK_FEE, PENDING_BACKUPS, ROUND_TRIP
from lnwatch.store.memory import invoice_of
from lnwatch.store.past.values import USUAL, USUAL_FEE

# By series of the hourly roll-ups: what the View calls it, over which time, and how many of its units make one.
_USUAL = {
    ROUND_TRIP: ("rpc_seconds", USUAL, 1_000_000),
    NEXT_BLOCK_FEE: ("next_block_fee", USUAL_FEE, 1_000),
    PENDING_BACKUPS: ("watchtower_pending", USUAL, 1),
}


def channel_events(connection: Connection, site: str, since: float) -> list[Happening]:
    """The lines of channel streams since then."""
    row = tables.channel_event.c
    query = select(row.source, row.at, row.point, row.change).where(
        row.site == site, row.source.in_(_sources(connection, tables.channel_event, site)), row.at >= since
    )
    return [
        Happening(source, at, ChannelEvent(at, point, ChannelChange(change)))
        for source, at, point, change in connection.execute(query)
    ]


def rare_events(connection: Connection, site: str, since: float, closed_since: float) -> list[Happening]:
    """Reorganisations, gaps of streams, and channels that closed after lnwatch first looked."""
    return [
        *_reorganisations(connection, site, since),
        *_gaps(connection, site, since),
        *_closed(connection, site, closed_since),
    ]


def _reorganisations(connection: Connection, site: str, since: float) -> Iterator[Happening]:
    row = tables.reorganisation.c
    query = select(row.source, row.at, row.depth, row.fork_height, row.old_tip, row.new_tip).where(
        row.site == site, row.source.in_(_sources(connection, tables.reorganisation, site)), row.at >= since
    )
    for source, at, *what in connection.execute(query):
        yield Happening(source, at, Reorganisation(at, *what))


def _gaps(connection: Connection, site: str, since: float) -> Iterator[Happening]:
    """A gap happened when it ended: only then is it known."""
    row = tables.stream_gap.c
    query = select(row.source, row.stream, row.start_at, row.end_at, row.reason)
    for source, *what in connection.execute(query.where(row.site == site, row.end_at >= since)):
        gap = StreamGap(*what)
        yield Happening(source, gap.end, gap)


def _closed(connection: Connection, site: str, since: float) -> Iterator[Happening]:
    row = tables.closed_channel.c
    query = select(tables.closed_channel).where(row.site == site, row.seen_at >= since, row.history.is_(False))
    for found in connection.execute(query):
        channel = ClosedChannel(
            point=found.point,
            channel_id=found.channel_id,
            peer=found.peer,
            kind=CloseKind(found.kind),
            closing_txid=found.closing_txid,
            close_height=found.close_height,
            capacity_msat=Msat(found.capacity_msat),
            settled_msat=Msat(found.settled_msat),
            time_locked_msat=Msat(found.time_locked_msat),
        )
        yield Happening(found.source, found.seen_at, channel)


def states(connection: Connection, site: str, since: float) -> list[StateSpan]:
    """Every source's states since then and the one that was in force before, oldest first."""
    row = tables.target_state.c
    spans: list[StateSpan] = []
    for source in _sources(connection, tables.target_state, site):
        query = select(row.at, row.state, row.version).where(row.site == site, row.source == source)
        for part in (query.where(row.at < since).order_by(row.at.desc()).limit(1), query.where(row.at >= since)):
            rows = connection.execute(part)
            spans += [StateSpan(source, at, TargetState(state), version) for at, state, version in rows]
    return sorted(spans, key=lambda span: (span.at, span.source))


def held(connection: Connection, site: str) -> Mapping[str, tuple[LightningInvoice, ...]]:
    """Invoices by node that were paid and are not settled, by rising add index."""
    row = tables.lightning_invoice.c
    query = select(tables.lightning_invoice).where(row.site == site, tables.held).order_by(row.source, row.add_index)
    found: dict[str, list[LightningInvoice]] = defaultdict(list)
    for invoice in connection.execute(query):
        found[invoice.source].append(invoice_of(invoice))
    return {node: tuple(invoices) for node, invoices in found.items()}


def baselines(connection: Connection, site: str, hour: int) -> Mapping[tuple[str, str], Baseline]:
    """Each source's own normal, from the hours that were over when `hour` began."""
    row, sources = tables.hourly.c, _sources(connection, tables.hourly, site)
    means: dict[tuple[str, str], list[float]] = defaultdict(list)
    for series, (name, window, unit) in _USUAL.items():
        query = select(row.source, row.sum, row.n).where(
            row.site == site,
            row.source.in_(sources),
            row.series == series,
            row.subject == "",
            row.hour >= hour - window,
            row.hour < hour,
        )
        for source, total, count in connection.execute(query):
            means[source, name].append(total / count / unit)
    return {key: Baseline(median(hours), len(hours)) for key, hours in means.items()}


def _sources(connection: Connection, table: Table, site: str) -> list[str]:
    """The sources that a table has rows of, from one to the next: a plain DISTINCT would read them all."""
    row = table.c
    first = select(func.min(row.source).label("source")).where(row.site == site).cte("sources", recursive=True)
    following = select(func.min(row.source)).where(row.site == site, row.source > first.c.source).scalar_subquery()
    found = first.union_all(select(following).where(first.c.source.is_not(None)))
    return list(connection.execute(select(found.c.source).where(found.c.source.is_not(None))).scalars())

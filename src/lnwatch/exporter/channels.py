"""`/metrics/channels`: rendered once for each channel list, in chunks of which only the changed are made anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from lnwatch.exporter.deflate import Piece
from lnwatch.exporter.metric import Kind, satoshis
from lnwatch.exporter.render import OPENMETRICS_END, head, label, number
from lnwatch.exporter.tally import Node
from lnwatch.model.lightning import Channel, Channels
from lnwatch.model.liquidity import ChannelLiquidity, NodeLiquidity
from lnwatch.model.money import MSAT_PER_SAT

CHUNK = 25  # channels: fewer would compress worse, more would be made anew for each that changed

Values = list[Any]
Usable = Sequence[ChannelLiquidity | None]  # of each channel, None where it was not reckoned


@dataclass(frozen=True, slots=True)
class ChannelMetric:
    """One metric of each channel: `values` are what its lines depend on, None where there is no line."""

    name: str
    help: str
    kind: Kind
    values: Callable[[Sequence[Channel], Usable], Values]
    write: Callable[[str, Sequence[str], Values], list[str]]


def _amounts(name: str, labels: Sequence[str], amounts: Values) -> list[str]:
    """Lines of amounts in msat, written as satoshis."""
    return [
        f"{name}{{{mark}}} {amount // MSAT_PER_SAT if amount % MSAT_PER_SAT == 0 else number(satoshis(amount))}\n"
        for mark, amount in zip(labels, amounts, strict=True)
        if isinstance(amount, int)
    ]


def _flags(name: str, labels: Sequence[str], flags: Values) -> list[str]:
    return [f"{name}{{{mark}}} {1 if flag else 0}\n" for mark, flag in zip(labels, flags, strict=True)]


def _infos(name: str, labels: Sequence[str], infos: Values) -> list[str]:
    return [
        f'{name}{{{mark},channel_point="{label(point)}",peer_pubkey="{label(peer)}",'
        f'private="{"true" if private else "false"}",opener="{"local" if initiator else "remote"}"}} 1\n'
        for mark, (point, peer, private, initiator) in zip(labels, infos, strict=True)
    ]


def _each(*names: str) -> Callable[[Sequence[Channel], Usable], Values]:
    """These fields of each channel."""
    read = attrgetter(*names)
    return lambda channels, _usable: list(map(read, channels))


def _inbound(_channels: Sequence[Channel], usable: Usable) -> Values:
    return [one.inbound_msat if one is not None else None for one in usable]


METRICS = (
    ChannelMetric(
        "lnwatch_channel_local_balance_satoshis",
        "Our side of the channel, net of HTLCs in flight.",
        Kind.GAUGE,
        _each("local_msat"),
        _amounts,
    ),
    ChannelMetric(
        "lnwatch_channel_remote_balance_satoshis",
        "The peer's side of the channel, net of HTLCs in flight.",
        Kind.GAUGE,
        _each("remote_msat"),
        _amounts,
    ),
    ChannelMetric(
        "lnwatch_channel_usable_inbound_satoshis",
        "What could be received over the channel now; 0 where it or its peer is offline, or disabled by the peer.",
        Kind.GAUGE,
        _inbound,
        _amounts,
    ),
    ChannelMetric(
        "lnwatch_channel_active",
        "1 while the channel can carry payments.",
        Kind.GAUGE,
        _each("active"),
        _flags,
    ),
    ChannelMetric(
        "lnwatch_channel_info",
        "What changes slowly or never, to be joined on the channel's labels; always 1.",
        Kind.INFO,
        _each("point", "peer", "private", "initiator"),
        _infos,
    ),
)


@dataclass(frozen=True, slots=True)
class NodeBlock:
    """A node's channels as text, one tuple of pieces for each metric; shown until `until`."""

    until: float
    metrics: tuple[tuple[Piece, ...], ...]


def exposition(blocks: Sequence[NodeBlock], *, openmetrics: bool) -> list[Piece]:
    """Everything in the order that both formats ask for: metric by metric, whichever node it is."""
    pieces: list[Piece] = []
    for index, above in enumerate(_HEADS[openmetrics]):
        body = [piece for block in blocks for piece in block.metrics[index]]
        pieces += [above, *body] if body else []
    return [*pieces, _END] if openmetrics else pieces


_HEADS = {
    openmetrics: [Piece.of(head(metric.name, metric.help, metric.kind, openmetrics=openmetrics)) for metric in METRICS]
    for openmetrics in (False, True)
}
_END = Piece.of(OPENMETRICS_END)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """A few channels as text, and all that it was made of."""

    ids: Sequence[str]
    channels: Sequence[Channel]
    usable: Usable
    labels: Sequence[str]
    values: Sequence[Values]
    pieces: Sequence[Piece]

    def fits(self, ids: Sequence[str], channels: Sequence[Channel], usable: Usable) -> bool:
        """Whether the same would be made of these; where they are the very same values, that is told at once."""
        return self.channels == channels and self.usable == usable and self.ids == ids


class NodeRenderer:
    """Renders one node's channels again and again; used by one thread at a time."""

    def __init__(self, node: Node) -> None:
        site, slug = node
        self._base = f'site="{label(site)}",node="{label(slug)}"'
        self._chunks: list[_Chunk] = []

    def render(self, channels: Channels, liquidity: NodeLiquidity | None, until: float) -> NodeBlock:
        """The node's block; pieces whose values did not change are the former ones."""
        every = channels.channels
        points = [channel.point for channel in every]
        if len(set(points)) < len(every):
            every = tuple({channel.point: channel for channel in every}.values())
            points = [channel.point for channel in every]
        ids = channel_ids(every)
        usable = list(map(liquidity.channels.get, points)) if liquidity is not None else [None] * len(every)
        former, self._chunks = self._chunks, []
        for start in range(0, len(every), CHUNK):
            part = slice(start, start + CHUNK)
            old = former[len(self._chunks)] if len(self._chunks) < len(former) else None
            self._chunks.append(self._chunk(ids[part], every[part], usable[part], old))
        return NodeBlock(until, tuple(self._column(index) for index in range(len(METRICS))))

    def _chunk(self, ids: list[str], channels: Sequence[Channel], usable: Usable, old: _Chunk | None) -> _Chunk:
        if old is not None and old.fits(ids, channels, usable):
            return old
        values = [metric.values(channels, usable) for metric in METRICS]
        if old is None or old.ids != ids:
            labels: Sequence[str] = [f'{self._base},channel_id="{label(one)}"' for one in ids]
            pieces = [self._piece(*each, labels) for each in zip(METRICS, values, strict=True)]
        else:
            labels = old.labels
            pieces = [
                piece if former == present else self._piece(metric, present, labels)
                for metric, former, present, piece in zip(METRICS, old.values, values, old.pieces, strict=True)
            ]
        return _Chunk(ids, channels, usable, labels, values, pieces)

    @staticmethod
    def _piece(metric: ChannelMetric, values: Values, labels: Sequence[str]) -> Piece:
        return Piece.of("".join(metric.write(metric.name, labels, values)))

    def _column(self, index: int) -> tuple[Piece, ...]:
        return tuple(chunk.pieces[index] for chunk in self._chunks if chunk.pieces[index].plain)


def channel_ids(channels: Sequence[Channel]) -> list[str]:
    """The label of each channel: its short id, or its funding outpoint where that is missing or taken.

    Aliases of unconfirmed channels can collide; the lowest outpoint keeps the id, whatever the order.
    """
    ids = [channel.channel_id for channel in channels]
    if "" not in ids and len(set(ids)) == len(ids):
        return ids
    owners: dict[str, str] = {}
    for channel in channels:
        owners[channel.channel_id] = min(channel.point, owners.get(channel.channel_id, channel.point))
    return [
        channel.channel_id if channel.channel_id and owners[channel.channel_id] == channel.point else channel.point
        for channel in channels
    ]

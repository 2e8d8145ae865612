"""Serves the exposition from memory: a scrape runs no query and no call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from lnwatch.clock import Clock
from lnwatch.exporter.channels import NodeBlock, NodeRenderer, exposition
from lnwatch.exporter.deflate import gzipped, joined
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.render import OPENMETRICS_END, Table, render_live
from lnwatch.exporter.rows.daemon import BUILD_INFO
from lnwatch.exporter.shapes import OWN
from lnwatch.exporter.table import METRICS
from lnwatch.exporter.tally import Node, Tallies
from lnwatch.model.assessment import Assessment, LedgerHealth
from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import NodeLiquidity

_NOTHING_YET = Assessment(0.0, 0, {}, LedgerHealth(writable=False, trouble="", backend=""), 0)


@dataclass(frozen=True, slots=True)
class _Input:
    """What a node's block is made of; `until` is when it is three intervals old."""

    channels: Channels
    liquidity: NodeLiquidity | None
    until: float


@dataclass(frozen=True, slots=True)
class _Published:
    """Blocks by node, and the finished answers for those of them that are fresh, by format."""

    blocks: dict[Node, NodeBlock] = field(default_factory=dict)
    answers: dict[tuple[frozenset[Node], bool], bytes] = field(default_factory=dict)

    def answer(self, now: float, *, openmetrics: bool) -> bytes:
        """The gzip member of everything that is fresh."""
        fresh = {node: block for node, block in self.blocks.items() if now <= block.until}
        key = (frozenset(fresh), openmetrics)
        if key not in self.answers:
            self.answers[key] = gzipped(exposition(list(fresh.values()), openmetrics=openmetrics))
        return self.answers[key]


class Exporter:
    """`current` gives the newest Assessment, None before the first; `registry` holds lnwatch's own live metrics."""

    def __init__(self, current: Callable[[], Assessment | None], clock: Clock, registry: CollectorRegistry) -> None:
        self._current = current
        self._clock = clock
        self._registry = registry
        self._tallies = Tallies()
        self._table = Table()
        self._inputs: dict[Node, _Input] = {}
        self._renderers: dict[Node, NodeRenderer] = {}
        self._published = _Published()
        self._asked: set[bool] = set()  # formats that somebody scrapes
        self._rendering = asyncio.Lock()

    def metrics(self, *, openmetrics: bool) -> bytes:
        """The body of `/metrics`; what is older than three intervals at this instant is not in it."""
        current = self._current()
        moment = Moment(current or _NOTHING_YET, self._clock.now(), self._tallies)
        table = METRICS if current is not None else (BUILD_INFO,)
        pieces = [
            *self._table.render(table, moment, openmetrics=openmetrics),
            *render_live(self._registry.collect(), site=OWN, openmetrics=openmetrics),
        ]
        return "".join([*pieces, OPENMETRICS_END if openmetrics else ""]).encode()

    async def publish(self, assessment: Assessment) -> None:
        """Render the channels of nodes whose list or liquidity is a new one, in a worker thread."""
        async with self._rendering:
            inputs = self._inputs_of(assessment)
            changed = {node: given for node, given in inputs.items() if not _same(given, self._inputs.get(node))}
            if changed or inputs.keys() != self._inputs.keys():
                self._published = await asyncio.to_thread(self._render, inputs, changed)
            self._inputs = inputs

    def channels(self, *, openmetrics: bool, gzip: bool) -> bytes:
        """The body of `/metrics/channels`, compressed or not; without samples where nothing is fresh."""
        self._asked.add(openmetrics)
        now = self._clock.now()
        if gzip:
            return self._published.answer(now, openmetrics=openmetrics)
        fresh = [block for block in self._published.blocks.values() if now <= block.until]
        return joined(exposition(fresh, openmetrics=openmetrics))

    def _inputs_of(self, assessment: Assessment) -> dict[Node, _Input]:
        moment = Moment(assessment, self._clock.now(), self._tallies)
        inputs: dict[Node, _Input] = {}
        for view, target in moment.nodes():
            snapshot, channels = moment.snapshot(target, Channels), moment.facts(target, Channels)
            if snapshot is not None and channels is not None:
                until = snapshot.at + 3 * target.collectors[snapshot.collector].interval
                inputs[view.site, target.slug] = _Input(channels, moment.liquidity(view, target), until)
        return inputs

    def _render(self, inputs: dict[Node, _Input], changed: dict[Node, _Input]) -> _Published:
        blocks = {node: block for node, block in self._published.blocks.items() if node in inputs}
        self._renderers = {node: self._renderers.get(node) or NodeRenderer(node) for node in inputs}
        for node, given in changed.items():
            self._tallies.of(node, given.channels)  # so that no scrape has to
            blocks[node] = self._renderers[node].render(given.channels, given.liquidity, given.until)
        published = _Published(dict(sorted(blocks.items())))
        for openmetrics in tuple(self._asked):
            published.answer(self._clock.now(), openmetrics=openmetrics)
        return published


def _same(given: _Input, former: _Input | None) -> bool:
    return (
        former is not None
        and given.channels is former.channels
        and given.liquidity is former.liquidity
        and given.until == former.until
    )

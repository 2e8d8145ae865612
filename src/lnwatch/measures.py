"""Reckons now and then what a site's stores are measured by: KPIs once a minute, expected demand less often."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from lnwatch.clock import Clock
from lnwatch.domain import demand as demanding
from lnwatch.domain import kpi, tally
from lnwatch.domain.demand import DemandInput, demand, median_ticket
from lnwatch.domain.kpi import Input, TargetsOf, Watched, buckets, figures
from lnwatch.domain.outages import outages
from lnwatch.domain.uptime import Interval
from lnwatch.errors import LedgerError
from lnwatch.model.kpi import Demand, KpiFigure, Targets
from lnwatch.model.money import Msat
from lnwatch.model.order import Rail
from lnwatch.model.tally import Sum
from lnwatch.model.view import View
from lnwatch.store import Ledger
from lnwatch.store.circumstances import Period
from lnwatch.store.orders.figures import Span

log = structlog.get_logger()

KPIS_EVERY = 60.0  # seconds
KPIS_AT_FIRST = 8.0  # for as long as that: what is read of history in the first minute shows in it
LOOK_EVERY = 1.0
DEMAND_EVERY = 600.0
DRY_EVERY = 3_600.0  # for it walks over three months of what could be received

NodeOf = Callable[[str, str], str | None]  # site, store


def _no_targets(_store: str, _rail: Rail | None) -> Targets:
    return Targets()


def _nothing_declared(_stores: Iterable[str]) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class Measured:
    """One site: its stores, what they are measured against, and what some of them are expected to take a day."""

    stores: tuple[str, ...]
    targets: TargetsOf = _no_targets
    declared: Callable[[Iterable[str]], int | None] = _nothing_declared


@dataclass(frozen=True, slots=True)
class Scene:
    """A site at one instant: the kind of each of its sources, and the stores on each of its nodes."""

    site: str
    at: float
    kinds: Mapping[str, str]
    on_nodes: Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Newest:
    """What was reckoned last of a site, and when, by the monotonic clock; `began` is when it was looked at first."""

    began: float
    kpis: tuple[KpiFigure, ...] = ()
    kpis_at: float = float("-inf")
    demand: Mapping[str, Demand] = field(default_factory=dict)
    demand_at: float = float("-inf")
    nodes: frozenset[str] = frozenset()
    dry: dict[str, tuple[float, Sequence[Interval]]] = field(default_factory=dict)


class Measures:
    """What a View is measured by. The ledger's readers do the work, beside judgement, however much is in it."""

    def __init__(self, ledger: Ledger, clock: Clock, sites: Mapping[str, Measured], node_of: NodeOf) -> None:
        """`node_of` tells the Lightning node that a store stands on."""
        self._ledger = ledger
        self._clock = clock
        self._sites = sites
        self._node_of = node_of
        self._newest: dict[str, _Newest] = {}

    async def run(self, views: Callable[[], Iterable[View]]) -> None:
        """Reckon what is due of the newest `views`, until cancelled: no judgement waits for it. Without stores there
        is nothing to do, and it ends."""
        trouble = ""
        while any(site.stores for site in self._sites.values()):
            try:
                for view in views():
                    await self.reckon(view)
            except LedgerError as error:  # what was known stays until the ledger can be read again
                if error.message != trouble:
                    log.warning("KPIs can't be reckoned", error=error.message)
                trouble = error.message
            else:
                trouble = ""
            await self._clock.sleep(LOOK_EVERY)

    async def reckon(self, view: View) -> None:
        """Reckon what is due of one site. Raises LedgerError."""
        site = self._sites.get(view.site)
        if site is None or not site.stores:
            return
        kinds = {slug: target.kind for slug, target in view.targets.items()}
        scene = Scene(view.site, view.at, kinds, self._on_nodes(view.site, site))
        now = self._clock.monotonic()
        newest = self._newest.setdefault(view.site, _Newest(now))
        if now - newest.kpis_at >= (KPIS_EVERY if now - newest.began >= KPIS_EVERY else KPIS_AT_FIRST):
            newest.kpis, newest.kpis_at = await self.kpis(scene), now
        # The first tickets are worth more than the next ones.
        every = DEMAND_EVERY if all(each.tickets for each in newest.demand.values()) else KPIS_EVERY
        if now - newest.demand_at >= every or newest.nodes != scene.on_nodes.keys():
            newest.demand = await self.demand(scene)
            newest.demand_at, newest.nodes = now, frozenset(scene.on_nodes)

    def fill(self, view: View) -> View:
        """The View with its KPIs and its nodes' demand, as reckoned last."""
        newest = self._newest.get(view.site)
        return view if newest is None else replace(view, kpis=newest.kpis, demand=newest.demand)

    def _on_nodes(self, name: str, site: Measured) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for store in site.stores:
            if (node := self._node_of(name, store)) is not None:
                found.setdefault(node, []).append(store)
        return found

    async def kpis(self, scene: Scene) -> tuple[KpiFigure, ...]:
        """All of them, reckoned anew. Raises LedgerError."""
        site, since = self._sites[scene.site], scene.at - max(kpi.WINDOWS)
        sums = await self._sums(scene, kpi.SERIES)
        around = await self._ledger.circumstances.within(Period(scene.site, None, tuple(scene.kinds), since, scene.at))
        watched = Watched(
            payability=await self._ledger.orders.payability(scene.site, since),
            states=around.states,
            silences=await self._ledger.silences(since),
            absences=await self._ledger.circumstances.absences(since),
        )
        given = Input(scene.site, scene.at, site.stores, sums, watched)
        return await asyncio.to_thread(figures, given, site.targets)

    async def causes(self, scene: Scene) -> Mapping[tuple[str, int], Mapping[str, int]]:
        """Why orders did not settle, by store ("" for all) and window. Raises LedgerError."""
        sums = await self._sums(scene, tally.causes())
        return kpi.causes(Input(scene.site, scene.at, self._sites[scene.site].stores, sums))

    async def _sums(self, scene: Scene, series: tuple[str, ...]) -> dict[int, list[Sum]]:
        """What the stores' series come to in each window."""
        subjects = tuple(map(tally.subject_of, self._sites[scene.site].stores))
        sums: dict[int, list[Sum]] = {window: [] for window in kpi.WINDOWS}
        for window, found in sums.items():
            for part in buckets(window, scene.at):
                span = Span(scene.site, part.since, part.until, part.width, series, subjects)
                found.extend(await self._ledger.orders.totals(span))
        return sums

    async def demand(self, scene: Scene) -> dict[str, Demand]:
        """What each node is expected to receive, reckoned anew. Raises LedgerError."""
        return {node: await self._demand(scene, node, stores) for node, stores in scene.on_nodes.items()}

    async def _demand(self, scene: Scene, node: str, stores: Sequence[str]) -> Demand:
        subjects = tuple(map(tally.subject_of, stores))
        since, until = scene.at - demanding.DAYS * demanding.DAY, scene.at + demanding.HOUR
        hours = Span(scene.site, since, until, demanding.HOUR, demanding.SERIES, subjects)
        lately = replace(hours, since=scene.at - demanding.PARTS_DAYS * demanding.DAY, series=demanding.PARTS)
        orders = self._ledger.orders
        tickets = await orders.totals(replace(hours, series=demanding.TICKETS))
        declared = self._sites[scene.site].declared(stores)
        given = DemandInput(
            node=node,
            at=scene.at,
            hours=await orders.sums(hours),
            tickets=tickets,
            parts=await orders.totals(lately),
            dry=await self._dry(scene, node, since, median_ticket(tickets) or Msat(1)),
            declared_msat=Msat(declared) if declared is not None else None,
        )
        return await asyncio.to_thread(demand, given)

    async def _dry(self, scene: Scene, node: str, since: float, ticket: Msat) -> Sequence[Interval]:
        """When the node was away, or could not receive a usual ticket."""
        now = self._clock.monotonic()
        newest = self._newest.setdefault(scene.site, _Newest(now))
        known = newest.dry.get(node)
        if known is not None and now - known[0] < DRY_EVERY:
            return known[1]
        short = await self._ledger.circumstances.short_of(scene.site, node, ticket, since)
        around = await self._ledger.circumstances.within(Period(scene.site, None, (node,), since, scene.at))
        away = outages(around.states, {node: scene.kinds[node]}, node)
        spans = [*short, *((each.since, each.until) for each in away)]
        dry = tuple((start, end if end is not None else scene.at) for start, end in spans)
        newest.dry[node] = (now, dry)
        return dry

"""`lnwatch kpi`: what a merchant is measured by, against its targets.

JSON: {"at", "kpis": [KPI, …], "causes": [CAUSE, …], "demand": [DEMAND, …], "daemon_runs": true | false | null where it
can't be told}

    KPI     {"site", "store", "kpi", "rail", "window", "source", "events", "bad", "ratio", "low", "high", "target",
            "mean_seconds"}: `store` "" is the whole site, `rail` null all rails, `window` in seconds; `source` is the
            component whose uptime it is, else ""; `low` and `high` are the 95 % interval, null where there is none
    CAUSE   {"site", "store", "window", "cause", "orders"}: why so many orders did not settle, by the strongest
            evidence, or `unexplained`
    DEMAND  {"site", "node", "daily_msat", "median_msat", "p95_msat", "parts_share", "tickets", "days", "sure",
            "inbound_msat", "cover"}: the last two null where the node's channels are not known
"""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Annotated

import typer

from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import Visit, visiting
from lnwatch.clock import SystemClock
from lnwatch.config import Config, SiteConfig, load
from lnwatch.config.nearest import instead
from lnwatch.domain.kpi import WINDOWS
from lnwatch.domain.liquidity import node_liquidity
from lnwatch.domain.wording import count, duration, percent
from lnwatch.measures import Measured, Measures, Scene
from lnwatch.model.kpi import Demand, Kpi, KpiFigure
from lnwatch.model.lightning import Channels, NodeStatus, Policies
from lnwatch.model.money import Msat, format_msat
from lnwatch.model.snapshot import Facts
from lnwatch.sources.btcpay import BtcpaySettings

_LATELY = 900.0  # seconds: what channels held before is not what they hold
_NAMES = {
    Kpi.PAYMENT_SUCCESS: "payment success",
    Kpi.CONVERSION: "conversion",
    Kpi.LIGHTNING_FAST: "quick over Lightning",
    Kpi.ONCHAIN_FAST: "quick on the chain",
    Kpi.UPTIME: "uptime",
    Kpi.FALLBACK: "fell back to the chain",
    Kpi.REFUND: "refunded",
}
_BELOW = frozenset({Kpi.FALLBACK, Kpi.REFUND})  # the less the better
_WHOLE = 0.99  # of a window: what is missing then is not worth a word
_HEADS = ("kpi", "rail", *WINDOWS.values(), "target")


@dataclass(frozen=True, slots=True)
class _Found:
    """What one site is measured by; `inbound` is what each node can receive, where its channels were read lately."""

    site: str
    kpis: tuple[KpiFigure, ...]
    causes: Mapping[tuple[str, int], Mapping[str, int]]
    demand: tuple[Demand, ...]
    inbound: Mapping[str, Msat]

    def of_store(self, store: str) -> "_Found":
        """The same of one store alone; a node may serve others too."""
        kpis = tuple(figure for figure in self.kpis if figure.store == store)
        return replace(self, kpis=kpis, causes={key: why for key, why in self.causes.items() if key[0] == store})

    def cover(self, demand: Demand) -> float | None:
        """How often the inbound holds a day's demand."""
        inbound = self.inbound.get(demand.node)
        return inbound / demand.daily_msat if inbound is not None and demand.daily_msat > 0 else None


def kpi(
    *,
    site: Annotated[str | None, typer.Option(metavar="NAME", help="Of one site.")] = None,
    store: Annotated[str | None, typer.Option(metavar="NAME", help="Of one store.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show KPIs against their targets, with what they stand on.

    A share stands beside the number of orders behind it, and between what the true one lies with 95 % confidence.
    Ends with 0 whether the targets are met or not.
    """
    loaded = load(config, os.environ)
    stores = {name: _stores(of_site) for name, of_site in loaded.sites.items()}
    _check("--site", "site", site, stores)
    _check("--store", "store", store, [each for of_site in stores.values() for each in of_site])
    found, at, runs = asyncio.run(_look(loaded, site))
    if store is not None:
        found = [each.of_store(store) for each in found]
    if as_json:
        say_json({"at": at, **_documents(found), "daemon_runs": runs})
        return
    for each in found:
        _show(each)


def _stores(site: SiteConfig) -> tuple[str, ...]:
    return tuple(
        store
        for source in site.sources
        if isinstance(source.settings, BtcpaySettings)
        for store in source.settings.stores
    )


def _check(option: str, noun: str, name: str | None, known: Iterable[str]) -> None:
    names = list(known)
    if name is not None and name not in names:
        raise typer.BadParameter(f"there is no {noun} `{name}`; {instead(name, names)}", param_hint=option)


async def _look(config: Config, site: str | None) -> tuple[list[_Found], float, bool | None]:
    clock = SystemClock()
    async with visiting(config, clock) as visit:
        now = clock.now()
        wanted = [each for each in config.sites.values() if site in (None, each.slug) and _stores(each)]
        return [await _measured(visit, each, now) for each in wanted], now, await visit.note_absence()


async def _measured(visit: Visit, site: SiteConfig, now: float) -> _Found:
    facts: dict[str, list[Facts]] = {}
    for snapshot in await visit.ledger.snapshots():
        if snapshot.site == site.slug and now - snapshot.at <= _LATELY:
            facts.setdefault(snapshot.source, []).append(snapshot.facts)
    stores = _stores(site)
    nodes = await _nodes(visit, site, facts)
    measured = Measured(stores, site.kpis.targets, site.kpis.declared)
    measures = Measures(visit.ledger, visit.clock, {site.slug: measured}, lambda _site, store: nodes.get(store))
    scene = Scene(
        site=site.slug,
        at=now,
        kinds={source.slug: source.kind.kind for source in site.sources},
        on_nodes={
            node: [store for store in stores if nodes.get(store) == node] for node in sorted(set(nodes.values()))
        },
    )
    return _Found(
        site=site.slug,
        kpis=await measures.kpis(scene),
        causes=await measures.causes(scene),
        demand=tuple((await measures.demand(scene)).values()),
        inbound=dict(_inbound(facts, now)),
    )


async def _nodes(visit: Visit, site: SiteConfig, facts: Mapping[str, Iterable[Facts]]) -> Mapping[str, str]:
    """The node that each store stands on, as the configuration says or the store's invoices do."""
    slugs = {
        each.public_key: slug for slug, of_source in facts.items() for each in of_source if isinstance(each, NodeStatus)
    }
    keys = await visit.ledger.circumstances.node_keys(site.slug)
    return {store: slugs[key] for store, key in keys.items() if key in slugs} | dict(site.orders.nodes)


def _inbound(facts: Mapping[str, Iterable[Facts]], now: float) -> Iterator[tuple[str, Msat]]:
    for slug, of_source in facts.items():
        channels = next((each for each in of_source if isinstance(each, Channels)), None)
        policies = next((each for each in of_source if isinstance(each, Policies)), None)
        if channels is not None:
            yield slug, node_liquidity(now, channels, policies).inbound_msat


def _documents(found: Iterable[_Found]) -> dict[str, object]:
    every = list(found)
    return {
        "kpis": [{"site": each.site, **asdict(figure)} for each in every for figure in each.kpis],
        "causes": [
            {"site": each.site, "store": store, "window": window, "cause": cause, "orders": orders}
            for each in every
            for (store, window), why in each.causes.items()
            for cause, orders in why.items()
        ],
        "demand": [
            {
                "site": each.site,
                **asdict(demand),
                "inbound_msat": each.inbound.get(demand.node),
                "cover": each.cover(demand),
            }
            for each in every
            for demand in each.demand
        ],
    }


def _show(found: _Found) -> None:
    for store, figures in groupby(sorted(found.kpis, key=_store), key=_store):
        title = f"site {found.site}, {f'store {store}' if store else 'all stores'}"
        rows = list(_rows(figures))
        if rows:
            say_table(_HEADS, rows, title=title)
            if why := _why(found.causes.get((store, max(WINDOWS)), {})):
                say(f"did not settle in {WINDOWS[max(WINDOWS)]}: {why}")
        else:
            say(f"{title}: nothing is known yet")
        say()
    for demand in found.demand:
        say(_expected(demand, found.inbound.get(demand.node), found.cover(demand)))


def _why(causes: Mapping[str, int]) -> str:
    """The most frequent cause first."""
    ordered = sorted(causes.items(), key=lambda cause: -cause[1])
    return ", ".join(f"{orders:,} {cause.replace('_', ' ')}" for cause, orders in ordered)


def _store(figure: KpiFigure) -> str:
    return figure.store


def _rows(figures: Iterable[KpiFigure]) -> Iterator[Sequence[str]]:
    """One for each KPI and rail of which anything is known, with a cell for each window."""
    by_line: dict[tuple[Kpi, str, str], dict[int, KpiFigure]] = {}
    for figure in figures:
        of = figure.source or (figure.rail.value if figure.rail is not None else "all")
        by_line.setdefault((figure.kpi, figure.source, of), {})[figure.window] = figure
    for (which, _, of), windows in by_line.items():
        if any(figure.events for figure in windows.values()):
            target = next(iter(windows.values())).target
            yield (_NAMES[which], of, *(_cell(windows.get(window)) for window in WINDOWS), _target(which, target))


def _cell(figure: KpiFigure | None) -> str:
    """`18 of 20, 90 % (70-97)`; of uptime the share, of how long where less than the window was seen, and time down."""
    if figure is None or figure.ratio is None:
        return "-"
    if figure.kpi is Kpi.UPTIME:
        down = f", down {duration(figure.bad)}" if figure.bad else ""
        seen = f" of {duration(figure.events)}" if figure.events < _WHOLE * figure.window else ""
        return f"{_exactly(figure.ratio)}{seen}{down}"
    told = figure.bad if figure.kpi in _BELOW else figure.events - figure.bad
    between = f" ({_number(figure.low)}-{_number(figure.high)})" if figure.low is not None else ""
    mean = f", mean {duration(figure.mean_seconds)}" if figure.mean_seconds is not None else ""
    return f"{told:,} of {figure.events:,}, {percent(figure.ratio)}{between}{mean}"


def _exactly(share: float) -> str:
    """Never `100 %` of what was not whole."""
    text = f"{share * 100:.3f}"
    return "99.999 %" if share < 1 and text == "100.000" else f"{text.rstrip('0').rstrip('.')} %"


def _number(share: float | None) -> str:
    return f"{(share or 0) * 100:.0f}"


def _target(which: Kpi, target: float | None) -> str:
    if target is None:
        return "its own past"
    return f"{'<' if which in _BELOW else '>'} {_exactly(target)}"


def _expected(demand: Demand, inbound: int | None, cover: float | None) -> str:
    sure = f"{count(demand.days, 'day')} known" + ("" if demand.sure else ", too few to be sure")
    parts = [f"node {demand.node} is expected to receive {format_msat(demand.daily_msat)} a day ({sure})"]
    if demand.median_msat is not None and demand.p95_msat is not None:
        parts.append(f"tickets: median {format_msat(demand.median_msat)}, p95 {format_msat(demand.p95_msat)}")
    if inbound is not None and cover is not None:
        parts.append(f"it could receive {format_msat(inbound)} now, {cover:.1f} times that")
    return "; ".join(parts)

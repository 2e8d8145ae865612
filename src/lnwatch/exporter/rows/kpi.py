"""KPIs against their targets, and what a node can receive against what a day is expected to bring."""

from collections.abc import Callable, Iterator

from lnwatch.domain.kpi import WINDOWS
from lnwatch.exporter.metric import Kind, Metric, Number, Row, satoshis
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.shapes import Many, of_node
from lnwatch.model.kpi import KpiFigure
from lnwatch.model.view import TargetView, View

ALL_RAILS = "all"
_SITE = ("site", "kpi", "store", "rail")


def _figures(moment: Moment) -> Iterator[tuple[str, KpiFigure]]:
    """Those of orders and of what customers meet."""
    return ((site, figure) for site, figure in _every(moment) if not figure.source)


def _every(moment: Moment) -> Iterator[tuple[str, KpiFigure]]:
    if moment.lately:
        for view in moment.assessment.views.values():
            yield from ((view.site, figure) for figure in view.kpis)


def _labels(site: str, figure: KpiFigure) -> tuple[str, ...]:
    return site, figure.kpi.value, figure.store, figure.rail.value if figure.rail is not None else ALL_RAILS


def _of_window(name: str, text: str, value: Callable[[KpiFigure], Number | None]) -> Metric:
    def rows(moment: Moment) -> Iterator[Row]:
        for site, figure in _figures(moment):
            told = value(figure)
            if told is not None:
                yield (*_labels(site, figure), WINDOWS[figure.window]), told

    return Metric(name, text, Kind.GAUGE, (*_SITE, "window"), rows)


def _of_component(name: str, text: str, value: Callable[[KpiFigure], Number | None]) -> Metric:
    def rows(moment: Moment) -> Iterator[Row]:
        for site, figure in _every(moment):
            if figure.source and (told := value(figure)) is not None:
                yield (site, figure.source, WINDOWS[figure.window]), told

    return Metric(name, text, Kind.GAUGE, ("site", "source", "window"), rows)


def _targets(moment: Moment) -> Iterator[Row]:
    told = {_labels(site, figure): figure.target for site, figure in _figures(moment)}
    yield from ((labels, target) for labels, target in told.items() if target is not None)


def _expected(_moment: Moment, view: View, target: TargetView) -> Many:
    demand = view.demand.get(target.slug)
    return [((), satoshis(demand.daily_msat) if demand is not None else 0)]


def _tickets(_moment: Moment, view: View, target: TargetView) -> Many:
    demand = view.demand.get(target.slug)
    if demand is None:
        return []
    known = (("0.5", demand.median_msat), ("0.95", demand.p95_msat))
    return [((share,), satoshis(amount)) for share, amount in known if amount is not None]


def _cover(moment: Moment, view: View, target: TargetView) -> Many:
    demand, liquidity = view.demand.get(target.slug), moment.liquidity(view, target)
    if demand is None or demand.daily_msat <= 0 or liquidity is None:
        return []
    return [((), liquidity.inbound_msat / demand.daily_msat)]


METRICS = (
    _of_window(
        "lnwatch_kpi_ratio",
        "A KPI as a share, of what is good (of `fallback` and `refund`: the share itself); absent without events. "
        "Without a store it is that of the site, rail `all` is all rails together.",
        lambda figure: figure.ratio,
    ),
    _of_window(
        "lnwatch_kpi_events",
        "What a KPI stands on: orders, of `uptime` seconds that count.",
        lambda figure: figure.events,
    ),
    _of_window("lnwatch_kpi_bad_events", "Those of them that are against the KPI.", lambda figure: figure.bad),
    Metric(
        "lnwatch_kpi_target_ratio",
        "What a KPI is held against; absent where that is its own past alone.",
        Kind.GAUGE,
        _SITE,
        _targets,
    ),
    _of_component(
        "lnwatch_target_uptime_ratio",
        "For what share of the time that counts the system was up; what was not seen, and announced maintenance, leave "
        "it. Absent where nothing counts.",
        lambda figure: figure.ratio,
    ),
    _of_component(
        "lnwatch_target_uptime_counted_seconds",
        "How much of the window that share stands on.",
        lambda figure: figure.events,
    ),
    of_node(
        "lnwatch_expected_daily_volume_satoshis",
        "What the stores on the node are expected to receive over Lightning in a day.",
        (),
        _expected,
    ),
    of_node(
        "lnwatch_expected_ticket_satoshis",
        "What an order of the stores on the node is expected to ask for over Lightning: that share of those of 91 days "
        "asked for no more. Absent before the first.",
        ("share",),
        _tickets,
    ),
    of_node(
        "lnwatch_inbound_cover_ratio",
        "How often the usable inbound holds a day's expected volume; absent while none is expected.",
        (),
        _cover,
    ),
)

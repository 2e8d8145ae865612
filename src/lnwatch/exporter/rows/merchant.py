"""A store's orders, invoices, payments and refunds, and how long payments took."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from operator import attrgetter

from lnwatch.domain import tally
from lnwatch.exporter.metric import Distribution, Exemplar, Figure, Kind, Metric, Row, satoshis
from lnwatch.exporter.moment import Moment
from lnwatch.exporter.rows.kpi import ALL_RAILS
from lnwatch.model.kpi import CanPay
from lnwatch.model.merchant import Method
from lnwatch.model.order import FINAL_OUTCOMES, Leg, LegTime, Outcome, Rail
from lnwatch.model.view import ShopView, View

STORE = ("site", "store")

_Rows = Iterable[tuple[tuple[str, ...], Figure | None]]


def of_store(
    name: str,
    text: str,
    labels: tuple[str, ...],
    figures: Callable[[Moment, View, ShopView], _Rows],
    kind: Kind = Kind.COUNTER,
) -> Metric:
    """Figures of each store, left out where they are None."""

    def rows(moment: Moment) -> Iterator[Row]:
        for view in moment.assessment.views.values():
            for shop in view.shops.values():
                for values, figure in figures(moment, view, shop):
                    if figure is not None:
                        yield (view.site, shop.store, *values), figure

    return Metric(name, text, kind, (*STORE, *labels), rows)


def _by_outcome(counter: Callable[[Rail, Outcome], str]) -> Callable[[Moment, View, ShopView], _Rows]:
    names = {(rail.value, outcome.value): counter(rail, outcome) for rail in Rail for outcome in FINAL_OUTCOMES}
    return lambda _moment, _view, shop: [(labels, shop.counters.get(name, 0)) for labels, name in names.items()]


def _payments(_moment: Moment, _view: View, shop: ShopView) -> _Rows:
    return [((method.value,), shop.counters.get(tally.payments_counter(method), 0)) for method in Method]


def _paid(_moment: Moment, _view: View, shop: ShopView) -> _Rows:
    return [((rail.value,), satoshis(shop.counters.get(tally.paid_counter(rail), 0))) for rail in tally.PAYING_RAILS]


def _refunds(_moment: Moment, _view: View, shop: ShopView) -> _Rows:
    return [((), shop.counters.get(tally.REFUNDS, 0))]


def _open(moment: Moment, view: View, shop: ShopView) -> _Rows:
    """As fresh as BTCPay was read."""
    source = view.targets.get(shop.source)
    reader = source.collectors.get(f"invoices_{shop.store}") if source is not None else None
    return [((), shop.open_count)] if reader is not None and not reader.stale(moment.now) else []


def _payability(moment: Moment, _view: View, shop: ShopView) -> _Rows:
    if not moment.lately:
        return
    for each in shop.payability:
        rail = each.rail.value if each.rail is not None else ALL_RAILS
        yield from (((rail, answer.value), int(each.answer is answer)) for answer in CanPay)


@dataclass(frozen=True, slots=True)
class _Histogram:
    """The edges of one histogram, and the counters behind each: how many, and what they come to."""

    edges: tuple[float, ...]
    counts: tuple[str, ...]
    amounts: tuple[str, ...]

    def told(self, shop: ShopView, unit: int, exemplars: Mapping[float, Exemplar]) -> Distribution:
        """What the counters say, in the metric's unit, which holds so many of theirs."""
        counted = shop.counters.get
        counts = accumulate([counted(name, 0) for name in self.counts])
        total = sum([counted(name, 0) for name in self.amounts])
        return Distribution(dict(zip(self.edges, counts, strict=True)), total / unit, exemplars)

    def edge(self, figure: float) -> float:
        """The edge that a figure is counted at."""
        return self.edges[bisect_left(self.edges, figure)]


def _histogram(edges: Sequence[float], name: Callable[[str], str], amount: str) -> _Histogram:
    names = tuple(map(name, tally.edge_names(edges)))
    return _Histogram((*edges, math.inf), names, tuple(f"{each}/{amount}" for each in names))


_SECONDS = {(leg, rail): _histogram(tally.SECONDS, partial(tally.latency, leg, rail), "ms") for leg, rail in tally.LEGS}
_BLOCKS = _histogram(tally.BLOCKS, tally.blocks_counter, "sum")


def _latency_seconds(_moment: Moment, _view: View, shop: ShopView) -> _Rows:
    shown: dict[tuple[Leg, Rail], dict[float, Exemplar]] = {key: {} for key in _SECONDS}
    for leg in _legs(shop):
        if (key := (leg.leg, leg.rail)) in _SECONDS:
            seconds = tally.milliseconds(leg.seconds) / 1_000
            shown[key][_SECONDS[key].edge(seconds)] = Exemplar("invoice_id", leg.invoice, seconds, leg.at)
    for (which, rail), histogram in _SECONDS.items():
        yield (rail.value, which.value), histogram.told(shop, 1_000, shown[which, rail])


def _latency_blocks(_moment: Moment, _view: View, shop: ShopView) -> _Rows:
    shown = {
        _BLOCKS.edge(leg.blocks): Exemplar("invoice_id", leg.invoice, leg.blocks, leg.at)
        for leg in _legs(shop)
        if leg.leg is Leg.SEEN_CONFIRMED and leg.blocks is not None
    }
    yield (Rail.ONCHAIN.value, Leg.SEEN_CONFIRMED.value), _BLOCKS.told(shop, 1, shown)


def _legs(shop: ShopView) -> list[LegTime]:
    """Of the newest settled orders, the newest last: it is what an edge shows."""
    legs = [leg for orders in shop.settlements.values() for order in orders for leg in order.legs]
    return sorted(legs, key=attrgetter("at"))


METRICS = (
    of_store(
        "lnwatch_orders_total",
        "Orders that became final since the store's birth, each once, by rail and outcome.",
        ("rail", "outcome"),
        _by_outcome(tally.orders_counter),
    ),
    of_store(
        "lnwatch_invoices_total",
        "BTCPay invoices of the orders that became final since the store's birth, each once, by rail and outcome.",
        ("rail", "outcome"),
        _by_outcome(tally.invoices_counter),
    ),
    of_store(
        "lnwatch_invoice_paid_satoshis_total",
        "What settled orders brought since the store's birth.",
        ("rail",),
        _paid,
    ),
    of_store(
        "lnwatch_payments_total",
        "Payments of the orders that became final since the store's birth, by method.",
        ("method",),
        _payments,
    ),
    of_store(
        "lnwatch_refunds_total",
        "Orders of which money went back since the store's birth, each once.",
        (),
        _refunds,
    ),
    of_store("lnwatch_invoices_open", "BTCPay invoices that may still be paid.", (), _open, Kind.GAUGE),
    of_store(
        "lnwatch_payability",
        "1 for whether customers can pay over the rail, and over `all` of them: yes, partly, no or unknown.",
        ("rail", "answer"),
        _payability,
        Kind.GAUGE,
    ),
    of_store(
        "lnwatch_settlement_latency_seconds",
        "How long a leg of a payment took; its exemplars are invoices.",
        ("rail", "leg"),
        _latency_seconds,
        Kind.HISTOGRAM,
    ),
    of_store(
        "lnwatch_settlement_latency_blocks",
        "Blocks that an on-chain payment waited for its first confirmation; its exemplars are invoices.",
        ("rail", "leg"),
        _latency_blocks,
        Kind.HISTOGRAM,
    ),
)

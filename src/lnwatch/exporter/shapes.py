"""The shapes that rows of the table come in: a figure of each target, of each node, or of a target's facts."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from lnwatch.exporter.metric import Kind, Metric, Number, Row
from lnwatch.exporter.moment import Moment
from lnwatch.model.snapshot import Facts, Snapshot
from lnwatch.model.view import CollectorHealth, TargetView, View

F = TypeVar("F", bound=Facts)

TARGET = ("site", "source")
NODE = ("site", "node")
OWN = "lnwatch"  # the site of the daemon's own series

Many = Iterable[tuple[tuple[str, ...], Number | None]]


def own(name: str, text: str, figure: Callable[[Moment], Number | None], *, kind: Kind = Kind.GAUGE) -> Metric:
    """One figure of the daemon itself."""

    def rows(moment: Moment) -> Iterator[Row]:
        value = figure(moment)
        if value is not None:
            yield (OWN,), value

    return Metric(name, text, kind, ("site",), rows)


def of_target(
    name: str, text: str, figure: Callable[[Moment, TargetView], Number | None], *, kind: Kind = Kind.GAUGE
) -> Metric:
    """One figure of each source, left out where it is None."""

    def rows(moment: Moment) -> Iterator[Row]:
        for view, target in moment.targets():
            value = figure(moment, target)
            if value is not None:
                yield (view.site, target.slug), value

    return Metric(name, text, kind, TARGET, rows)


def of_collector(
    name: str,
    text: str,
    figure: Callable[[Moment, CollectorHealth], Number | None],
    *,
    kind: Kind = Kind.GAUGE,
) -> Metric:
    """One figure of each collector and stream, left out where it is None."""

    def rows(moment: Moment) -> Iterator[Row]:
        for view, target in moment.targets():
            for collector, health in target.collectors.items():
                value = figure(moment, health)
                if value is not None:
                    yield (view.site, target.slug, collector), value

    return Metric(name, text, kind, (*TARGET, "collector"), rows)


@dataclass(frozen=True, slots=True)
class FactRows(Generic[F]):
    """Rows about the fresh facts of one kind; `base` are the labels that tell whose they are."""

    facts: type[F]
    base: tuple[str, str] = TARGET

    def one(self, name: str, text: str, figure: Callable[[F], Number | None], *, kind: Kind = Kind.GAUGE) -> Metric:
        """One figure, left out where it is None."""
        return self.each(name, text, (), lambda facts: [((), figure(facts))], kind=kind)

    def each(
        self, name: str, text: str, labels: tuple[str, ...], figures: Callable[[F], Many], *, kind: Kind = Kind.GAUGE
    ) -> Metric:
        """Several figures, each under its own label values."""
        return self._metric(name, text, labels, lambda _snapshot, facts: figures(facts), kind)

    def dated(self, name: str, text: str, figure: Callable[[Snapshot, F], Number | None]) -> Metric:
        """One figure that needs the instant of the facts as well."""
        return self._metric(name, text, (), lambda snapshot, facts: [((), figure(snapshot, facts))], Kind.GAUGE)

    def _metric(
        self, name: str, text: str, labels: tuple[str, ...], figures: Callable[[Snapshot, F], Many], kind: Kind
    ) -> Metric:
        def rows(moment: Moment) -> Iterator[Row]:
            for view, target in moment.targets():
                snapshot, facts = moment.snapshot(target, self.facts), moment.facts(target, self.facts)
                if snapshot is None or facts is None:
                    continue
                for values, value in figures(snapshot, facts):
                    if value is not None:
                        yield (view.site, target.slug, *values), value

        return Metric(name, text, kind, (*self.base, *labels), rows)


def of_node(
    name: str,
    text: str,
    labels: tuple[str, ...],
    figures: Callable[[Moment, View, TargetView], Many],
    *,
    kind: Kind = Kind.GAUGE,
) -> Metric:
    """Figures of each Lightning node, from wherever in its view."""

    def rows(moment: Moment) -> Iterator[Row]:
        for view, target in moment.nodes():
            for values, value in figures(moment, view, target):
                if value is not None:
                    yield (view.site, target.slug, *values), value

    return Metric(name, text, kind, (*NODE, *labels), rows)

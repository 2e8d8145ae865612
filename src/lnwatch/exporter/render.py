"""Writes metrics as text: Prometheus' format 0.0.4 and OpenMetrics 1.0.

Our own because it is about twenty times as fast as the client library, and because figures stay exact:
whole numbers are written as whole numbers, decimals with all their digits.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache

from prometheus_client.metrics_core import Metric as LiveMetric
from prometheus_client.samples import Exemplar, Sample

from lnwatch.exporter.metric import Distribution, Metric, Number, Row, unit_of
from lnwatch.exporter.moment import Moment

OPENMETRICS_END = "# EOF\n"

# From one scrape to the next hardly a label set changes: what is written of the newest so many is kept.
_KEPT = 8_192

_EXACT = 2**53  # below, a float that is whole is that whole number
_SUFFIXES = {"counter": "_total", "info": "_info"}
# Prometheus takes NUL for the end of all text; no control character is of use in a label.
_CONTROL = dict.fromkeys((*range(10), *range(11, 32), 127), "\ufffd")
_LABEL = str.maketrans({**_CONTROL, "\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_QUOTED_HELP = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def label(value: str) -> str:
    """A label's value as it stands between its quotes."""
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return value
    return value.translate(_LABEL).encode("utf-8", "replace").decode()


def number(value: Number) -> str:
    """A figure: whole numbers as such, decimals in plain notation, infinities as both formats spell them."""
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if abs(value) == float("inf"):
        return "+Inf" if value > 0 else "-Inf"
    whole = int(value)
    return str(whole) if value == whole and abs(whole) < _EXACT else repr(value)


@lru_cache(_KEPT)
def head(name: str, text: str, kind: str, *, openmetrics: bool) -> str:
    """The lines above a metric's samples; `name` as it is queried."""
    if not openmetrics:
        kind = {"info": "gauge", "unknown": "untyped"}.get(kind, kind)
        return f"# HELP {name} {text.translate(_HELP)}\n# TYPE {name} {kind}\n"
    family = family_of(name, kind)
    unit = unit_of(family)
    lines = f"# HELP {family} {text.translate(_QUOTED_HELP)}\n# TYPE {family} {kind}\n"
    return f"{lines}# UNIT {family} {unit}\n" if unit else lines


def family_of(name: str, kind: str) -> str:
    """The name that OpenMetrics gives the whole family."""
    return name.removesuffix(_SUFFIXES.get(kind, ""))


@lru_cache(_KEPT)
def labels_text(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    """`{a="1",b="2"}`, nothing where there are no labels."""
    inside = ",".join([f'{name}="{label(value)}"' for name, value in zip(names, values, strict=True)])
    return f"{{{inside}}}" if inside else ""


class Table:
    """Renders metrics again and again: the rows are of the moment, the text of those that stayed the same is kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bool], tuple[list[Row], str]] = {}

    def render(self, metrics: Iterable[Metric], moment: Moment, *, openmetrics: bool) -> Iterator[str]:
        """Pieces of text, one for each metric; empty where it has nothing to tell at that moment."""
        for metric in metrics:
            rows, key = list(metric.rows(moment)), (metric.name, openmetrics)
            known = self._known.get(key)
            if known is None or known[0] != rows:
                known = self._known[key] = rows, _text(metric, rows, openmetrics=openmetrics)
            yield known[1]


def _text(metric: Metric, rows: Iterable[Row], *, openmetrics: bool) -> str:
    lines: dict[str, str] = {}  # the first of two equal label sets wins: a second would spoil the scrape
    for values, figure in rows:
        labels = labels_text(metric.labels, values)
        if isinstance(figure, Distribution):
            lines.setdefault(labels, _distributed(metric.name, labels, figure, exemplars=openmetrics))
        else:
            lines.setdefault(labels, f"{metric.name}{labels} {number(figure)}\n")
    if not lines:
        return ""
    return head(metric.name, metric.help, metric.kind, openmetrics=openmetrics) + "".join(lines.values())


def _distributed(name: str, labels: str, told: Distribution, *, exemplars: bool) -> str:
    """The lines of one histogram; an edge is written as the client library does, `5.0`."""
    bucket = f"{name}_bucket{labels[:-1]}," if labels else f"{name}_bucket{{"
    lines = []
    for edge, count in told.counts.items():
        shown = told.exemplars.get(edge) if exemplars else None
        tail = (
            "" if shown is None else f" # {labels_text((shown.label,), (shown.id,))} {number(shown.value)} {shown.at}"
        )
        lines.append(f'{bucket}le="{"+Inf" if edge == math.inf else float(edge)}"}} {count}{tail}\n')
    every = told.counts[math.inf]
    return "".join([*lines, f"{name}_sum{labels} {number(told.total)}\n", f"{name}_count{labels} {every}\n"])


def render_live(metrics: Iterable[LiveMetric], *, site: str, openmetrics: bool) -> Iterator[str]:
    """Pieces of text of what the client library collected, with the label `site` on every series."""
    for metric in metrics:
        name = metric.name + _SUFFIXES.get(metric.type, "")
        write = _exemplary if openmetrics else _plain
        samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]  # double the series
        lines = [write(sample, _labels({"site": site, **sample.labels})) for sample in samples]
        yield head(name, metric.documentation, metric.type, openmetrics=openmetrics) + "".join(lines)


_Write = Callable[[Sample, str], str]


def _labels(labels: Mapping[str, str]) -> str:
    return labels_text(tuple(labels), tuple(labels.values()))


def _plain(sample: Sample, labels: str) -> str:
    return f"{sample.name}{labels} {number(sample.value)}\n"


def _exemplary(sample: Sample, labels: str) -> str:
    exemplar: Exemplar | None = sample.exemplar
    line = _plain(sample, labels)
    if exemplar is None:
        return line
    told = f"{_labels(exemplar.labels) or '{}'} {number(exemplar.value)}"
    at = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f"{line[:-1]} # {told}{at}\n"

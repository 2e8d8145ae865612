"""What one row of the metric table holds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from lnwatch.exporter.moment import Moment
from lnwatch.model.money import MSAT_PER_SAT

Number = int | float | Decimal


class Kind(StrEnum):
    """The types that lnwatch uses, as OpenMetrics names them."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One event of those that a bucket counts, by what leads to it."""

    label: str
    id: str
    value: Number
    at: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a histogram tells: `counts` are cumulative, by rising edge, and `inf` holds them all."""

    counts: Mapping[float, int]
    total: Number
    exemplars: Mapping[float, Exemplar] = field(default_factory=dict)


Figure = Number | Distribution
Row = tuple[tuple[str, ...], Figure]  # label values in the order of the metric's labels, and the figure


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `name` as it is queried (a counter's ends in `_total`, an info's in `_info`)."""

    name: str
    help: str
    kind: Kind
    labels: tuple[str, ...]
    rows: Callable[[Moment], Iterable[Row]]


_UNITS = ("satoshis_per_vbyte", "bytes_per_second", "seconds", "bytes", "satoshis", "ratio")


def unit_of(family: str) -> str:
    """The unit at the end of a family's name, empty where it counts things."""
    return next((unit for unit in _UNITS if family.endswith(f"_{unit}")), "")


def satoshis(msat: int) -> Number:
    """Satoshis of an amount, whole wherever it is whole, exact where not."""
    whole, rest = divmod(msat, MSAT_PER_SAT)
    return Decimal(msat).scaleb(-3) if rest else whole

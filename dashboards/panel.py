"""A panel as plain data; `drawing.py` makes of it what Grafana reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Okabe and Ito's palette: told apart also by people who don't see red and green as different.
WELL = "#009E73"
WATCH = "#E69F00"
BAD = "#D55E00"
CONTEXT = "#56B4E9"
NEUTRAL = "#999999"

# Units, as Grafana calls them.
PLAIN = "none"
COUNT = "short"
SECONDS = "s"
BYTES = "bytes"
SHARE = "percentunit"
SATOSHIS = "count:sat"  # with K, M and B for thousands, millions and billions: M alone never means milli
FEE_RATE = "suffix:sat/vB"
BLOCKS = "suffix:blocks"
PER_SECOND = "cps"


class Look(StrEnum):
    """How a panel shows its figures."""

    LINES = "lines"  # over time; limits are dashed
    BARS = "bars"  # counts over time, stacked
    NUMBERS = "numbers"  # as of now; limits are what is left to them
    STATES = "states"  # one coloured band for each series
    TABLE = "table"  # as of now, a row for each series


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and what its series are called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A label as a column of a table; a `link` may hold `${__data.fields.LABEL}`."""

    label: str
    link: str = ""
    width: int = 0


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    `shows` says what it is, `act` what to do when it looks wrong; `rules` judge the same, and their runbooks are
    linked. `limits` are series too: dashed lines, or in NUMBERS what is left to the limit (below `spare`: bad).
    `words` give figures their text and colour; `zero_is_well` colours a count of what should not be.
    """

    title: str
    shows: str
    act: str
    unit: str
    look: Look
    queries: tuple[Query, ...]
    limits: tuple[Query, ...] = ()
    rules: tuple[str, ...] = ()
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()
    zero_is_well: bool = False
    spare: int = 0
    colours: Mapping[str, str] = field(default_factory=dict)
    empty: str = ""
    span: int = 8
    height: int = 7


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable of a board: the values of a label of some series."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Board:
    """One board; `uid` is in its address, and so must not change."""

    uid: str
    title: str
    text: str
    choices: tuple[Choice, ...]
    rows: tuple[Row, ...]

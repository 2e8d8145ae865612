"""The committed boards as plain data, and their expressions as Prometheus can answer them."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.testbed.prometheus import Prometheus

FOLDER = Path(__file__).parents[2] / "dashboards"
NAMES = ("node", "lnwatch", "payments", "liquidity")

_VARIABLE = re.compile(r'"\$\w+"')
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")


@dataclass(frozen=True, slots=True)
class Asked:
    """An expression, and where it stands."""

    board: str
    place: str
    expr: str

    def __str__(self) -> str:
        """For the one who reads a failure."""
        return f"{self.board}: {self.place}: {self.expr}"


def board(name: str) -> Any:  # noqa: ANN401 - JSON is anything
    """One board."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def panels(name: str) -> list[Any]:
    """Its panels without the headings of rows."""
    return [panel for panel in board(name)["panels"] if panel["type"] != "row"]


def asked(name: str) -> Iterator[Asked]:
    """Everything that a board asks of Prometheus: panels, spans of cases, values of variables."""
    for panel in panels(name):
        for target in panel["targets"]:
            yield Asked(name, panel["title"], target["expr"])
    for annotation in board(name)["annotations"]["list"]:
        yield Asked(name, annotation["name"], annotation["expr"])
    for variable in board(name)["templating"]["list"]:
        if variable["type"] == "query":
            found = _LABEL_VALUES.fullmatch(variable["definition"])
            assert found is not None, variable["definition"]
            yield Asked(name, f"${variable['name']}", f"count by ({found['label']}) ({found['series']})")


def filled(expr: str) -> str:
    """The expression with everything chosen, for a Prometheus that scrapes each second."""
    return _VARIABLE.sub('".*"', expr.replace("$__rate_interval", "30s"))


def unanswered(prometheus: Prometheus) -> list[Asked]:
    """What returns no figure, on any board. Raises where Prometheus does not even understand."""
    return [
        one
        for name in NAMES
        for one in asked(name)
        if all(math.isnan(value) for _, value in prometheus.query(filled(one.expr)))
    ]

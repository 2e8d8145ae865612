"""The figures of a run: beside each its bar, on the screen as a table, for others as JSON."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_HEAD = """\
| figure | unit | obvious way | without graph | lnwatch | bar | |
| --- | --- | --: | --: | --: | --- | --- |"""
RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, beside that of the obvious way where it has one.

    `most` and `least` are its bars, one of the two at most.
    """

    what: str
    unit: str
    ours: float
    obvious: float | None = None
    without_graph: float | None = None
    most: float | None = None
    least: float | None = None

    @property
    def bar(self) -> str:
        """The bar as people read it."""
        if self.most is not None:
            return f"<= {_number(self.most)}"
        return f">= {_number(self.least)}" if self.least is not None else ""

    @property
    def verdict(self) -> str:
        """Whether the bar is met; empty without one."""
        if self.most is None and self.least is None:
            return ""
        low = self.least is None or self.ours >= self.least
        return "met" if low and (self.most is None or self.ours <= self.most) else "NOT MET"


def machine() -> dict[str, object]:
    """What the run was made on."""
    names = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "name" in line
    ]
    return {
        "when": datetime.now(tz=UTC).date().isoformat(),
        "cpu": next((name for name in names if name), platform.processor()),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def describe(on: Mapping[str, object]) -> str:
    """The machine in one line."""
    return (
        f"{on['when']}: {on['cpu']}, {on['cores']} cores, {on['memory_gib']} GiB, {on['system']}, Python {on['python']}"
    )


def show(rows: Iterable[Row], on: Mapping[str, object]) -> None:
    """Print the table."""
    table = Table(title=describe(on), title_justify="left")
    for name in ("what", "unit", "obvious", "without graph", "lnwatch", "bar", ""):
        table.add_column(name, justify="left" if name in {"what", "unit", "bar"} else "right")
    for row in rows:
        table.add_row(row.what, row.unit, *_figures(row), row.bar, row.verdict)
    Console(width=160).print(table)


def write(part: str, rows: Sequence[Row], on: Mapping[str, object], *, order: Sequence[str]) -> None:
    """Keep the figures of one part of a full run, with the machine they were made on, beside those of the others."""
    RESULTS.parent.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[part] = {"machine": on, "figures": [asdict(row) for row in rows]}
    kept = {name: kept[name] for name in order if name in kept}
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    print(f"written to {RESULTS}; `python -m tests.deploy.readme` puts it into README")


def markdown(kept: Mapping[str, Any]) -> str:
    """The tables of a result file as README shows them: one for each machine and moment, parts in their order."""
    tables: dict[str, list[str]] = {}
    for part in kept.values():
        table = tables.setdefault(describe(part["machine"]), [_HEAD])
        for figure in part["figures"]:
            row = Row(**figure)
            table.append(f"| {' | '.join((row.what, row.unit, *_figures(row), row.bar, row.verdict))} |")
    return "\n\n".join("\n".join([on, "", *table]) for on, table in tables.items())


def _figures(row: Row) -> list[str]:
    return [_number(figure) for figure in (row.obvious, row.without_graph, row.ours)]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 1_000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"

"""`python -m bench`: every figure in one run. BENCH_QUICK=1 takes two minutes and proves only that it runs."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import path, telling
from bench.backfill import Backfill, backfill, value
from bench.exporters import Exporter, StandIn, lnwatch, obvious, stand_in
from bench.postgres import postgres, programs
from bench.report import Row, machine, show, write
from bench.steady import Steady, steady

PAGES = ("/metrics", "/metrics/channels", "/healthz")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run measures. Seconds; `channels` from the largest, whose ledger the others go on with.

    The obvious way does the same at each scrape, so half of the window tells as much about it.
    """

    channels: tuple[int, ...]
    invoices: int
    window: float
    probe: float
    events: int
    findings: int
    patience: float


FULL = Size(
    channels=(10_000, 1_000, 10), invoices=1_000_000, window=60, probe=20, events=100_000, findings=100, patience=900
)
QUICK = Size(channels=(1_000,), invoices=20_000, window=30, probe=3, events=5_000, findings=20, patience=60)


@dataclass(frozen=True, slots=True)
class Stalls:
    """How the event loop ran in a window: looks at it, and those that came over 50 ms late; assessments, and the
    seconds that they took."""

    looks: float
    late: float
    assessments: float
    seconds: float

    @classmethod
    def of(cls, exporter: Exporter) -> "Stalls":
        """What the daemon counted since its start."""
        page = httpx.get(f"{exporter.base}/metrics", timeout=30).raise_for_status().text
        looks = value(page, "lnwatch_loop_lag_seconds_count")
        late = looks - value(page, "lnwatch_loop_lag_seconds_bucket", 'le="0.05"')
        made, took = value(page, "lnwatch_assessments_total"), value(page, "lnwatch_assessment_seconds_total")
        return cls(looks, late, made, took)

    def __sub__(self, before: "Stalls") -> "Stalls":
        return Stalls(
            self.looks - before.looks,
            self.late - before.late,
            self.assessments - before.assessments,
            self.seconds - before.seconds,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """One size: ours, and the obvious way with the graph and without."""

    channels: int
    ours: Steady
    stalls: Stalls
    obvious: Steady
    without_graph: Steady


def measure(size: Size, folder: Path) -> Iterator[Row]:
    """Run everything; rows come as they are known."""
    for number, channels in enumerate(size.channels):
        with stand_in(folder / f"node-{channels}", channels, size.invoices) as node:
            with lnwatch(node, folder / "ledger") as exporter:
                first = backfill(exporter, size.invoices, patience=size.patience)
                if number == 0:
                    yield from start_rows(first, size.invoices)
                before = Stalls.of(exporter)
                ours = watch(exporter, node, PAGES, size.window, size.probe)
                stalls = Stalls.of(exporter) - before
            yield from steady_rows(Measured(channels, ours, stalls, *beside(node, size)))
    yield from path_rows(size, folder)
    yield from telling_rows(size, folder)


def watch(exporter: Exporter, node: StandIn, pages: tuple[str, ...], window: float, probe: float) -> Steady:
    """The steady state of one exporter."""
    urls = [exporter.base + page for page in pages]
    return steady(exporter.program, node.node, urls, window=window, probe=probe)


def beside(node: StandIn, size: Size) -> tuple[Steady, Steady]:
    """The obvious way on the same node, with the graph and without."""
    found = []
    for graph in (True, False):
        with obvious(node, graph=graph) as exporter:
            found.append(watch(exporter, node, PAGES[:1], size.window / 2, size.probe))
    return found[0], found[1]


def start_rows(found: Backfill, invoices: int) -> Iterator[Row]:
    """A first start over a long history."""
    of = f"first start, {invoices:,} old invoices"
    yield Row(f"{of}: live data judged after", "s", found.live_after, most=60)
    yield Row(f"{of}: all read after", "s", found.finished_after)
    yield Row(f"{of}: read", "rows/s", found.rows_per_second)
    yield Row(f"{of}: oldest assessment that a scrape met", "s", found.oldest)
    yield Row(f"{of}: peak memory", "MB", found.peak, most=250)


def steady_rows(found: Measured) -> Iterator[Row]:
    """The steady state at one size; the bars are those of 10,000 channels."""
    ours, graph, bare = found.ours, found.obvious, found.without_graph
    of, strict = f"{found.channels:,} channels", found.channels == FULL.channels[0]
    yield Row(f"{of}: CPU a minute", "s", ours.cpu, graph.cpu, bare.cpu, most=2 if strict else None)
    if strict:
        yield Row(f"{of}: CPU of the obvious way in ours", "x", graph.cpu / ours.cpu, least=10)
        yield Row(f"{of}: the same without the graph", "x", bare.cpu / ours.cpu, least=10)
    yield Row(f"{of}: calls in 15 s", "", ours.calls / 4, graph.calls / 4, bare.calls / 4, most=4)
    asked, others = ours.received / 1e6, (graph.received / 1e6, bare.received / 1e6)
    yield Row(f"{of}: asked of the node a minute", "MB", asked, *others)
    yield Row(f"{of}: resident memory", "MB", ours.resident, graph.resident, bare.resident)
    yield Row(f"{of}: peak memory", "MB", ours.peak, graph.peak, bare.peak, most=250)
    for page, answers in zip(PAGES[:2], ours.answers, strict=False):
        one, two = graph.answers[0], bare.answers[0]
        yield Row(f"{of}: `{page}` p50", "ms", answers.p50_ms, one.p50_ms, two.p50_ms)
        yield Row(f"{of}: `{page}` p99", "ms", answers.p99_ms, one.p99_ms, two.p99_ms, most=20 if strict else None)
    yield Row(
        f"{of}: an assessment, judged by every rule", "ms", found.stalls.seconds / found.stalls.assessments * 1_000
    )
    yield Row(f"{of}: times that the loop woke over 50 ms late", "", found.stalls.late, most=0)
    yield Row(f"{of}: longest `/healthz`, in which every stall shows", "ms", ours.answers[2].max_ms)


def path_rows(size: Size, folder: Path) -> Iterator[Row]:
    """Events a second through the whole path, on both kinds of ledger."""
    what = "whole path: read, stored, rolled up, judged"
    on_sqlite = path.on_sqlite(folder / "path-sqlite", size.events)
    yield Row(f"{what}, SQLite", "events/s", on_sqlite, least=5_000)
    if (server := programs()) is not None:
        with postgres(server, folder / "postgres") as url:
            on_postgres = path.on_postgres(url, folder / "path-postgres", size.events)
        yield Row(f"{what}, PostgreSQL", "events/s", on_postgres, least=8_000)


def telling_rows(size: Size, folder: Path) -> Iterator[Row]:
    """From findings to cases and messages."""
    told = telling.tell(folder / "telling", size.findings)
    yield Row("finding to request sent, p50", "ms", told.p50 * 1_000)
    yield Row("finding to request sent, p99", "ms", told.p99 * 1_000)
    yield Row("1,000 findings in one cycle: all cases committed", "s", telling.storm(folder / "storm", 1_000))


def main() -> None:
    """Measure, show, keep."""
    quick = os.environ.get("BENCH_QUICK", "") not in {"", "0"}
    on, rows = machine(), []
    with tempfile.TemporaryDirectory(prefix="lnwatch-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        for row in measure(QUICK if quick else FULL, folder):
            print(f"{row.what}: {row.ours:.4g} {row.unit}", flush=True)
            rows.append(row)
    show(rows, on)
    write(rows, on, quick=quick)


if __name__ == "__main__":
    main()

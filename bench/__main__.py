"""`python -m bench [PART…]`: every figure, or those of some parts, each beside its baseline in one run.

BENCH_QUICK=1 takes three minutes and proves only that it runs.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import busy, hooks, inside, path, shops, telling, world
from bench.backfill import Backfill, backfill, value
from bench.exporters import Exporter, StandIn, lnwatch, obvious, stand_in
from bench.postgres import postgres, programs
from bench.report import Row, machine, show, write
from bench.steady import Steady, steady

STORES = 10  # of the quiet merchant
ANSWERS_AFTER = 0.005  # seconds that its BTCPay takes for each question
DAY = 86_400.0
GRAIN = 1_800.0  # seconds between two looks of a daemon that lives through a month
PAGES = ("/metrics", "/metrics/channels", "/healthz")


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run measures. Seconds; `channels` of the large node, then of smaller ones. `past` are invoices of
    BTCPay, `at_once` so many of them that one answer can hold, `twice` orders that are paid twice. `world` and `month`
    are simulated days, `lockstep` spans of ten simulated minutes, `busy` seconds.
    """

    channels: tuple[int, ...]
    invoices: int
    window: float
    probe: float
    events: int
    findings: int
    patience: float
    hooks: float
    past: int
    at_once: int
    quiet: float
    twice: int
    world: int
    lockstep: int
    busy: float
    month: int


FULL = Size(
    channels=(10_000, 1_000, 10),
    invoices=1_000_000,
    window=60,
    probe=20,
    events=100_000,
    findings=100,
    patience=1_800,
    hooks=10,
    past=1_000_000,
    at_once=50_000,
    quiet=300,
    twice=100,
    world=90,
    lockstep=13,
    busy=600,
    month=30,
)
QUICK = Size(
    channels=(1_000,),
    invoices=20_000,
    window=30,
    probe=3,
    events=5_000,
    findings=20,
    patience=60,
    hooks=3,
    past=5_000,
    at_once=2_000,
    quiet=10,
    twice=5,
    world=3,
    lockstep=2,
    busy=20,
    month=2,
)


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


def large_node(size: Size, folder: Path) -> Iterator[Row]:
    """A first start over a long history, and the steady state after it."""
    yield from _node(size, folder, size.channels[0], first=True)


def small_nodes(size: Size, folder: Path) -> Iterator[Row]:
    """The steady state of smaller nodes, one after the other over the same ledger."""
    for channels in size.channels[1:]:
        yield from _node(size, folder, channels, first=False)


def _node(size: Size, folder: Path, channels: int, *, first: bool) -> Iterator[Row]:
    with stand_in(folder / f"node-{channels}", channels, size.invoices) as node:
        with lnwatch(node, folder / "ledger") as exporter:
            start = backfill(exporter, size.invoices, patience=size.patience)
            if first:
                yield from start_rows(start, size.invoices)
            before = Stalls.of(exporter)
            ours = watch(exporter, node, PAGES, size.window, size.probe)
            stalls = Stalls.of(exporter) - before
        yield from steady_rows(Measured(channels, ours, stalls, *beside(node, size)))


def watch(exporter: Exporter, node: StandIn, pages: tuple[str, ...], window: float, probe: float) -> Steady:
    """The steady state of one exporter."""
    urls = [exporter.base + page for page in pages]
    return steady(exporter.program, node.node, urls, window=window, probe=probe)


def beside(node: StandIn, size: Size) -> tuple[Steady, Steady]:
    """The obvious way on the same node, with the graph and without."""
    found = []
    for graph in (True, False):
        with obvious(node, graph=graph) as exporter:
            found.append(watch(exporter, node, PAGES[:1], size.window, size.probe))
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
    for name in ("telling", "storm"):
        (folder / name).mkdir()
    told = telling.tell(folder / "telling", size.findings)
    yield Row("finding to request sent, p50", "ms", told.p50 * 1_000)
    yield Row("finding to request sent, p99", "ms", told.p99 * 1_000)
    yield Row("1,000 findings in one cycle: all cases committed", "s", telling.storm(folder / "storm", 1_000))


def hook_rows(size: Size, folder: Path) -> Iterator[Row]:
    """Webhooks of BTCPay: taken in time, and not lost."""
    of = "200 webhooks a second"
    taken = hooks.steady(folder / "hooks", 200, size.hooks)
    yield Row(f"{of}: answered, p50", "ms", taken.p50)
    yield Row(f"{of}: answered, p99", "ms", taken.p99, most=20)
    ended = hooks.killed(folder / "hooks-killed", 200, size.hooks)
    yield Row(f"{of}, `kill -9` in the middle: answered with 200", "", ended.answered)
    yield Row(f"{of}, `kill -9` in the middle: of these not in the ledger", "", ended.lost, most=0)


def past_rows(size: Size, folder: Path) -> Iterator[Row]:
    """A first start over a long history of BTCPay Server."""
    plain = shops.at_once(folder / "at-once", size.at_once)
    start = shops.first_start(folder / "past", size.past, patience=size.patience)
    of, a_thousand = f"first start, {size.past:,} old BTCPay invoices", size.past / 1_000
    yield Row(f"{of}: open ones judged after", "s", start.live_after, most=60)
    yield Row(f"{of}: read and stored", "invoices/s", size.past / start.read_after, least=1_000)
    yield Row(f"{of}: all of it orders after", "s", start.finished_after)
    obvious = plain.cpu / size.at_once * 1_000
    yield Row(f"{of}: CPU for 1,000 (obvious way: only counted)", "s", start.cpu / a_thousand, obvious)
    yield Row(f"{of}: peak memory (obvious way: {size.at_once:,})", "MB", start.peak, plain.peak, most=250)
    yield Row(f"{of}: oldest assessment that a scrape met", "s", start.oldest)
    yield Row(f"{of}: an assessment meanwhile", "ms", start.assessment * 1_000, most=50)
    if start.sold:
        yield Row(f"{of}: something sold meanwhile is a settled order after, median", "s", start.sold_median)
        yield Row(f"{of}: the same, at most", "s", start.sold[-1])


def quiet_rows(size: Size, folder: Path) -> Iterator[Row]:
    """Stores in which nothing happens."""
    calm = shops.quiet(folder / "quiet", STORES, settle=size.quiet / 5, window=size.quiet)
    of = f"{STORES} stores with {shops.OPEN} open invoices each"
    yield Row(f"{of}: questions a store a minute", "", calm.asked, most=2)
    yield Row(f"{of}: CPU a minute", "s", calm.cpu)
    yield Row(f"{of}: resident memory", "MB", calm.resident)


def twice_rows(size: Size, folder: Path) -> Iterator[Row]:
    """From a payment to those who are told that it is one too many."""
    told = shops.told(folder / "twice", size.twice, ANSWERS_AFTER)
    of = "an order paid twice, told by a webhook and read again, to the requests to Slack and PagerDuty"
    yield Row(f"{of}, p50", "ms", told.p50)
    yield Row(f"{of}, p99", "ms", told.p99, most=300)


def world_rows(size: Size, folder: Path) -> Iterator[Row]:
    """How fast simulated worlds go, in days of theirs a CPU second."""
    of, on = "world alone, shops of 5, 60 and 800 orders a day", "shops of 5, 60 and 200 orders a day"
    yield Row(f"{of}", "days/s", size.world / world.alone(size.world), least=1.5 if size is FULL else None)
    yield Row(
        f"its doubles too, {on}", "days/s", size.world / 3 / world.on_doubles(folder / "doubles", size.world // 3)
    )
    steps = inside.lived("sockets", size.lockstep, 600, folder / "lockstep")
    hours = (size.lockstep - 1) / 6
    yield Row(f"lnwatch over sockets in lockstep, {on}", "days/s", hours / 24 / steps.cpu)


def busy_rows(size: Size, folder: Path) -> Iterator[Row]:
    """A world in real time that keeps lnwatch busy."""
    yield from _busy("SQLite", busy.keep_up(folder / "busy-sqlite", size.busy))
    if (server := programs()) is not None:
        with postgres(server, folder / "postgres") as url:
            yield from _busy("PostgreSQL", busy.keep_up(folder / "busy-postgres", size.busy, url))


def _busy(backend: str, kept: busy.Kept) -> Iterator[Row]:
    of = f"{busy.AN_HOUR:,} orders an hour in real time, {backend}"
    yield Row(f"{of}: orders an hour that came", "", kept.orders)
    yield Row(f"{of}: CPU a minute", "s", kept.cpu)
    yield Row(f"{of}: resident memory", "MB", kept.resident)
    yield Row(f"{of}: an assessment", "ms", kept.assessment)
    yield Row(f"{of}: invoices of which the ledger lacked something at the end", "", kept.behind)
    yield Row(f"{of}: nothing was lacking after", "s", kept.caught_up, most=30)


def month_rows(size: Size, folder: Path) -> Iterator[Row]:
    """Many simulated days without sockets, the memory above all."""
    days, last = size.month, size.month * 2 // 3
    watched = inside.lived("indoors", days, DAY, folder / "watched", grain=GRAIN)
    unwatched = inside.lived("alone", days, DAY, folder / "unwatched")
    of = f"{days} simulated days without sockets, {watched.orders:,} orders"
    yield Row(f"{of}: speed", "days/s", (days - 1) / watched.cpu)
    yield Row(f"{of}: resident memory at the end, with the world's", "MB", watched.moments[-1].resident)
    ours, theirs = watched.slope(last), unwatched.slope(last)
    yield Row(f"{of}: it grows a day, over the last {last}", "MB", ours)
    yield Row(f"{of}: the same without lnwatch in that process", "MB", theirs)
    yield Row(f"{of}: lnwatch's own", "MB", ours - theirs, most=0.25 if size is FULL else None)


PARTS: Mapping[str, Callable[[Size, Path], Iterator[Row]]] = {
    "large-node": large_node,
    "small-nodes": small_nodes,
    "path": path_rows,
    "telling": telling_rows,
    "hooks": hook_rows,
    "past": past_rows,
    "quiet": quiet_rows,
    "twice": twice_rows,
    "world": world_rows,
    "busy": busy_rows,
    "month": month_rows,
}


def main(asked: Sequence[str]) -> None:
    """Measure, show, keep."""
    if unknown := sorted({*asked} - PARTS.keys()):
        sys.exit(f"there is no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    quick = os.environ.get("BENCH_QUICK", "") not in {"", "0"}
    for name in asked or PARTS:
        on, rows = machine(), []
        with tempfile.TemporaryDirectory(prefix="lnwatch-bench-") as temporary:
            folder = Path(temporary)
            folder.chmod(0o755)  # PostgreSQL runs as a user of its own
            for row in PARTS[name](QUICK if quick else FULL, folder):
                print(f"{row.what}: {row.ours:.4g} {row.unit}", flush=True)
                rows.append(row)
        show(rows, on)
        if not quick:
            write(name, rows, on, order=tuple(PARTS))


if __name__ == "__main__":
    main(sys.argv[1:])

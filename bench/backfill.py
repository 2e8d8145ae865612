"""A first start over a long history: when it judges live data, how fast it reads, and what it holds meanwhile."""

import re
import time
from dataclasses import dataclass

import httpx

from bench.exporters import Exporter
from bench.process import Use

_LIVE = "lnwatch_lightning_usable_inbound_satoshis"
_LOOK_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Backfill:
    """Seconds since the start of the process, rows a second, megabytes; `oldest` is the largest age of an
    assessment that a scrape met while history was read, in seconds."""

    live_after: float
    finished_after: float
    rows_per_second: float
    cpu: float
    peak: float
    oldest: float


def backfill(exporter: Exporter, rows: int, *, patience: float) -> Backfill:
    """Look at `/metrics` once a second until everything was read. Raises TimeoutError."""
    live_after, oldest = 0.0, 0.0
    with httpx.Client(base_url=exporter.base, timeout=30) as client:
        while True:
            page = client.get("/metrics").raise_for_status().text
            age = time.monotonic() - exporter.program.started
            if not live_after and f"\n{_LIVE}{{" in page:
                live_after = age
            if live_after:
                oldest = max(oldest, time.time() - value(page, "lnwatch_assessment_timestamp_seconds"))
            if value(page, "lnwatch_backfill_finished", 'collector="invoice_history"') == 1:
                return _finished(exporter.program.use(), rows, live_after, age, oldest)
            if age > patience:
                done = value(page, "lnwatch_backfill_rows", 'collector="invoice_history",state="done"')
                raise TimeoutError(f"after {age:.0f} s {done:,.0f} of {rows:,} rows were read")
            time.sleep(_LOOK_EVERY)


def _finished(use: Use, rows: int, live_after: float, age: float, oldest: float) -> Backfill:
    return Backfill(
        live_after=live_after,
        finished_after=age,
        rows_per_second=rows / age,
        cpu=use.cpu,
        peak=use.peak,
        oldest=oldest,
    )


def value(page: str, name: str, labels: str = "") -> float:
    """The value of the first series of that name with these labels in it; 0 where there is none."""
    found = re.search(rf"^{name}\{{[^}}]*{re.escape(labels)}[^}}]*\}} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0

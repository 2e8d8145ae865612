"""One exporter under a scrape every 15 s: what it burns, holds and asks of the node, and how it answers."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.control import Node
from bench.process import Program

SCRAPE_EVERY = 15.0
PROBE_EVERY = 0.1
STALL_PROBE = "/healthz", 0.01  # dense enough that no stall falls between two


@dataclass(frozen=True, slots=True)
class Answers:
    """How one page answered another process: milliseconds, and bytes as they came over the wire."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Steady:
    """Figures of the steady state. CPU seconds, calls and bytes are per minute, sizes in megabytes.

    `methods` counts the calls of the window by name; `window` is its length in seconds; `answers` is by URL.
    """

    window: float
    cpu: float
    resident: float
    peak: float
    calls: float
    received: float
    methods: dict[str, int]
    answers: tuple[Answers, ...]


def steady(program: Program, node: Node, urls: Sequence[str], *, window: float, probe: float) -> Steady:
    """Scrape every URL each 15 s for `window` seconds, then ask one page after another 10 times a second for `probe` s.

    The scrapes go on while it is probed, and probes are not part of the CPU figure.
    """
    used, counted, began = program.use(), node.counts(), time.monotonic()
    _together([_scraper(url, SCRAPE_EVERY, window) for url in urls])
    time.sleep(max(0.0, began + window - time.monotonic()))
    took, now, asked = time.monotonic() - began, program.use(), node.counts() - counted
    background = [_scraper(url, SCRAPE_EVERY, probe * len(urls)) for url in urls]
    answered = [_together([_scraper(url, _probe_every(url), probe)])[0] for url in urls]
    _together(background)
    per_minute = 60 / took
    return Steady(
        window=took,
        cpu=(now.cpu - used.cpu) * per_minute,
        resident=now.resident,
        peak=program.use().peak,
        calls=asked.total * per_minute,
        received=asked.sent_bytes * per_minute,
        methods=asked.calls,
        answers=tuple(answered),
    )


def _probe_every(url: str) -> float:
    page, dense = STALL_PROBE
    return dense if url.endswith(page) else PROBE_EVERY


def _scraper(url: str, every: float, duration: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.scrape", url, "--every", str(every), "--for", str(duration)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _together(scrapers: Sequence["subprocess.Popen[str]"]) -> list[Answers]:
    answers = []
    for scraper in scrapers:
        output, _ = scraper.communicate()
        if scraper.returncode:
            raise RuntimeError(f"a scrape failed: {scraper.args!r}")
        answers.append(Answers(**json.loads(output)))
    return answers

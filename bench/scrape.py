"""The scraper: a process of its own that asks as Prometheus does, and times the answers.

    python -m bench.scrape URL --every SECONDS --for SECONDS

Prints one JSON object: the count, p50, p99 and the longest answer in milliseconds, and the size of the last body as
it came over the wire. It keeps its connection and decodes nothing, so that the time is the server's.
"""

import argparse
import http.client
import json
import math
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

# What Prometheus 3 sends, without protobuf.
_HEADERS = {
    "Accept": "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def scrape(url: str, every: float, duration: float) -> dict[str, float]:
    """Ask until the time is over; an answer that takes longer than `every` delays the next. Raises on all but 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    took: list[float] = []
    wire = 0
    due = time.monotonic()
    end = due + duration
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        started = time.perf_counter()
        answer = _get(connection, parts.path)
        wire = len(answer.read())
        took.append((time.perf_counter() - started) * 1_000)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{url} answered {answer.status}")
        due = max(due + every, time.monotonic())
    took.sort()
    return {
        "count": len(took),
        "p50_ms": quantile(took, 0.5),
        "p99_ms": quantile(took, 0.99),
        "max_ms": took[-1],
        "wire_bytes": wire,
    }


def _get(connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
    try:
        connection.request("GET", path, headers=_HEADERS)
        return connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionError):  # it was closed while idle: once more, as Go's client
        connection.close()
        connection.request("GET", path, headers=_HEADERS)
        return connection.getresponse()


def main() -> None:
    """Scrape as told and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--every", type=float, required=True)
    parser.add_argument("--for", type=float, required=True, dest="duration")
    given = parser.parse_args()
    print(json.dumps(scrape(given.url, given.every, given.duration)))


if __name__ == "__main__":
    main()

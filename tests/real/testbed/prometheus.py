"""A real Prometheus that scrapes what it is told."""

import json
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.real.testbed.exposition import Labels
from tests.real.testbed.ports import free_port
from tests.real.testbed.process import Process
from tests.real.testbed.waiting import until
from tests.requirements import require


class Prometheus:
    """`jobs` are metric paths by job name, all of `target` (host and port), scraped each second."""

    def __init__(self, folder: Path, target: str, jobs: Mapping[str, str]) -> None:
        folder.mkdir(parents=True)
        port = free_port()
        jobs_as_written = [
            {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [target]}]}
            for job, path in jobs.items()
        ]
        settings = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": jobs_as_written,
        }
        written = folder / "prometheus.yml"
        written.write_text(json.dumps(settings))  # JSON is YAML
        self.process = Process(
            "prometheus",
            [
                require("prometheus"),
                f"--config.file={written}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            folder / "prometheus.log",
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.process.start()
        until("Prometheus is ready", lambda: self._get("/-/ready").is_success)

    def _get(self, path: str, **params: str) -> httpx.Response:
        try:
            return self.http.get(path, params=params)
        except httpx.TransportError as error:
            raise ConnectionError(f"Prometheus does not answer: {error}") from error

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """An instant query: labels and value of each series."""
        answer = self._get("/api/v1/query", query=expression).raise_for_status().json()
        return [(series["metric"], float(series["value"][1])) for series in answer["data"]["result"]]

    def value(self, expression: str) -> float:
        """The value of the one series that a query finds. Raises LookupError."""
        found = self.query(expression)
        if len(found) != 1:
            raise LookupError(f"{len(found)} series for {expression}: {found[:5]}")
        return found[0][1]

    def close(self) -> None:
        """Stop it for good."""
        self.process.stop()
        self.http.close()

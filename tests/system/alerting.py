"""A real Prometheus with lnwatch's alerts, and a real Alertmanager with its example, whose receivers are recorded."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml  # type: ignore[import-untyped]  # comes with apprise, without types of its own

from lnwatch.clock import SystemClock
from lnwatch.exporter.alerts import alert_files
from lnwatch.exporter.alerts.catalogue import HOLD
from lnwatch.model.message import Pager
from lnwatch.simulator.lnd.node import Scale
from lnwatch.simulator.webhook_receiver import Sink
from tests.real.testbed.daemon import Daemon
from tests.real.testbed.ports import free_port
from tests.real.testbed.process import Process
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.waiting import until
from tests.requirements import require
from tests.system.world import World

# So that no test waits for minutes; but a start and a restart have to fit in, also on a busy machine.
_QUICK = {"for: 2m": "for: 10s", "for: 5m": "for: 20s"}
_PACE = {"group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"}
_BARKING = {"group_wait": "0s", "group_interval": "1s", "repeat_interval": "1s"}


@dataclass(frozen=True)
class Notification:
    """What Alertmanager sent to one receiver: a group of alerts, each with its labels and whether it fires."""

    status: str
    alerts: tuple[Mapping[str, Any], ...]

    def __str__(self) -> str:
        """As a test tells it apart: what it is about, and whether that fires."""
        return f"{self.status} {' '.join(self.names)}"

    @property
    def names(self) -> list[str]:
        """Of its alerts, sorted."""
        return sorted(alert["labels"]["alertname"] for alert in self.alerts)


class Office(World):
    """A world with somebody who takes what Alertmanager sends."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        super().__init__(folder, scale)
        self.sink = Sink(SystemClock())

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """All that listens."""
        async with self.sink, super().opened():
            yield

    def sent_to(self, receiver: str) -> list[Notification]:
        """Everything that a receiver was sent, in order."""
        bodies = [
            request.json() for request in self.do(lambda: [*self.sink.received]) if request.path == f"/{receiver}"
        ]
        return [Notification(body["status"], tuple(body["alerts"])) for body in bodies]


def recorded(example: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The example, quick, with each receiver that sends anywhere sending to a path of `url`."""
    route = {**example["route"], **_PACE}
    route["routes"] = [
        each | ({"group_wait": "0s"} if "group_wait" in each else {}) | (_BARKING if "repeat_interval" in each else {})
        for each in route["routes"]
    ]
    receivers = [
        {"name": each["name"], "webhook_configs": [{"url": f"{url}/{each['name']}"}]} if len(each) > 1 else each
        for each in example["receivers"]
    ]
    return {**example, "route": route, "receivers": receivers}


class Alertmanager:
    """Debian's, alone, on a free port."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True)
        self.address = f"127.0.0.1:{free_port()}"
        written = folder / "alertmanager.yml"
        written.write_text(json.dumps(settings))  # JSON is YAML
        self.process = Process(
            "alertmanager",
            [
                require("alertmanager"),
                f"--config.file={written}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
            ],
            folder / "alertmanager.log",
        )

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.process.start()
        until("Alertmanager is ready", self._ready)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"http://{self.address}/-/ready").is_success
        except httpx.TransportError as error:
            raise ConnectionError(f"Alertmanager does not answer: {error}") from error


def watched_by(prometheus: Prometheus, folder: Path, alertmanager: str) -> None:
    """Give a Prometheus that was not started yet the alerts in `folder` and an Alertmanager to tell of them."""
    written = next(Path(part.partition("=")[2]) for part in prometheus.process.argv if "--config.file" in part)
    settings = json.loads(written.read_text())
    settings["global"]["evaluation_interval"] = "1s"
    settings["rule_files"] = [str(folder / "*.rules.yml")]
    settings["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    written.write_text(json.dumps(settings))
    # It fires before it knows its Alertmanager, and would tell again only after a minute.
    prometheus.process.argv.append("--rules.alert.resend-delay=1s")


@contextmanager
def alerting(folder: Path, daemon: Daemon, pager: Pager, office: Office, hold: str) -> Iterator[Prometheus]:
    """Prometheus over the daemon and Alertmanager behind it, as `lnwatch alerts build` leaves them, but quick.

    `hold` is for how long an alert outlasts what set it off.
    """
    quick = {f"keep_firing_for: {HOLD}": f"keep_firing_for: {hold}", **_QUICK}
    files = alert_files(pager, f"http://127.0.0.1:{daemon.port}")
    rules = folder / "rules"
    rules.mkdir(parents=True)
    for name, text in files.items():
        if name.endswith(".rules.yml"):
            (rules / name).write_text(re.sub("|".join(quick), lambda found: quick[found[0]], text))
    settings = recorded(yaml.safe_load(files["alertmanager.example.yml"]), office.sink.url)
    alertmanager = Alertmanager(folder / "alertmanager", settings)
    prometheus = Prometheus(folder / "prometheus", f"127.0.0.1:{daemon.port}", {"lnwatch": "/metrics"})
    watched_by(prometheus, rules, alertmanager.address)
    try:
        alertmanager.start()
        prometheus.start()
        yield prometheus
    finally:
        prometheus.close()
        alertmanager.process.stop()

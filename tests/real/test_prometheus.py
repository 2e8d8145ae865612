"""A real Prometheus scrapes a real lnwatch over real nodes."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.real.testbed.bed import Bed
from tests.real.testbed.daemon import Daemon, quick, running, site_settings
from tests.real.testbed.exposition import Exposition
from tests.real.testbed.prometheus import Prometheus
from tests.real.testbed.waiting import until
from tests.requirements import require

pytestmark = [pytest.mark.real, pytest.mark.real("prometheus"), pytest.mark.real("promtool")]

# Figures that move between two looks.
RESTLESS = ("_timestamp_seconds", "_duration_seconds", "_total", "round_trip", "disk", "memory", "load", "clock_offset")


@pytest.fixture(scope="module")
def desk(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon over the merchant's stack."""
    with running(tmp_path_factory.mktemp("scraped") / "lnwatch", site_settings(bed, quick())) as daemon:
        until("the node is up", lambda: daemon.state_of("ln1") == "up", timeout=60)
        until("channels are there", lambda: daemon.scrape("/metrics/channels").has("lnwatch_channel_active"))
        yield daemon


@pytest.fixture(scope="module")
def prometheus(desk: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Debian's Prometheus, which scrapes both pages each second."""
    jobs = {"lnwatch": "/metrics", "channels": "/metrics/channels"}
    server = Prometheus(tmp_path_factory.mktemp("prometheus") / "server", f"127.0.0.1:{desk.port}", jobs)
    try:
        server.start()
        yield server
    finally:
        server.close()


def steady(exposition: Exposition) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples that do not move by themselves; to Prometheus an empty label is none."""
    return {
        (name, frozenset((key, own) for key, own in labels.items() if own)): value
        for name, labels, value in exposition
        if not any(word in name for word in RESTLESS)
    }


@pytest.mark.parametrize(("job", "path"), [("lnwatch", "/metrics"), ("channels", "/metrics/channels")])
def test_prometheus_holds_what_is_exported(desk: Daemon, prometheus: Prometheus, job: str, path: str) -> None:
    """The target is up, and every steady sample of a scrape is in Prometheus with its value."""
    until("the target is up", lambda: prometheus.value(f'up{{job="{job}"}}') == 1)

    def same() -> bool:
        exported = steady(desk.scrape(path))
        kept = {
            (
                labels.pop("__name__"),
                frozenset((key, own) for key, own in labels.items() if key not in {"job", "instance"}),
            ): value
            for labels, value in prometheus.query(f'{{job="{job}", __name__=~"lnwatch_.+"}}')
        }
        missing = [key for key, value in exported.items() if kept.get(key) != value]
        assert exported
        assert not missing, missing[:5]
        return True

    until("Prometheus holds it", same, pause=0.5)


def test_promtool_is_silent(desk: Daemon) -> None:
    """`promtool check metrics` finds nothing to say about either page."""
    for path in ("/metrics", "/metrics/channels"):
        page = desk.get(path).raise_for_status().content
        told = subprocess.run([require("promtool"), "check", "metrics"], input=page, capture_output=True, check=False)
        assert (told.returncode, told.stdout, told.stderr) == (0, b"", b""), path


def test_figures_reach_prometheus_within_a_minute(bed: Bed, prometheus: Prometheus) -> None:
    """A block that is mined is in Prometheus soon after, as both nodes tell it."""
    bed.mine(1)
    height = float(bed.bitcoind.height)
    until("bitcoind's", lambda: prometheus.value("lnwatch_bitcoind_blocks") == height, timeout=60, pause=0.5)
    until("LND's", lambda: prometheus.value("lnwatch_lightning_block_height") == height, timeout=60, pause=0.5)


def test_dead_daemon_is_seen(desk: Daemon, prometheus: Prometheus) -> None:
    """When lnwatch is killed, Prometheus' own `up` says so, and again when it is back."""
    until("it is up", lambda: prometheus.value('up{job="lnwatch"}') == 1)
    desk.process.kill()
    until("it is down", lambda: prometheus.value('up{job="lnwatch"}') == 0)
    desk.start()
    until("it is up again", lambda: prometheus.value('up{job="lnwatch"}') == 1)

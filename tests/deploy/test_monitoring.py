"""The configurations of Prometheus, Alertmanager and Grafana: accepted by their own tools, true to lnwatch."""

import subprocess
from pathlib import Path

import pytest

from lnwatch.web.settings import DEFAULT_LISTEN
from tests.deploy.documents import DEPLOY, read
from tests.requirements import require

PORT = DEFAULT_LISTEN.rpartition(":")[2]


@pytest.mark.real("promtool")
def test_prometheus_accepts_its_configuration(tmp_path: Path) -> None:
    """`promtool check config` finds nothing to say, the files that it names included."""
    token = tmp_path / "token"
    token.write_text("secret")
    written = tmp_path / "prometheus.yml"
    written.write_text((DEPLOY / "prometheus.yml").read_text().replace("/run/secrets/lnwatch_token", str(token)))
    done = subprocess.run(
        [require("promtool"), "check", "config", written], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout
    assert not done.stderr


@pytest.mark.real("amtool")
def test_alertmanager_accepts_its_configuration() -> None:
    """`amtool check-config` finds nothing to say."""
    command = [str(require("amtool")), "check-config", str(DEPLOY / "alertmanager.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in done.stdout


def test_prometheus_scrapes_both_pages_of_lnwatch() -> None:
    """Both expositions are scraped where compose.yaml makes lnwatch listen, with the token that it asks for."""
    jobs = {job["job_name"]: job for job in read("prometheus.yml")["scrape_configs"]}
    ours = [job for name, job in jobs.items() if name.startswith("lnwatch")]
    assert {job.get("metrics_path", "/metrics") for job in ours} == {"/metrics", "/metrics/channels"}
    listen = read("compose.yaml")["services"]["lnwatch"]["environment"]["LNWATCH_WEB__LISTEN"]
    assert listen == f"0.0.0.0:{PORT}"
    for job in ours:
        assert job["static_configs"] == [{"targets": [f"lnwatch:{PORT}"]}]
        assert job["authorization"]["credentials_file"] == "/run/secrets/lnwatch_token"


def test_every_target_is_a_service() -> None:
    """Prometheus, Alertmanager and Grafana name each other as compose.yaml does."""
    services = read("compose.yaml")["services"]
    settings = read("prometheus.yml")
    named = [
        target for job in settings["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    ]
    named += [
        target
        for peer in settings["alerting"]["alertmanagers"]
        for group in peer["static_configs"]
        for target in group["targets"]
    ]
    hosts = {target.rpartition(":")[0] for target in named} - {"127.0.0.1"}
    source = read("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0]
    assert hosts <= services.keys()
    assert source["url"] == "http://prometheus:9090"

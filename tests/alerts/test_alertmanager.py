"""The example for Alertmanager, and the one of deploy/: accepted by its own tool, and leading where they have to."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.model.rule import Rule
from tests.alerts.documents import ALERTS, alerts_of, read
from tests.requirements import require

EXAMPLE = ALERTS / "alertmanager.example.yml"
DEPLOYED = ALERTS.parent / "deploy" / "alertmanager.yml"
RULES: dict[str, Rule[Any]] = discover(rules, "RULE", Rule)
both = pytest.mark.parametrize("path", [EXAMPLE, DEPLOYED], ids=lambda path: path.parent.name)


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(part) for part in (require("amtool"), *arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def led_to(path: Path, labels: Mapping[str, str]) -> str:
    """The receivers that an alert of these labels is sent to."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    done = amtool("config", "routes", "test", f"--config.file={path}", *pairs)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def case(rule: str, pages: str, severity: str) -> dict[str, str]:
    labels = {"alertname": "LnwatchAny", "site": "shop", "rule": rule, "subject": "node:ln1", "owner": "oncall"}
    return labels | {"severity": severity, "pages": pages}


@pytest.mark.real("amtool")
@both
def test_it_is_sound(path: Path) -> None:
    """`amtool check-config` finds nothing to say."""
    done = amtool("check-config", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "SUCCESS" in done.stdout


@pytest.mark.real("amtool")
@both
@pytest.mark.parametrize(
    ("rule", "pages", "severity", "receiver"),
    [
        ("bitcoind_down", "alertmanager", "critical", "pager"),
        ("bitcoind_down", "lnwatch", "critical", "page-only"),
        ("htlc_near_expiry", "alertmanager", "critical", "pager"),
        ("htlc_near_expiry", "alertmanager", "warning", "page-only"),
        ("htlc_near_expiry", "lnwatch", "critical", "page-only"),
        ("tls_expiring", "alertmanager", "warning", "page-only"),
        ("chain_stalled", "alertmanager", "info", "page-only"),
    ],
)
def test_where_cases_lead(path: Path, rule: str, pages: str, severity: str, receiver: str) -> None:
    """A case pages from here only when it is critical and Alertmanager is the pager, and is sent nowhere otherwise."""
    assert led_to(path, case(rule, pages, severity)) == receiver


@pytest.mark.real("amtool")
@both
def test_where_watchdogs_lead(path: Path) -> None:
    """Every watchdog reaches somebody, and the one that fires always reaches who misses it."""
    for alert in alerts_of("watchdogs.rules.yml"):
        labels = {"alertname": alert["alert"], "site": "lnwatch", **alert["labels"]}
        wanted = {"info": "dead-man", "warning": "chat", "critical": "pager"}[labels["severity"]]
        assert led_to(path, labels) == wanted, alert["alert"]


def test_deploy_has_the_same_routes() -> None:
    """What compose.yaml runs is the example with receivers that send nowhere."""
    example, deployed = read(EXAMPLE.name), read(DEPLOYED.name, DEPLOYED.parent)
    for key in ("route", "inhibit_rules"):
        assert deployed[key] == example[key]
    assert [{"name": receiver["name"]} for receiver in example["receivers"]] == deployed["receivers"]


def test_money_at_risk_is_paged_singly() -> None:
    """What is never muted has a page for each subject, and nothing inhibits it."""
    routes = read(EXAMPLE.name)["route"]["routes"]
    (single,) = (route for route in routes if "subject" in route.get("group_by", []))
    named = set(re.findall(r"[a-z_]+", single["matchers"][-1].partition("=~")[2]))
    assert named == {rule.id for rule in RULES.values() if rule.never_muted}
    assert not named & {child for _, child in inhibitions()}


def inhibitions() -> list[tuple[str, str]]:
    """Pairs of a rule and one whose alerts it inhibits."""
    return [
        (source, target)
        for rule in read(EXAMPLE.name)["inhibit_rules"]
        for source in re.findall(r'"(\w+)"', rule["source_matchers"][0])
        for target in re.search(r'"(.+)"', rule["target_matchers"][0])[1].split("|")  # type: ignore[index]  # it is there
    ]


def test_it_inhibits_what_lnwatch_would() -> None:
    """Each inhibition is one of the catalogue, and of a whole site: Alertmanager can't tell whose node it is."""
    assert inhibitions()
    for source, target in inhibitions():
        assert source in RULES[target].parents
        assert RULES[source].scope is not RULES[target].scope


def test_no_secret_stands_in_it() -> None:
    """Keys and tokens are named as files."""
    text = EXAMPLE.read_text()
    assert text.count("_file: /etc/alertmanager/secrets/") == 3
    assert not re.search(r"(routing_key|service_key|api_url|credentials|password):", text)

"""Prometheus' own tools accept the alerts, and see each of them fire and be quiet."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # comes with apprise, without types of its own

from lnwatch.exporter.alerts import alert_files
from tests.alerts.documents import ALERTS, RULE_FILES, alerts_of, read
from tests.requirements import require

pytestmark = pytest.mark.real("promtool")

PROOFS = ("lnwatch.test.yml", "watchdogs.test.yml")


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(part) for part in (require("promtool"), *arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def sample(folder: Path) -> None:
    """Leave every eighth of the generated alerts and what proves it: all are written by the same hand."""
    rules, proof = folder / "lnwatch.rules.yml", folder / "tests" / "lnwatch.test.yml"
    written = yaml.safe_load(rules.read_text())
    kept: set[str] = set()
    for group in written["groups"]:
        group["rules"] = group["rules"][::8]
        kept |= {alert["alert"] for alert in group["rules"]}
    rules.write_text(yaml.safe_dump(written))
    tests = yaml.safe_load(proof.read_text())
    tests["tests"] = [one for one in tests["tests"] if one["alert_rule_test"][0]["alertname"] in kept]
    assert len(tests["tests"]) >= 3 * len(kept) > 0
    proof.write_text(yaml.safe_dump(tests))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, built for Alertmanager as the pager and for another address."""
    folder = tmp_path_factory.mktemp("alerts")
    (folder / "tests").mkdir()
    for name, text in alert_files("alertmanager", "https://desk.example").items():
        (folder / name).write_text(text)
    return folder


def test_the_rules_are_sound(elsewhere: Path) -> None:
    """`promtool check rules` finds nothing to say, its linter included."""
    for folder in (ALERTS, elsewhere):
        for name in RULE_FILES:
            done = promtool("check", "rules", "--lint=all", "--lint-fatal", folder / name)
            assert done.returncode == 0, done.stderr
            assert f"{len(alerts_of(name, folder))} rules found" in done.stdout


@pytest.mark.parametrize("proof", PROOFS)
def test_the_alerts_fire_and_are_quiet(proof: str) -> None:
    """`promtool test rules` sees what the committed tests expect."""
    done = promtool("test", "rules", ALERTS / "tests" / proof)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_fire_wherever_they_are_built(elsewhere: Path, tmp_path: Path) -> None:
    """The tests that are built with the alerts prove them with another pager and another address as well."""
    folder = Path(shutil.copytree(elsewhere, tmp_path / "alerts"))
    sample(folder)
    done = promtool("test", "rules", folder / "tests" / "lnwatch.test.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("number", range(len(PROOFS)))
def test_each_has_a_firing_and_a_quiet_case(number: int) -> None:
    """No alert goes untested in either way, but the one that is never quiet."""
    expected: dict[str, set[bool]] = {alert["alert"]: set() for alert in alerts_of(RULE_FILES[number])}
    for test in read(f"tests/{PROOFS[number]}")["tests"]:
        for look in test["alert_rule_test"]:
            expected[look["alertname"]].add(bool(look["exp_alerts"]))
    assert expected.pop("LnwatchWatchdog", {True}) == {True}
    assert set(map(frozenset, expected.values())) == {frozenset({True, False})}


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("lnwatch.rules.yml", (r"keep_firing_for: 2m", "for: 15s")),
        ("lnwatch.rules.yml", (r"max by \(.+?\) \((.+?)\)", r"\1")),
        ("watchdogs.rules.yml", (r"writable == 0", "writable == 1")),
        ("watchdogs.rules.yml", (r"> 120", "> 600")),
        ("watchdogs.rules.yml", (r"on \(site, source\)", "on (source)")),
    ],
)
def test_a_wrong_alert_is_found_out(file: str, change: tuple[str, str], tmp_path: Path) -> None:
    """The tests see when an alert is not what it was."""
    folder = Path(shutil.copytree(ALERTS, tmp_path / "alerts"))
    text = (folder / file).read_text()
    changed, count = re.subn(*change, text)
    assert count
    (folder / file).write_text(changed)
    sample(folder)
    proof = file.replace(".rules.", ".test.")
    assert promtool("test", "rules", folder / "tests" / proof).returncode == 1

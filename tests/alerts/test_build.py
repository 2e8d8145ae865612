"""`lnwatch alerts build`: what is committed is what it writes, for whoever pages and wherever lnwatch is reached."""

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.exporter import OwnMetrics, channels
from lnwatch.exporter.alerts import alert_files
from lnwatch.exporter.table import METRICS
from lnwatch.model.message import Pager
from lnwatch.model.rule import Rule
from lnwatch.notify._tally import EDGES, Tally
from lnwatch.web.settings import WebSettings
from tests.alerts.documents import ALERTS, RULE_FILES, alerts_of
from tests.cli.commands import invoke, spawn

RULES: dict[str, Rule[Any]] = discover(rules, "RULE", Rule)
RUNBOOKS = ALERTS.parent / "runbooks"
DEFAULTS = ("--paging", "lnwatch", "--public-url", WebSettings().link_base)
DESK = "https://desk.example/lnwatch"


def test_the_committed_files_are_as_built() -> None:
    """Building with the defaults gives every committed file byte for byte, and there is no other by hand but one."""
    built = alert_files("lnwatch", WebSettings().link_base)
    assert {name: (ALERTS / name).read_text() for name in built} == built
    found = {str(path.relative_to(ALERTS)) for path in ALERTS.rglob("*") if path.is_file()}
    assert found == {*built, "tests/watchdogs.test.yml"}


def test_every_rule_has_its_alert() -> None:
    """One alert for each rule, under a name and over an expression of its own, and no two alerts of one name."""
    ours = alerts_of("lnwatch.rules.yml")
    assert [set(re.findall(r'rule="(.+?)"', alert["expr"])) for alert in ours] == [{rule} for rule in sorted(RULES)]
    names = [alert["alert"] for file in RULE_FILES for alert in alerts_of(file)]
    assert len(names) == len(set(names)) == len(RULES) + len(alerts_of("watchdogs.rules.yml"))
    assert all(re.fullmatch(r"Lnwatch([A-Z][a-z]+)+", name) for name in names)


@pytest.mark.parametrize("alert", alerts_of("lnwatch.rules.yml"), ids=lambda alert: alert["alert"])
def test_an_alert_follows_its_case(alert: dict[str, Any]) -> None:
    """It waits for nothing, lets the case say how bad it is, and leads to the runbook that is there."""
    assert "for" not in alert
    assert alert["labels"] == {"pages": "lnwatch"}
    summary, runbook = alert["annotations"]["summary"], alert["annotations"]["runbook_url"]
    assert summary.endswith(".")
    assert "{{" not in summary, "alerts that are grouped share their headline"
    assert (RUNBOOKS / f"{runbook.rpartition('/')[2]}.md").is_file()


@pytest.mark.parametrize("alert", alerts_of("watchdogs.rules.yml"), ids=lambda alert: alert["alert"])
def test_a_watchdog_pages_by_itself(alert: dict[str, Any]) -> None:
    """Whoever pages otherwise, it goes through Alertmanager, says how bad it is, and bears no rule."""
    always = alert["alert"] == "LnwatchWatchdog"
    assert alert["labels"]["severity"] in ({"info"} if always else {"critical", "warning"})
    assert alert["labels"].get("pages") == (None if always else "alertmanager")
    assert "rule" not in alert["labels"]
    assert alert["annotations"]["summary"].endswith(".")
    runbook = alert["annotations"].get("runbook_url", "/runbooks/loop_stalled")
    assert (RUNBOOKS / f"{runbook.rpartition('/')[2]}.md").is_file()


def test_only_metrics_that_exist() -> None:
    """Every metric that an alert reads is one that lnwatch exports."""
    registry = CollectorRegistry()
    OwnMetrics(registry).tell_notifications(Tally(("ops",)), EDGES, "lnwatch")
    own = {sample.name for family in registry.collect() for sample in family.samples}
    known = own | {metric.name for metric in METRICS} | {metric.name for metric in channels.METRICS}
    read = {
        name for file in RULE_FILES for alert in alerts_of(file) for name in re.findall(r"\blnwatch_\w+", alert["expr"])
    }
    assert len(read) > 5
    assert read <= known


@pytest.mark.parametrize("pager", ["lnwatch", "alertmanager"])
def test_who_pages_is_said_once(pager: Pager) -> None:
    """Each alert of a case bears the pager, each watchdog pages, and one of them sees when lnwatch has another."""
    files = alert_files(pager, DESK)
    assert set(re.findall(r"pages: (\w+)", files["lnwatch.rules.yml"])) == {pager}
    assert set(re.findall(r"pages: (\w+)", files["watchdogs.rules.yml"])) == {"alertmanager"}
    assert re.findall(r'paging!="(\w+)"', files["watchdogs.rules.yml"]) == [pager]


def test_links_lead_where_lnwatch_is() -> None:
    """Every link in every file bears the base that was asked for, none the one of the committed files."""
    linking = set(files := alert_files("lnwatch", DESK)) - {"alertmanager.example.yml"}
    for text in (files[name] for name in linking):
        assert WebSettings().link_base not in text
        assert f"{DESK}/runbooks/loop_stalled" in text


def test_build_and_check(tmp_path: Path) -> None:
    """What is built is up to date; what was changed, or is gone, is named in a line each and ends with 1."""
    folder = tmp_path / "new" / "alerts"
    built = spawn("alerts", "build", *DEFAULTS, "--output", str(folder))
    assert (built.returncode, built.stdout, built.stderr) == (0, f"wrote 4 files to {folder}\n", "")
    assert (folder / "lnwatch.rules.yml").read_bytes() == (ALERTS / "lnwatch.rules.yml").read_bytes()
    good = spawn("alerts", "build", "--check", *DEFAULTS, "--output", str(folder))
    assert (good.returncode, good.stdout, good.stderr) == (0, f"{folder} is up to date\n", "")
    with (folder / "lnwatch.rules.yml").open("a") as file:
        file.write("# mine\n")
    (folder / "tests" / "lnwatch.test.yml").unlink()
    bad = spawn("alerts", "build", "--check", *DEFAULTS, "--output", str(folder))
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.splitlines() == [
        f"{folder}/lnwatch.rules.yml is not as it was built: run `lnwatch alerts build`",
        f"{folder}/tests/lnwatch.test.yml is not as it was built: run `lnwatch alerts build`",
    ]
    assert (folder / "lnwatch.rules.yml").read_text().endswith("# mine\n"), "checking mends nothing"


def test_the_configuration_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who pages and the base of links come from the configuration, and what is given beside it goes before."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lnwatch.toml").write_text(
        f'[routing]\npaging = "alertmanager"\n[web]\npublic_url = "{DESK}/"\n[site.main.host.here]\n'
    )
    assert invoke("alerts", "build").exit_code == 0
    text = (tmp_path / "alerts" / "lnwatch.rules.yml").read_text()
    assert f"{DESK}/runbooks/bitcoind_down" in text
    assert "pages: alertmanager" in text
    assert invoke("alerts", "build", "--paging", "lnwatch").exit_code == 0
    text = (tmp_path / "alerts" / "lnwatch.rules.yml").read_text()
    assert f"{DESK}/runbooks/bitcoind_down" in text
    assert "pages: lnwatch" in text


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--paging", "both"),
            "lnwatch: Invalid value for '--paging': there are lnwatch and alertmanager",
        ),
        (
            ("--public-url", "desk.example"),
            "lnwatch: Invalid value for '--public-url': a base of links is `https://HOST` or `https://HOST/PATH`",
        ),
        (
            (*DEFAULTS, "--output", "taken"),
            "lnwatch: can't make the folder {cwd}/taken: File exists",
        ),
        (
            (*DEFAULTS, "--output", "taken", "--check"),
            "lnwatch: can't read {cwd}/taken/lnwatch.rules.yml: Not a directory",
        ),
    ],
)
def test_bad_input(arguments: tuple[str, ...], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what is allowed, or what stands in the way."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    done = spawn("alerts", "build", *arguments)
    assert done.returncode in {1, 2}
    assert done.stderr.splitlines() == [line.format(cwd=tmp_path)]

"""The boards as they are committed: made by the generator, true to the metrics, complete for those who read them."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from dashboards.build import BOARDS, FOLDER, main, stale
from dashboards.process import STANDS_STILL
from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.exporter import OwnMetrics
from lnwatch.exporter.metric import Kind
from lnwatch.exporter.table import METRICS
from lnwatch.model.rule import Rule
from lnwatch.notify._tally import EDGES, Tally
from lnwatch.web.guard import refusal_counter
from lnwatch.web.hooks import hook_counter
from tests.dashboards.reading import NAMES, Asked, asked, board, filled, panels
from tests.requirements import require

# isort: split
# After `dashboards`, which silences a warning of the SDK.
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import Dashboard

ACT = "**When it looks wrong:** "
RULES = discover(rules, "RULE", Rule)
# Panels whose figures have no limit to be held against, and why; all others have one, as series or as words.
NO_LIMIT = {
    # what to hold them against is a line beside them
    "Height": "the best header that the node knows lies on the same line",
    "Channels": "how many should be active is how many there are, the next line",
    "What it stands on": "how many orders a share stands on is never wrong",
    "Rules that can fire": "how many there are stands beside it",
    # counts of what people do, of which more or less is no fault
    "Invoices by outcome": "customers come and go: payment success, beside it on Payments, has the target",
    "Orders by outcome": "the same",
    "Open invoices": "as many as there are customers",
    "Payments by method": "the customer chooses",
    "Received": "sales have no limit; what they use up has, in Cover",
    "Brought in": "sales have no limit",
    "Conversion": "its own past alone, as the KPI has no target unless one is set",
    "Fell back to the chain": "its own past alone, likewise",
    "Refunded orders": "the target is for their share, in Fallback and refunds",
    "Price of a bitcoin": "the market makes it; rate_stale judges whether it moves",
    "Payouts": "how long one may wait is no figure here; refund_float_low holds their sum against the purses",
    "Refunds and payouts that wait": "the same, in satoshis of several purses",
    "Store wallets": "hot_balance_high limits the sum over wallets, nodes and channels, where a site sets it at all",
    "Webhooks to the shop": "shop_webhooks_failing counts the newest in a row, which no count by state shows",
    "Webhooks received": "anybody may send one; coverage and the first page say when none can be proved",
    # money and safety that rules judge by more than this figure
    "In flight": "an HTLC is judged by the blocks that it has left, in the panel of the nearest expiry",
    "Closing channels": "what is owed is no fault; limbo_overdue judges by the height at which it was due",
    "Age of the backup file": "backup_stale judges by what the file lacks: an old one may be whole",
    # how lnwatch itself fares
    "Notices by outcome": "delivery_failing judges a channel by its last tries",
    "Actions by outcome": "each is a case or a line of the journal",
    "From change to receipt": "it is the service's time more than ours; delivery_failing judges what is never received",
    "Failed runs": "source_stale judges by how long nothing came",
    "Duration": "the limit is each collector's own interval: Share of its interval",
    "Calls": "a source that pages reads more, and should",
    "Requests turned away": "a wrong token once is no fault, and a limit would depend on who looks",
    "Starts": "an upgrade is one; restarts in a row show by themselves",
    "Assessments": "more while much happens; Age of the assessment has the limit",
    # the limit is 0, or all of it, by what it is
    "Free disk, looking ahead": "below 0 it is full",
    "Share of its interval": "at 100 % it reads without pause",
    "Budget used": "at 100 % nothing more is done",
    # the cases themselves
    "Open cases": "each is past its limit",
    "How many": "the same",
    "Open cases by severity and owner": "the same",
    "Age of the oldest": "the same",
    "Open exceptions": "the same",
    "Exceptions now": "the same",
    "Which lnwatch": "no figures",
}


def every() -> Iterator[tuple[str, Any]]:
    """Each panel with the name of its board."""
    for name in NAMES:
        yield from ((name, panel) for panel in panels(name))


def every_expression() -> list[Asked]:
    return [one for name in NAMES for one in asked(name)]


def live_names() -> set[str]:
    """Names of the samples that lnwatch's own registry gives."""
    registry = CollectorRegistry()
    own = OwnMetrics(registry)
    own.tell_notifications(Tally(("ops",)), EDGES, "lnwatch")
    own.tell_thresholds({"main": {identity: rule.thresholds() for identity, rule in RULES.items()}})
    refusal_counter(registry)
    hook_counter(registry).labels("main", "pay", "accepted")
    return {sample.name for family in registry.collect() for sample in family.samples}


def test_regeneration_is_byte_identical(tmp_path: Path) -> None:
    """What is committed is what the generator writes; `--check` says so, and names what is out of date."""
    assert main(["--check"]) == 0
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(BOARDS)
    (tmp_path / "node.json").write_text((FOLDER / "node.json").read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert stale(tmp_path) == list(BOARDS)


def test_every_metric_exists() -> None:
    """Each name in an expression is one that lnwatch exports."""
    known = {metric.name for metric in METRICS} | live_names()
    known |= {f"{metric.name}_bucket" for metric in METRICS if metric.kind is Kind.HISTOGRAM}
    wrong = {
        (name, str(one)) for one in every_expression() for name in set(re.findall(r"\blnwatch_\w+", one.expr)) - known
    }
    assert not wrong


def test_every_label_exists() -> None:
    """Each label that an expression matches on is one that the metric has."""
    labels = {metric.name: {*metric.labels, "instance", "job"} for metric in METRICS}
    for one in every_expression():
        for name, matchers in re.findall(r"\b(lnwatch_\w+)\{([^}]*)\}", one.expr):
            if name in labels:
                assert set(re.findall(r"(\w+)(?:=~|!=|!~|=)", matchers)) <= labels[name], str(one)


def test_every_threshold_exists() -> None:
    """Each threshold that is drawn is one that its rule has."""
    for one in every_expression():
        for matchers in re.findall(r"lnwatch_rule_threshold\{([^}]*)\}", one.expr):
            given = dict(re.findall(r'(rule|threshold)="(\w+)"', matchers))
            assert hasattr(RULES[given["rule"]].thresholds(), given["threshold"]), str(one)


def test_the_watchdogs_limit_is_drawn() -> None:
    """Where lnwatch is held to stand still is said in two places, which agree."""
    watchdogs = (FOLDER.parent / "alerts" / "watchdogs.rules.yml").read_text(encoding="utf-8")
    assert f"time() - lnwatch_assessment_timestamp_seconds > {STANDS_STILL}\n" in watchdogs


@pytest.mark.real("promtool")
def test_every_expression_parses(tmp_path: Path) -> None:
    """Prometheus' own parser takes each of them."""
    written = [{"record": f"board:{number}", "expr": filled(one.expr)} for number, one in enumerate(every_expression())]
    path = tmp_path / "boards.rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "boards", "rules": written}]}))
    done = subprocess.run(
        [require("promtool"), "check", "rules", "--lint=none", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_panel_is_complete() -> None:
    """Each has a unit that Grafana knows, says what it shows and what to do, and follows the board's variables."""
    known = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
    for name, panel in every():
        place = f"{name}: {panel['title']}"
        unit = panel["fieldConfig"]["defaults"]["unit"]
        assert unit in known or unit.partition(":")[0] in {"suffix", "count"}, place
        shows, _, act = panel["description"].partition(ACT)
        assert len(shows) > 20, place
        assert len(act) > 15, place
        assert panel["targets"], place
        for target in panel["targets"]:
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, place
            assert "$" in target["expr"] or "lnwatch_rule_threshold" in target["expr"], place


def test_every_panel_has_its_limit() -> None:
    """Each shows limits that are series, or words for its states; those that can't are told here, and why."""
    without = {
        panel["title"]
        for _, panel in every()
        if not any(target["refId"].startswith("L") for target in panel["targets"])
        and not panel["fieldConfig"]["defaults"].get("mappings")
        and not any(
            step["value"] == 1 for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        )
    }
    assert without == set(NO_LIMIT)
    assert all(NO_LIMIT.values())


def test_every_runbook_exists() -> None:
    """Panels link runbooks of rules that there are."""
    for name, panel in every():
        for link in panel.get("links", []):
            assert link["url"].removeprefix("${lnwatch:raw}/runbooks/") in RULES, f"{name}: {panel['title']}"


def test_panels_can_be_linked() -> None:
    """Titles and numbers are unique on a board, so that an address of a panel stays true."""
    for name in NAMES:
        for key in ("id", "title"):
            values = [panel[key] for panel in board(name)["panels"]]
            assert len(set(values)) == len(values), f"{name}: {key}"


def test_panels_lie_side_by_side() -> None:
    """No panel covers another, or hangs over the edge of the 24 columns."""
    for name in NAMES:
        taken: dict[tuple[int, int], str] = {}
        for panel in board(name)["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    assert taken.setdefault((x, y), panel["title"]) == panel["title"]


@pytest.mark.parametrize("name", NAMES)
def test_the_sdk_reads_what_it_wrote(name: str) -> None:
    """Grafana's own types take the whole document, and give it back without loss."""
    register_default_plugins()
    written = board(name)
    read = json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))
    for link in read["links"]:
        link.pop("placement")
    assert read == written

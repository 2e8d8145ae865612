"""What Prometheus is told of cases, and of the messages about them."""

import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry

from lnwatch.exporter import Exporter, OwnMetrics
from lnwatch.exporter.rows.cases import MOST_SUBJECTS
from lnwatch.model.assessment import Assessment
from lnwatch.model.case import Case, CaseState
from lnwatch.model.rule import Owner, Severity
from lnwatch.notify._tally import EDGES, OUTCOMES, Tally
from tests import assessments as build
from tests.exporter.cases import case, covered, judged
from tests.exporter.test_exporter import series
from tests.manual_clock import ManualClock
from tests.requirements import require

NOW = build.NOW
WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL

Labels = tuple[str, ...]


def told(assessment: Assessment, name: str, *labels: str, later: float = 0.0) -> dict[Labels, float]:
    """Figures of a metric by the values of these labels, at a scrape so many seconds after the assessment."""
    exporter = Exporter(lambda: assessment, ManualClock(NOW + later), CollectorRegistry())
    found = series(exporter.metrics(openmetrics=False))
    return {tuple(dict(each)[label] for label in labels): figure for (of, each), figure in found.items() if of == name}


def of(*cases: Case) -> Assessment:
    return judged(build.merchant(), *cases)


@pytest.mark.parametrize(
    ("state", "open_"),
    [
        (CaseState.PENDING, False),
        (CaseState.OPEN, True),
        (CaseState.ACKNOWLEDGED, True),
        (CaseState.SNOOZED, True),
        (CaseState.RESOLVED, False),
        (CaseState.CLOSED, False),
    ],
)
def test_what_counts_as_open(state: CaseState, open_: bool) -> None:
    """What a person took up or put off is still wrong; what is pending or over is in no figure."""
    found = of(case(state=state))
    assert told(found, "lnwatch_findings", "rule", "severity")["lightning_down", "critical"] == int(open_)
    assert told(found, "lnwatch_case_open", "subject") == ({("node:ln1",): 1} if open_ else {})
    assert told(found, "lnwatch_case_oldest_age_seconds", "rule") == ({("lightning_down",): 3_600} if open_ else {})


def test_every_rule_is_there_at_nought() -> None:
    """Before anything is found each rule of each site has its figure, under every severity that a finding may have."""
    quiet = judged(build.merchant(), coverage=(covered("tls_expiring", owner=Owner.OPERATORS), covered(site="other")))
    assert told(quiet, "lnwatch_findings", "site", "rule", "severity", "owner") == {
        (site, rule, severity.value, owner): 0
        for site, rule, owner in (("main", "tls_expiring", "operators"), ("other", "lightning_down", "oncall"))
        for severity in Severity
    }
    assert told(quiet, "lnwatch_case_open_overflow", "site") == {("main",): 0, ("other",): 0}


def test_a_finding_s_own_severity_and_owner() -> None:
    """A case counts under what it is itself, not under what its rule usually is."""
    found = of(
        case(subject="node:ln1", severity=WARNING),
        case(subject="node:ln2", severity=WARNING),
        case(subject="node:ln3", severity=WARNING, owner=Owner.TREASURY),
    )
    counts = told(found, "lnwatch_findings", "severity", "owner")
    assert counts["warning", "oncall"] == 2
    assert counts["warning", "treasury"] == 1
    assert counts["critical", "oncall"] == 0


def test_age_is_of_the_oldest_and_of_the_scrape() -> None:
    """The age counts from the opening of the oldest to the scrape, also while no new assessment is made."""
    found = of(case(subject="node:ln1", opened_at=NOW - 10), case(subject="node:ln2", opened_at=NOW - 600))
    assert told(found, "lnwatch_case_oldest_age_seconds", "rule", later=90) == {("lightning_down",): 690}
    assert told(found, "lnwatch_case_oldest_age_seconds", "rule", later=-900) == {("lightning_down",): 0}


def test_a_silent_engine_resolves_nothing() -> None:
    """However long nothing is judged, what was open stays open: only a clear answer ends it."""
    assert told(of(case()), "lnwatch_case_open", "subject", later=86_400) == {("node:ln1",): 1}


def test_covered_means_everywhere() -> None:
    """A rule that is blind for one of its nodes is not covered."""
    blind = covered(scope="ln2", covered=False)
    found = judged(build.merchant(), coverage=(covered(scope="ln1"), blind, covered(scope="ln3"), covered("breach")))
    assert told(found, "lnwatch_rule_covered", "rule") == {("lightning_down",): 0, ("breach",): 1}


def test_a_storm_hides_no_other_rule() -> None:
    """Of more cases than have a series, each rule's first are shown, the worse and older before the others."""
    storm = [
        case(
            "channel_inactive", f"channel:{index}:0", severity=WARNING if index % 2 else CRITICAL, opened_at=NOW - index
        )
        for index in range(2 * MOST_SUBJECTS)
    ]
    few = [case("force_close", f"channel:{index}:1", opened_at=NOW, severity=WARNING) for index in range(3)]
    elsewhere = case(site="other")
    found = of(*storm, *few, elsewhere)
    shown = list(told(found, "lnwatch_case_open", "site", "rule", "severity", "subject"))
    assert Counter(site for site, *_ in shown) == {"main": MOST_SUBJECTS, "other": 1}
    rules = Counter((rule, severity) for site, rule, severity, _ in shown if site == "main")
    assert rules == {("force_close", "warning"): 3, ("channel_inactive", "critical"): MOST_SUBJECTS - 3}
    assert ("main", "channel_inactive", "critical", f"channel:{2 * MOST_SUBJECTS - 2}:0") in shown
    assert told(found, "lnwatch_case_open_overflow", "site") == {("main",): MOST_SUBJECTS + 3, ("other",): 0}
    assert told(found, "lnwatch_findings", "rule", "severity")["channel_inactive", "warning"] == MOST_SUBJECTS


def test_just_as_many_as_fit() -> None:
    """At the limit every case is shown and nothing is counted as too much."""
    found = of(*(case(subject=f"node:ln{index}") for index in range(MOST_SUBJECTS)))
    assert len(told(found, "lnwatch_case_open", "subject")) == MOST_SUBJECTS
    assert told(found, "lnwatch_case_open_overflow", "site") == {("main",): 0}


def test_a_series_keeps_its_labels() -> None:
    """Neither time nor an acknowledgement makes another series, and so another alert, of the same case."""
    labels = ("site", "rule", "severity", "owner", "subject")
    first = of(case())
    later = replace(of(case(state=CaseState.ACKNOWLEDGED, actor="ann", seen_at=NOW + 60)), at=NOW + 60)
    assert told(first, "lnwatch_case_open", *labels) == told(later, "lnwatch_case_open", *labels, later=60)


def test_what_delivery_counts() -> None:
    """Every channel and outcome is there at 0 from the start, then what was counted, buckets cumulated."""
    registry, tally = CollectorRegistry(), Tally(("ops", "pager"))
    OwnMetrics(registry).tell_notifications(tally, EDGES, "alertmanager")
    exporter = Exporter(lambda: None, ManualClock(NOW), registry)

    def scraped(*, openmetrics: bool = False) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        return series(exporter.metrics(openmetrics=openmetrics), openmetrics=openmetrics)

    def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
        return name, frozenset({"site": "lnwatch", **labels}.items())

    total, bucket = "lnwatch_notifications_total", "lnwatch_notification_latency_seconds_bucket"
    quiet = scraped()
    assert {name_labels: value for name_labels, value in quiet.items() if name_labels[0] == total} == {
        key(total, channel=channel, outcome=outcome): 0 for channel in ("ops", "pager") for outcome in OUTCOMES
    }
    assert quiet[key(bucket, channel="ops", le="+Inf")] == 0
    assert quiet[key("lnwatch_routing_info", paging="alertmanager")] == 1
    tally.count("ops", "sent", 3)
    for seconds in (0.05, 0.2, 5_000):
        tally.latencies["ops"].observe(seconds)
    busy = scraped()
    assert busy[key(total, channel="ops", outcome="sent")] == 3
    assert busy[key(total, channel="pager", outcome="sent")] == 0
    assert [busy[key(bucket, channel="ops", le=edge)] for edge in ("0.1", "0.3", "3600.0", "+Inf")] == [1, 2, 2, 3]
    assert busy[key("lnwatch_notification_latency_seconds_sum", channel="ops")] == 5_000.25
    assert busy[key("lnwatch_notification_latency_seconds_count", channel="ops")] == 3
    assert scraped(openmetrics=True).keys() == busy.keys()


@pytest.mark.real("promtool")
def test_promtool_is_silent_about_notifications() -> None:
    """Prometheus' own linter has nothing to say about what delivery counts."""
    registry = CollectorRegistry()
    OwnMetrics(registry).tell_notifications(Tally(("ops",)), EDGES, "lnwatch")
    body = Exporter(lambda: None, ManualClock(NOW), registry).metrics(openmetrics=False)
    checked = subprocess.run([require("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")

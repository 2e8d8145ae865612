"""The tests that `promtool` runs over the alerts: each of them fires, and is quiet."""

from collections.abc import Iterable, Iterator, Mapping

from lnwatch.exporter.alerts.catalogue import METRIC, UNTOLD, Alert, quoted
from lnwatch.model.case import Fingerprint

_SITE = "shop"
_SUBJECTS = ("source:core", "path:/srv/my data")
_REPLICAS = ("a", "b")


def proof_file(listed: Iterable[Alert], pager: str) -> str:
    """A firing and a quiet case for each alert."""
    every = tuple(listed)
    lines = [
        line
        for alert in every
        for line in (*_firing(alert, pager), *_quiet(alert, _other(alert, every)), *_untold(alert))
    ]
    return "\n".join([*_head(), *lines, ""])


def _head() -> Iterator[str]:
    yield "# Written by `lnwatch alerts build`: `promtool test rules` proves ../lnwatch.rules.yml with it."
    yield "rule_files: [../lnwatch.rules.yml]"
    yield "evaluation_interval: 15s"
    yield "tests:"


def _firing(alert: Alert, pager: str) -> Iterator[str]:
    """Two cases, each told by two lnwatch: two alerts, at once, and also while both restart."""
    yield f"  - name: {alert.rule.id} fires once for each subject, and through a restart"
    yield "    interval: 15s"
    yield "    input_series:"
    for subject in _SUBJECTS:
        for replica in _REPLICAS:
            yield from _series(alert, subject, replica, "1 1 stale")
    yield "    alert_rule_test:"
    yield "      - eval_time: 0s"
    yield f"        alertname: {alert.name}"
    yield f"        exp_alerts: &{alert.rule.id}"
    for subject in _SUBJECTS:
        labels = {**_labels(alert, subject), "pages": pager}
        inside = ", ".join(f"{name}: {quoted(value)}" for name, value in labels.items())
        yield f"          - exp_labels: {{{inside}}}"
        yield "            exp_annotations:"
        for name, text in alert.annotations(Fingerprint(_SITE, alert.rule.id, subject)).items():
            yield f"              {name}: {quoted(text)}"
    yield f"      - {{eval_time: 2m, alertname: {alert.name}, exp_alerts: *{alert.rule.id}}}"


def _quiet(alert: Alert, other: Alert) -> Iterator[str]:
    """Its case is over for longer than the hold, that of another rule is not."""
    yield f"  - name: {alert.rule.id} ends with its case, and is quiet while another fires"
    yield "    interval: 15s"
    yield "    input_series:"
    yield from _series(alert, _SUBJECTS[0], "a", "1 1 stale")
    yield from _series(other, _SUBJECTS[0], "a", "1x20")
    yield "    alert_rule_test:"
    yield f"      - {{eval_time: 5m, alertname: {alert.name}, exp_alerts: []}}"


def _untold(alert: Alert) -> Iterator[str]:
    """It is open, and something keeps it back: for one lnwatch is for all."""
    yield f"  - name: {alert.rule.id} is quiet while its case is kept untold, and fires when that is over"
    yield "    interval: 15s"
    yield "    input_series:"
    yield from _series(alert, _SUBJECTS[0], "a", "1x20")
    yield f'      - series: \'{UNTOLD}{{site="{_SITE}", rule="{alert.rule.id}", subject="{_SUBJECTS[0]}"}}\''
    yield '        values: "1x11 stale"'
    yield "    alert_rule_test:"
    yield f"      - {{eval_time: 2m, alertname: {alert.name}, exp_alerts: []}}"
    yield "    promql_expr_test:"
    yield f'      - expr: count(ALERTS{{alertname="{alert.name}", alertstate="firing"}})'
    yield "        eval_time: 4m"
    yield '        exp_samples: [{labels: "{}", value: 1}]'


def _series(alert: Alert, subject: str, replica: str, values: str) -> Iterator[str]:
    labels = {**_labels(alert, subject), "instance": replica}
    inside = ", ".join(f"{name}={quoted(value)}" for name, value in labels.items())
    yield f"      - series: '{METRIC}{{{inside}}}'"
    yield f'        values: "{values}"'


def _labels(alert: Alert, subject: str) -> Mapping[str, str]:
    rule = alert.rule
    return {
        "site": _SITE,
        "rule": rule.id,
        "severity": rule.severity.value,
        "owner": rule.owner.value,
        "subject": subject,
    }


def _other(alert: Alert, every: tuple[Alert, ...]) -> Alert:
    return every[every.index(alert) - 1]

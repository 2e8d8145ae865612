"""Alerts for Prometheus over our own metrics, one for each rule of the catalogue, and the proof that they fire."""

from collections.abc import Mapping
from pathlib import Path

from lnwatch.exporter.alerts.catalogue import alerts, rule_file
from lnwatch.exporter.alerts.proof import proof_file
from lnwatch.model.message import Pager

_HERE = Path(__file__).parent
_LINK_BASE = "http://127.0.0.1:8735"  # what the files beside this one have in its place
_PAGER = 'paging!="lnwatch"'  # likewise


def alert_files(pager: Pager, link_base: str) -> Mapping[str, str]:
    """Texts by name: `pager` is who pages for critical cases, `link_base` the base of links, without a slash."""
    listed = alerts(link_base)
    watchdogs = (_HERE / "watchdogs.rules.yml").read_text(encoding="utf-8")
    return {
        "lnwatch.rules.yml": rule_file(listed, pager),
        "tests/lnwatch.test.yml": proof_file(listed, pager),
        "watchdogs.rules.yml": watchdogs.replace(_LINK_BASE, link_base).replace(_PAGER, f'paging!="{pager}"'),
        "alertmanager.example.yml": (_HERE / "alertmanager.example.yml").read_text(encoding="utf-8"),
    }

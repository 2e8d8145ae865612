"""The alert of each rule: it fires while Prometheus sees an open case, and says no more than where to look."""

import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lnwatch import rules
from lnwatch.discover import discover
from lnwatch.model.case import Fingerprint
from lnwatch.model.message import case_url, runbook_url
from lnwatch.model.rule import Rule

METRIC = "lnwatch_case_open"
UNTOLD = "lnwatch_case_untold"
# A case lasts for as long as its rule asks, so there is no `for`. But a restart of lnwatch leaves a gap of some
# scrapes, which must not end an alert that comes again right after.
HOLD = "2m"

_SUBJECT = "{{ $labels.subject }}"
# As `case_url` quotes it: a space becomes no plus sign.
_QUOTED = '{{ urlquery $labels.subject | reReplaceAll "[+]" "%20" }}'
_SITE = "{{ $labels.site }}"


@dataclass(frozen=True, slots=True)
class Alert:
    """The alert of one rule; `summary` is the sentence at the head of the rule's module."""

    rule: Rule[Any]
    summary: str
    link_base: str

    @property
    def name(self) -> str:
        """`LnwatchBitcoindDown` of `bitcoind_down`."""
        return "Lnwatch" + "".join(word.capitalize() for word in self.rule.id.split("_"))

    @property
    def expression(self) -> str:
        """One alert for each case, however many lnwatch tell of it; none for what a root, a silence, a window or
        the grace of a common restart keeps back."""
        matcher = f'{{rule="{self.rule.id}"}}'
        cases = f"max by (site, rule, severity, owner, subject) ({METRIC}{matcher})"
        return f"({cases} unless on (site, rule, subject) {UNTOLD}{matcher}) > 0"

    def annotations(self, fingerprint: Fingerprint) -> Mapping[str, str]:
        """What the alert of a case says."""
        return self._annotations(
            fingerprint.site, fingerprint.subject, case_url(self.link_base, fingerprint).rpartition("/")[2]
        )

    def templates(self) -> Mapping[str, str]:
        """The same for Prometheus to fill in."""
        return self._annotations(_SITE, _SUBJECT, _QUOTED)

    def _annotations(self, site: str, subject: str, quoted: str) -> Mapping[str, str]:
        case = f"{self.link_base}/cases/{site}/{self.rule.id}/{quoted}"
        return {
            "summary": self.summary,
            "description": f"Site {site}: {self.rule.id} is open for {subject}. Since when, by how much "
            f"and who was told stands in its case: {case}",
            "runbook_url": runbook_url(self.link_base, self.rule.id),
        }


def alerts(link_base: str) -> tuple[Alert, ...]:
    """One for each rule, in the order of their names."""
    return tuple(
        Alert(rule, _summary(f"{rules.__name__}.{stem}"), link_base)
        for stem, rule in sorted(discover(rules, "RULE", Rule).items())
    )


def rule_file(listed: Iterable[Alert], pager: str) -> str:
    """The file of rules for Prometheus."""
    return "\n".join([*_head(), *(line for alert in listed for line in _lines(alert, pager)), ""])


def quoted(text: str) -> str:
    """A text as YAML takes it, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)


def _summary(module: str) -> str:
    return " ".join((importlib.import_module(module).__doc__ or "").split())


def _head() -> Iterator[str]:
    yield "# Written by `lnwatch alerts build` from the catalogue of rules: not to be changed by hand."
    yield "#"
    yield "# lnwatch has judged already, so that an alert is there from the case's opening to its end. `pages` says who"
    yield "# pages for a critical one; `keep_firing_for` bridges a restart of lnwatch."
    yield "groups:"
    yield "  - name: lnwatch"
    yield "    rules:"


def _lines(alert: Alert, pager: str) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {alert.expression}"
    yield f"        keep_firing_for: {HOLD}"
    yield "        labels:"
    yield f"          pages: {pager}"
    yield "        annotations:"
    for name, text in alert.templates().items():
        yield f"          {name}: {quoted(text)}"

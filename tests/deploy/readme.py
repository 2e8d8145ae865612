"""What README has from the code and from the last bench; `python -m tests.deploy.readme` renews it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry

import lnwatch.rules
from bench.report import RESULTS, markdown
from lnwatch.discover import discover
from lnwatch.exporter import OwnMetrics
from lnwatch.exporter.channels import METRICS as CHANNEL_METRICS
from lnwatch.exporter.table import METRICS
from lnwatch.fields import format_duration
from lnwatch.model.rule import Rule
from lnwatch.web.hooks import hook_counter

README = Path(__file__).parents[2] / "README.md"
RUNBOOKS = README.parent / "runbooks"
_NAME = re.compile(r"`(lnwatch_[a-z0-9_]+)")


def metrics() -> str:
    """Every metric of both pages: name with its labels beyond the site, type, meaning."""
    lines = [
        "| metric | type | meaning |",
        "| --- | --- | --- |",
        *(_line(one.name, [label for label in one.labels if label != "site"], one.kind, one.help) for one in METRICS),
        *(_line(*family) for family in _own()),
        *(_line(one.name, ["node", "channel_id"], one.kind, one.help) for one in CHANNEL_METRICS),
    ]
    return "\n".join(lines)


def names() -> set[str]:
    """The names of all metrics, as they are queried."""
    return set(_NAME.findall(metrics()))


def _own() -> Iterator[tuple[str, list[str], str, str]]:
    registry = CollectorRegistry()
    OwnMetrics(registry)
    hook_counter(registry)
    for family in registry.collect():
        suffix = "_total" if family.type == "counter" else ""
        labels = ["name", "result"] if family.name == "lnwatch_webhook_events" else []
        yield f"{family.name}{suffix}", labels, family.type, family.documentation


def _line(name: str, labels: list[str], kind: str, text: str) -> str:
    shown = f"{name}{{{', '.join(labels)}}}" if labels else name
    return f"| `{shown}` | {kind} | {text} |"


def rules() -> str:
    """Every rule: what it means by its runbook's opening, how grave it is, whose it is, how long it lasts before."""
    lines = ["| case | means | severity | owner | told after |", "| --- | --- | --- | --- | --- |"]
    for rule in discover(lnwatch.rules, "RULE", Rule).values():
        opening = (RUNBOOKS / f"{rule.id}.md").read_text().split("\n\n")[1].replace("\n", " ")
        after = format_duration(rule.after) if rule.after else "at once"
        name = f"[`{rule.id}`](runbooks/{rule.id}.md)"
        lines.append(f"| {name} | {opening} | {rule.severity.value} | {rule.owner.value} | {after} |")
    return "\n".join(lines)


def bench() -> str:
    """What each part of `make bench` measured last, and the machine it was measured on."""
    return markdown(json.loads(RESULTS.read_text()))


PARTS = {"metrics": metrics, "rules": rules, "bench": bench}


def renewed(text: str) -> str:
    """README with every made part as it should be. Raises ValueError where one has no place."""
    for name, make in PARTS.items():
        before, opening, rest = text.partition(f"<!-- {name} -->\n")
        _, closing, after = rest.partition(f"\n<!-- /{name} -->")
        if not (opening and closing):
            raise ValueError(f"README has no place for the part `{name}`")
        text = f"{before}{opening}{make()}{closing}{after}"
    return text


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))

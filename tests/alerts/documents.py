"""The files of alerts/, read as plain data."""

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with apprise, without types of its own

ALERTS = Path(__file__).parents[2] / "alerts"
RULE_FILES = ("lnwatch.rules.yml", "watchdogs.rules.yml")


def read(name: str, folder: Path = ALERTS) -> Any:  # noqa: ANN401 - a document is anything
    """One YAML document."""
    return yaml.safe_load((folder / name).read_text())


def alerts_of(name: str, folder: Path = ALERTS) -> list[dict[str, Any]]:
    """The alerts of a file of rules."""
    return [rule for group in read(name, folder)["groups"] for rule in group["rules"]]

"""The YAML and unit files of deploy/, read as plain data."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # comes with apprise, without types of its own

DEPLOY = Path(__file__).parents[2] / "deploy"


def read(name: str) -> Any:  # noqa: ANN401 - a document is anything
    """One YAML document."""
    return yaml.safe_load((DEPLOY / name).read_text())


def unit(name: str) -> Iterator[tuple[str, str]]:
    """Keys and values of a unit file in order; a key may stand more than once."""
    for line in (DEPLOY / name).read_text().splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            yield key, value

"""Whether the globs of a silence can ever fit: a misspelt one would keep nothing quiet."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import typer

from lnwatch import rules
from lnwatch.config import Config
from lnwatch.config.nearest import instead
from lnwatch.config.schema import RESERVED
from lnwatch.discover import discover
from lnwatch.model.rule import Owner, Rule, Severity
from lnwatch.model.silence import Silence

FIELDS = ("site", "rule", "subject", "owner", "severity")


def given(globs: Mapping[str, str | None]) -> dict[str, str]:
    """Those that were typed. Raises BadParameter where none was: everything is said as `--site '*'`."""
    typed = {name: glob for name, glob in globs.items() if glob is not None}
    if not typed:
        flags = ", ".join(f"--{name}" for name in globs)
        raise typer.BadParameter("give at least one; `--site '*'` is everything", param_hint=flags)
    return typed


def check_matchers(silence: Silence, config: Config) -> None:
    """Raise BadParameter for a glob that fits nothing, and for rules that nothing mutes."""
    known: dict[str, Rule[Any]] = discover(rules, "RULE", Rule)
    _fit(silence, "site", [*config.sites, RESERVED])
    _fit(silence, "owner", list(Owner))
    _fit(silence, "severity", list(Severity))
    if all(known[rule].never_muted for rule in _fit(silence, "rule", list(known))):
        raise typer.BadParameter(f"`{silence.rule}` is told whatever is silent", param_hint="--rule")


def _fit(silence: Silence, name: str, valid: Sequence[str]) -> list[str]:
    glob = getattr(silence, name)
    fitting = [each for each in valid if fnmatchcase(each, glob)]
    if not fitting:
        raise typer.BadParameter(f"no {name} is `{glob}`; {instead(glob, valid)}", param_hint=f"--{name}")
    return fitting

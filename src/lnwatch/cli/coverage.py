"""`lnwatch coverage`: which rules can fire here, and what to grant so that the others can.

JSON: {"coverage": [{"site", "rule", "scope", "severity", "owner", "covered", "why", "grant"}, …]}; `scope`
is the source that the rule is run for, empty for the site as a whole.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.visit import visiting
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.domain.wording import count
from lnwatch.redaction import redact, scrub

Row = Mapping[str, Any]


def coverage(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Tell which rules can't fire here, and why.

    Silence means health only where a rule can fire. Ends with 0 whether all can or not, with 1 where the
    daemon, which alone knows, does not run or is silent.
    """
    found = asyncio.run(_ask(config))
    if as_json:
        say_json({"coverage": scrub(found)})
        return
    for site, of_site in groupby(found, key=lambda row: row["site"]):
        _show(site, list(of_site))


async def _ask(config: Path | None) -> Sequence[Row]:
    async with visiting(load(config, os.environ), SystemClock()) as visit:
        answer = await visit.ask("coverage", {})
    found: Any = answer["coverage"]
    return sorted(found, key=lambda row: (row["site"], row["rule"], row["scope"]))


def _show(site: str, of_site: Sequence[Row]) -> None:
    lacking = [row for row in of_site if not row["covered"]]
    rules, blind = {row["rule"] for row in of_site}, {row["rule"] for row in lacking}
    title = f"site {site}: {len(rules - blind)} of {count(len(rules), 'rule')} can fire everywhere"
    if lacking:
        say_table(("rule", "for", "why not", "what to do"), [_row(row) for row in lacking], title=title)
        say()
    else:
        say(title)


def _row(row: Row) -> tuple[str, ...]:
    return row["rule"], row["scope"] or "-", redact(row["why"]) or "-", redact(row["grant"]) or "-"

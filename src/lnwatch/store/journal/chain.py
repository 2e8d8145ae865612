"""Steps as rows, each sealed with the hash of the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lnwatch.model.action import (
    Approval,
    Deed,
    Intent,
    KillSwitch,
    Proposal,
    Receipt,
    Rejection,
    Step,
    Withdrawal,
)
from lnwatch.store.columns import storable
from lnwatch.store.upsert import Row

KINDS: Mapping[str, type[Deed]] = {
    "proposed": Proposal,
    "approved": Approval,
    "rejected": Rejection,
    "withdrawn": Withdrawal,
    "intended": Intent,
    "received": Receipt,
    "kill_switch": KillSwitch,
}
_NAMES = {kind: name for name, kind in KINDS.items()}


class BrokenChainError(Exception):
    """The journal was changed, or something is missing in it: nothing in it can be relied on."""


def sealed(step: Step, previous: str) -> Row:
    """The row of a step that follows the one with the hash `previous`."""
    kind = _NAMES[type(step.deed)]
    told = _adapter(kind).dump_python(step.deed, mode="json")
    row: Row = {
        "site": step.site,
        "number": step.number,
        "at": step.at,
        "proposal": step.proposal,
        "kind": kind,
        "deed": storable(json.dumps(told, sort_keys=True, ensure_ascii=False)),
        "previous": previous,
    }
    return {**row, "hash": _hash(row)}


def read(rows: Iterable[Mapping[Any, Any]]) -> list[Step]:
    """The steps of these rows: whole chains, each by rising number.

    Raises BrokenChainError, which names the row that does not hold.
    """
    steps: list[Step] = []
    last: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for row in rows:
        site, number = row["site"], row["number"]
        if number != numbers.get(site, 0) + 1:
            raise BrokenChainError(f"row {numbers.get(site, 0) + 1} of site {site} is missing in the journal")
        if row["previous"] != last.get(site, "") or row["hash"] != _hash(row):
            raise BrokenChainError(f"row {number} of site {site} in the journal is not what was written")
        steps.append(Step(site, number, row["at"], row["proposal"], _deed(row)))
        numbers[site], last[site] = number, row["hash"]
    return steps


def _deed(row: Mapping[Any, Any]) -> Deed:
    try:
        deed: Deed = _adapter(row["kind"]).validate_json(row["deed"])
    except (KeyError, ValidationError) as error:
        words = f"row {row['number']} of site {row['site']} in the journal was written by another lnwatch"
        raise BrokenChainError(f"{words}, this one can't read it") from error
    return deed


def _hash(row: Mapping[Any, Any]) -> str:
    names = ("site", "number", "at", "proposal", "kind", "deed", "previous")
    content = json.dumps([row[name] for name in names], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])

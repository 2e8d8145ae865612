"""The commented file: one text that `lnwatch init` fills in, and that the documentation shows as it is."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

_HEADER = re.compile(r"(?P<off>#?)\[(?P<name>[a-z0-9_.]+)\]")
_KEY = re.compile(r"(?P<off>#?)(?P<key>[a-z_0-9]+) = (?P<value>.+)")
_SITE = "site.main."


@dataclass(frozen=True, slots=True)
class Answers:
    """What goes into the file.

    `values` is keyed by the dotted key in the template (`site.main.lnd.ln1.address`); a value is TOML,
    None turns the key off. Sources of other `kinds` stay in the file as comments, as do tables that the
    template has behind a `#` and that no value is for.
    """

    site: str
    kinds: frozenset[str]
    values: Mapping[str, str | None]


def example() -> str:
    """The file with a value for everything that has no default."""
    return files("lnwatch.config").joinpath("template.toml").read_text(encoding="utf-8")


def render(answers: Answers) -> str:
    """The file for these answers; the same for the same."""
    return "".join(f"{line}\n" for line in _lines(answers))


def _lines(answers: Answers) -> Iterator[str]:
    table, on = "", True
    for line in example().splitlines():
        if header := _HEADER.fullmatch(line):
            table, on = header["name"], _wanted(header, answers)
            yield f"{'' if on else '#'}[{table.replace(_SITE, f'site.{answers.site}.', 1)}]"
        elif assignment := _KEY.fullmatch(line):
            key = f"{table}.{assignment['key']}" if table else assignment["key"]
            yield _assignment(assignment, key, answers, on=on)
        else:
            yield line


def _assignment(found: re.Match[str], key: str, answers: Answers, *, on: bool) -> str:
    value = answers.values.get(key, found["value"])
    off = bool(found["off"]) and key not in answers.values
    if off or value is None or not on:
        return f"#{found['key']} = {value or found['value']}"
    return f"{found['key']} = {value}"


def _wanted(header: re.Match[str], answers: Answers) -> bool:
    table: str = header["name"]
    if table.startswith(_SITE) and not header["off"]:
        return table.split(".")[2] in answers.kinds
    return not header["off"] or any(key.startswith(f"{table}.") for key in answers.values)

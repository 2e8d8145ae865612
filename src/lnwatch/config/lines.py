"""Where in a TOML text each key stands: the standard parser gives values, but no lines."""

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

KeyPath = tuple[str, ...]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"(\[\[?)[ \t]*({_KEY})[ \t]*\]\]?")
_ASSIGNMENT = re.compile(rf"({_KEY})[ \t]*=")
_IGNORED = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_PARTS = re.compile(_PART)
_PIECE = re.compile(
    r'''"""(?:\\.|"{1,2}(?!")|[^"\\])*"{3,5}'''
    r"""|'''(?:'{1,2}(?!')|[^'])*'{3,5}"""
    r'''|"(?:\\.|[^"\\\n])*"'''
    r"""|'[^'\n]*'"""
    r"""|\#[^\n]*|[\[\{]|[\]\}]|\n|[^"'\#\[\]\{\}\n]+""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A key or a table header, and the line (from 1) on which it begins."""

    path: KeyPath
    line: int


def statements(text: str) -> tuple[Statement, ...]:
    """Every header and assignment in order, as far as the text can be followed.

    Keys inside inline tables belong to their statement. Tables of an array carry their index.
    """
    breaks = [match.start() for match in re.finditer("\n", text)]
    return tuple(Statement(path, bisect_right(breaks, start) + 1) for path, start in _walk(text))


def _walk(text: str) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    position = 0
    while (position := _end_of(_IGNORED, text, position)) < len(text):
        if header := _HEADER.match(text, position):
            table = _path(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            yield table, position
            position = header.end()
        elif assignment := _ASSIGNMENT.match(text, position):
            yield table + _path(assignment[1]), position
            position = _skip_value(text, assignment.end())
        else:
            return


def _end_of(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _skip_value(text: str, position: int) -> int:
    """The end of the line on which the value ends; brackets may span several."""
    depth = 0
    while piece := _PIECE.match(text, position):
        position = piece.end()
        if piece[0] in "[{":
            depth += 1
        elif piece[0] in "]}":
            depth -= 1
        elif piece[0] == "\n" and depth <= 0:
            break
    return position


def _path(key: str) -> KeyPath:
    return tuple(_unquote(part) for part in _PARTS.findall(key))


def _unquote(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"part = {part}")["part"])
    except tomllib.TOMLDecodeError:
        return part[1:-1]

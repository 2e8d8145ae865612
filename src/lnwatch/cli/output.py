"""What the verbs print: tables that people read and programs can cut, JSON, and lines on stderr."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = "  "


def say(line: str = "") -> None:
    """One line on stdout, whatever it holds."""
    sys.stdout.write(f"{printable(line)}\n")


def hush(error: OSError) -> None:
    """Say nothing more on stdout. Whoever read it has left early, as `head` does; else the disk is full, say so."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more
    if not isinstance(error, BrokenPipeError):
        complain(f"lnwatch: can't print: {error.strerror}")


def complain(*lines: str) -> None:
    """Lines on stderr, one each whatever they hold."""
    for line in lines:
        sys.stderr.write(f"{printable(line)}\n")


def say_json(value: Any) -> None:  # noqa: ANN401 - whatever a verb has to tell
    """One JSON document on stdout."""
    sys.stdout.write(f"{json.dumps(value, indent=2, ensure_ascii=False)}\n")


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str = "") -> None:
    """A table: drawn on a terminal, else plain columns of text, never cut or wrapped."""
    clean = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _draw(heads, clean, title)
        return
    if title:
        say(title)
    widths = [max(map(len, column)) for column in zip(heads, *clean, strict=True)]
    for row in (heads, *clean):
        say(_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def printable(text: str) -> str:
    """The text without what could move a terminal's cursor or break the line."""
    return "".join(character if character.isprintable() else " " for character in text)


def _draw(heads: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    table = Table(*heads, title=title or None, title_justify="left", box=box.SIMPLE)
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))  # not markup: it comes from outside
    Console().print(table)

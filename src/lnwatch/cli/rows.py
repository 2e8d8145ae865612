"""Rows as CSV or JSON lines, on stdout or in a file that appears only when it is whole."""

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TextIO

import typer

from lnwatch.files import replacing
from lnwatch.store.export import Value


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSONL = "jsonl"


def row_format(text: str) -> Format:
    """`csv` or `jsonl` on the command line."""
    if text not in list(Format):
        raise typer.BadParameter(f"there are {', '.join(Format)}")
    return Format(text)


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, Value]], form: Format, output: Path | None) -> int:
    """Write all rows and return their number. Raises LnwatchError where the file can't be written."""
    if output is None:
        return _write(columns, rows, form, sys.stdout)
    with replacing(output, owner_only=True) as file:
        return _write(columns, rows, form, file)


def _write(columns: Sequence[str], rows: Iterable[Mapping[str, Value]], form: Format, file: TextIO) -> int:
    count = 0
    rows = iter(rows)
    first = next(rows, None)  # before the head is written: there may be no ledger to read
    table = csv.writer(file, lineterminator="\n")
    if form is Format.CSV:
        table.writerow(columns)
    for row in chain([first] if first is not None else [], rows):
        count += 1
        if form is Format.CSV:
            table.writerow([_cell(row[column]) for column in columns])
        else:
            file.write(f"{json.dumps(dict(row), ensure_ascii=False)}\n")
    return count


def _cell(value: Value) -> str | int | float | None:
    return str(value).lower() if isinstance(value, bool) else value

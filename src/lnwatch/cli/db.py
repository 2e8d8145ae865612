"""`lnwatch db`: look into the ledger, thin it out, take it elsewhere and bring it back."""

import asyncio
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from lnwatch.cli.options import AsJson, ConfigFile, absolute, help_alone, since_when
from lnwatch.cli.output import say, say_json, say_table
from lnwatch.cli.pruning import prune_ledger
from lnwatch.cli.rows import Format, row_format, write_rows
from lnwatch.clock import SystemClock
from lnwatch.config import load
from lnwatch.credentials import Credential
from lnwatch.store import LedgerStatus, backup, columns, copy_ledger, export, restore, status
from lnwatch.store.opening import reading

app = typer.Typer(help="Look after the ledger.", rich_markup_mode=None, invoke_without_command=True)
app.callback()(help_alone)

_File = Annotated[Path, typer.Argument(parser=absolute, metavar="FILE")]
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@app.command(name="status")
def show_status(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Print rows, times and sizes by table."""
    loaded = load(config, os.environ)
    found = status(loaded.ledger, loaded.data_dir)
    if as_json:
        say_json(_document(found))
        return
    say(f"{found.backend} {found.place}, {_size(found.size)}, schema {found.schema or 'none'}")
    if found.schema != found.own_schema:
        say(f"this lnwatch works with schema {found.own_schema}: the next `lnwatch run` brings it there")
    rows = [
        (each.name, f"{each.rows}", _time(each.oldest), _time(each.newest), _size(each.size)) for each in found.tables
    ]
    if rows:
        say_table(("table", "rows", "oldest", "newest", "size"), rows)


@app.command()
def prune(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Remove what is older than its retention.

    The daemon does it once a day by itself.
    """
    loaded = load(config, os.environ)
    _tell_rows(asyncio.run(prune_ledger(loaded, SystemClock())), "removed", as_json=as_json)


@app.command(name="export")
def write_export(
    table: Annotated[str, typer.Option(metavar="TABLE", help="One of those that `lnwatch db status` names.")],
    since: Annotated[
        str | None, typer.Option(metavar="7d|DATE", help="Leave out what is older. A date is in UTC.")
    ] = None,
    form: Annotated[
        Format | None, typer.Option("--format", parser=row_format, metavar="csv|jsonl", help="CSV, or a JSON a line.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", parser=absolute, metavar="FILE", help="Otherwise stdout.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Write the rows of a table as CSV or JSON lines.

    Amounts are in msat, times in seconds since 1970.
    """
    loaded = load(config, os.environ)
    start = since_when(since, SystemClock().now()) if since is not None else None
    rows = export(loaded.ledger, loaded.data_dir, table, start)
    written = write_rows(columns(table), rows, form or Format.CSV, output)
    if output is not None:
        say(f"wrote {written} rows to {output}")


@app.command(name="backup")
def write_backup(file: _File, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Copy the ledger into one file, also while it is in use."""
    loaded = load(config, os.environ)
    _tell_rows(backup(loaded.ledger, loaded.data_dir, file), f"copied to {file}", as_json=as_json)


@app.command(name="restore")
def read_backup(file: _File, config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Put a backup in the place of the ledger.

    Stop the daemon first. What was there is kept beside it.
    """
    loaded = load(config, os.environ)
    restored = restore(loaded.ledger, loaded.data_dir, file)
    _tell_rows(restored.rows, f"restored from {file}", as_json=as_json)
    if restored.kept is not None and not as_json:
        say(f"what was there before is kept as {restored.kept}")


@app.command()
def copy(
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:////FILE.")
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option(parser=absolute, metavar="FILE", help="A file with the URL, which other users then can't see."),
    ] = None,
    config: ConfigFile = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger to PostgreSQL, or back.

    The database has to be empty; the daemon may run meanwhile.
    """
    if (to is None) == (to_file is None):
        raise typer.BadParameter("give one of the two", param_hint="--to, --to-file")
    loaded = load(config, os.environ)
    with reading(loaded.ledger, loaded.data_dir):  # nothing is made at the other end where there is nothing to copy
        pass
    url = SecretStr(Credential(SecretStr(to) if to is not None else None, to_file).text())
    _tell_rows(copy_ledger(loaded.ledger, loaded.data_dir, url), "copied", as_json=as_json)


def _tell_rows(rows: Mapping[str, int], done: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"rows": dict(rows), "total": sum(rows.values())})
        return
    filled = {table: count for table, count in rows.items() if count}
    if filled:
        say_table(("table", "rows"), [(table, str(count)) for table, count in filled.items()])
    say(f"{sum(rows.values())} rows {done}")


def _document(found: LedgerStatus) -> dict[str, object]:
    tables = [
        {"table": each.name, "rows": each.rows, "oldest": each.oldest, "newest": each.newest, "bytes": each.size}
        for each in found.tables
    ]
    return {
        "backend": found.backend,
        "place": found.place,
        "schema": found.schema,
        "own_schema": found.own_schema,
        "bytes": found.size,
        "tables": tables,
    }


def _time(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _size(size: int | None) -> str:
    if size is None:
        return "-"
    figure, unit = float(size), 0
    while figure >= 1024 and unit < len(_UNITS) - 1:
        figure, unit = figure / 1024, unit + 1
    return f"{figure:.0f} {_UNITS[unit]}" if unit == 0 else f"{figure:.1f} {_UNITS[unit]}"

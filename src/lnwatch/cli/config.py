"""`lnwatch config`: the configuration as it works, and where each value came from."""

import os

from lnwatch.cli.options import AsJson, ConfigFile
from lnwatch.cli.output import say, say_json
from lnwatch.config import Config, load
from lnwatch.config.effective import Entry, entries


def config(config: ConfigFile = None, *, as_json: AsJson = False) -> None:
    """Print what is in force and where it came from.

    Every value, defaults included; secrets are covered.
    """
    loaded = load(config, os.environ)
    if as_json:
        say_json(_document(loaded))
        return
    say(f"# {loaded.path or 'no file: the environment and the defaults'}")
    lines = [(_line(entry), str(entry.origin)) for entry in entries(loaded)]
    width = min(max(len(line) for line, _ in lines), 72)
    for line, origin in lines:
        say(f"{line:<{width}}  # {origin}")
    for warning in loaded.warnings:
        say(f"# warning: {warning}")


def _line(entry: Entry) -> str:
    if entry.plain is None:
        return f"# {entry.key}"
    return f"{entry.key} = {entry.text}"


def _document(loaded: Config) -> dict[str, object]:
    values = {
        entry.key: {"value": entry.plain, "origin": entry.origin.kind, "where": entry.origin.where}
        for entry in entries(loaded)
    }
    return {
        "path": str(loaded.path) if loaded.path else None,
        "values": values,
        "warnings": [str(warning) for warning in loaded.warnings],
    }

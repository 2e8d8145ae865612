"""The file `lnwatch.toml`: where it is looked for, and how it becomes a draft."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from lnwatch.config.draft import Draft
from lnwatch.config.lines import KeyPath, Statement, statements
from lnwatch.config.redaction import dotted
from lnwatch.errors import ConfigError, ConfigProblem

VARIABLE = "LNWATCH_CONFIG"
SEARCHED = (Path("lnwatch.toml"), Path("/etc/lnwatch/lnwatch.toml"))
_MAX_BYTES = 1024 * 1024
_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: the one that was named, else the first that exists, else none."""
    if path is not None:
        return path
    if named := environ.get(VARIABLE):
        return Path(named).expanduser()
    return next((candidate for candidate in SEARCHED if candidate.exists()), None)


def read(path: Path | None) -> Draft:
    """The draft that the file holds; an empty one without a file. Raises ConfigError in one line."""
    if path is None:
        return Draft()
    text = _text(path)
    lines = statements(text)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_translate(error, path, lines)) from error
    except RecursionError as error:
        raise ConfigError(ConfigProblem(str(path), "tables nested without end", "it is no lnwatch.toml")) from error
    first: dict[KeyPath, int] = {}
    for each in lines:
        first.setdefault(each.path, each.line)
    return Draft(path, tree, first)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        remedy = "name the file with --config, or write one with `lnwatch init`"
        raise ConfigError(ConfigProblem(str(path), _reason(error), remedy)) from error
    if len(content) > _MAX_BYTES:
        raise ConfigError(ConfigProblem(str(path), "more than 1 MiB", "it is no lnwatch.toml"))
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problem = ConfigProblem(f"{path}:{line}", "bytes that are not UTF-8", "save the file as UTF-8")
        raise ConfigError(problem) from error


def _reason(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "no such file"
        case PermissionError():
            return "a file that may not be read by this user"
        case IsADirectoryError():
            return "a directory"
        case _:
            return f"a file that can't be read ({error.strerror})"


def _translate(error: tomllib.TOMLDecodeError, path: Path, lines: tuple[Statement, ...]) -> ConfigProblem:
    """The parser's words in ours. They quote single characters at most, so no secret."""
    text = str(error)
    place = _PLACE.search(text)
    line = int(place[1]) if place and place[1] else (lines[-1].line if lines else 1)
    if text.startswith(("Cannot", "Duplicate")):
        return _redefinition(path, line, lines)
    reason = text[: place.start()] if place else text
    remedy = f"mend the TOML: {reason[:1].lower()}{reason[1:]} (text stands in quotes, `#` begins a comment)"
    return ConfigProblem(f"{path}:{line}", "a line that can't be read", remedy)


def _redefinition(path: Path, line: int, lines: tuple[Statement, ...]) -> ConfigProblem:
    second = next((each for each in reversed(lines) if each.line <= line), None)
    if second is None:
        return ConfigProblem(f"{path}:{line}", "a name for the second time", "keep one of the two")
    first = next(each for each in lines if each.path == second.path)
    where = f" and on line {first.line}" if first.line < second.line else ""
    remedy = "a name stands once: give the other its own name, or take it away"
    return ConfigProblem(dotted(second.path), f"the same name on line {second.line}{where} of {path}", remedy)

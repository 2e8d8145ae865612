"""Lays the environment over a draft: `LNWATCH_WEB__LISTEN` is `web.listen`, and beats the file."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any

from lnwatch.config.document import VARIABLE
from lnwatch.config.draft import Draft
from lnwatch.config.lines import KeyPath
from lnwatch.config.nearest import nearest
from lnwatch.config.schema import (
    NOTIFY,
    RULES,
    SITE,
    SITE_ROOMS,
    DaemonSettings,
    Schema,
    inner_settings,
    is_list,
    is_table,
)
from lnwatch.errors import ConfigProblem
from lnwatch.fields import Settings

PREFIX = "LNWATCH_"
_JOINT = "__"
_CLOSE = 0.7  # of 1: below, a guess misleads
_DEPTHS = {"SITE": 4, "NOTIFY": 3, "RULES": 2}  # at which keys stand; those of a room at 1, the daemon's own at 0
# Kubernetes gives every container of a namespace such names for a service called `lnwatch` or `lnwatch-…`.
_SERVICE = re.compile(r"LNWATCH_(\w+_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://")


def overlay(draft: Draft, schema: Schema, environ: Mapping[str, str]) -> list[ConfigProblem]:
    """Put every `LNWATCH_` variable where it belongs; what belongs nowhere comes back as problems."""
    problems: list[ConfigProblem] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or name == VARIABLE or _of_kubernetes(name, text):
            continue
        path = resolve(name, schema, draft)
        if path is None:
            problems.append(ConfigProblem(name, "a name that is not known", _remedy(name, schema, draft)))
        else:
            draft.put(path, name, readings(text))
    return problems


def readings(text: str) -> tuple[Any, ...]:
    """What a text may mean, the likelier first: a quoted text, list or table as TOML has it, else itself."""
    try:
        document = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return (text,)
    if document.keys() != {"value"}:
        return (text,)
    match value := document["value"]:
        case str():
            return (value,)
        case list() | dict():
            return value, text
        case _:
            return text, value


def resolve(name: str, schema: Schema, draft: Draft) -> KeyPath | None:
    """The path of the key that a variable names; None where there is no such key."""
    parts = name.removeprefix(PREFIX).split(_JOINT)
    if name != name.upper() or not all(parts):
        return None
    depth = _depth(parts)
    place: KeyPath = ()
    for part in parts[:depth]:
        place = _spelled(draft, place, part)
    keys = parts[depth:]
    owned = schema.settings_at((*place, keys[0].lower())) if keys else None
    return None if owned is None else _inside(owned[0], keys, place, draft)


def _depth(parts: list[str]) -> int:
    """How many parts lead to the table that the key stands in."""
    match parts:
        case ["SITE", _, room, *_] if room.lower() in SITE_ROOMS:
            return 3
        case _:
            return _DEPTHS.get(parts[0], min(len(parts) - 1, 1))


def variables(settings: type[Settings], prefix: str) -> Iterator[str]:
    """The names of every key of `settings`, below a prefix that ends in `_`."""
    for key, field in settings.model_fields.items():
        inner = inner_settings(field.annotation)
        if inner is None or is_list(field.annotation) or is_table(field.annotation):
            yield f"{prefix}{key.upper()}"
        else:
            yield from variables(inner, f"{prefix}{key.upper()}{_JOINT}")


def variable(path: KeyPath) -> str:
    """The name in the environment of the key at `path`."""
    return PREFIX + _JOINT.join(part.upper().replace("-", "_") for part in path)


def _inside(settings: type[Settings], keys: list[str], base: KeyPath, draft: Draft) -> KeyPath | None:
    key, rest = keys[0].lower(), keys[1:]
    field = settings.model_fields.get(key)
    if field is None:
        return None
    path, inner = (*base, key), inner_settings(field.annotation)
    if is_table(field.annotation) and rest:
        path, rest = _spelled(draft, path, rest[0]), rest[1:]
    elif is_list(field.annotation):
        inner = None
    if not rest:
        return path
    return _inside(inner, rest, path, draft) if inner is not None else None


def _spelled(draft: Draft, table: KeyPath, part: str) -> KeyPath:
    """The path of the entry that a part of a variable's name means: as the file spells it, `-` or `_`."""
    wanted = part.lower()
    known = draft.find(table)
    spellings = [each for each in known if each.lower().replace("-", "_") == wanted] if isinstance(known, dict) else []
    return (*table, spellings[0] if spellings else wanted)


def _remedy(name: str, schema: Schema, draft: Draft) -> str:
    close = max(((_likeness(name, each), each) for each in _known(name, schema, draft)), default=(0.0, ""))
    if close[0] >= _CLOSE:
        return f"did you mean `{close[1]}`?"
    return f"a name is `{PREFIX}` and the key in capitals, its parts joined by `{_JOINT}`, as in `LNWATCH_LOG__LEVEL`"


def _likeness(name: str, known: str) -> float:
    """How alike two names are (0-1) in what they do not begin with together: long names always share much."""
    parts = name.upper().removeprefix(PREFIX).split(_JOINT)
    others = known.removeprefix(PREFIX).split(_JOINT)
    common = next((n for n, (one, other) in enumerate(zip(parts, others, strict=False)) if one != other), 0)
    return SequenceMatcher(None, _JOINT.join(parts[common:]), _JOINT.join(others[common:])).ratio()


def _known(name: str, schema: Schema, draft: Draft) -> Iterable[str]:
    """Every valid name, for the sites and sources that the file names and for those that `name` may mean."""
    yield from variables(DaemonSettings, PREFIX)
    for room, settings in schema.rooms.items():
        yield from variables(settings, variable((room,)) + _JOINT)
    for place in sorted({*_written(draft, schema), *_meant(name, schema)}):
        owned = schema.settings_at((*place, ""))
        if owned is not None:
            yield from variables(owned[0], variable(place) + _JOINT)


def _written(draft: Draft, schema: Schema) -> Iterator[KeyPath]:
    """The places of all rules, and of the sources, channels and sites that the draft holds so far."""
    yield from ((RULES, rule) for rule in schema.rules)
    for kind, slugs in _tables(draft.find((NOTIFY,))):
        yield from ((NOTIFY, kind, slug) for slug, _ in _tables(slugs))
    for site, kinds in _tables(draft.find((SITE,))):
        yield from ((SITE, site, room) for room in SITE_ROOMS)
        yield from ((SITE, site, RULES, rule) for rule in schema.rules)
        for kind, slugs in _tables(kinds):
            yield from ((SITE, site, kind, slug) for slug, _ in _tables(slugs))


def _meant(name: str, schema: Schema) -> Iterator[KeyPath]:
    """Where a variable may belong whose own source or channel is written nowhere else."""
    match name.removeprefix(PREFIX).split(_JOINT):
        case ["NOTIFY", kind, slug, *_]:
            yield from ((NOTIFY, each, slug) for each in _either(kind, schema.channels))
        case [_, site, kind, slug, *_]:
            yield from ((SITE, site, each, slug) for each in _either(kind, schema.kinds))


def _either(kind: str, kinds: Iterable[str]) -> Iterable[str]:
    close = nearest(kind, kinds)
    return [close] if close is not None else kinds


def _tables(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401 - whatever stood there
    if isinstance(value, dict):
        yield from ((key, below) for key, below in value.items() if isinstance(below, dict))


def _of_kubernetes(name: str, text: str) -> bool:
    return bool(_SERVICE.fullmatch(name)) or (name.endswith("PORT") and bool(_SERVICE_URL.match(text)))

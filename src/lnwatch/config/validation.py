"""Lets each block be validated by its own settings, and puts what they say into lines for the operator."""

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lnwatch.config.blocks import Block
from lnwatch.config.draft import Draft, step
from lnwatch.config.lines import KeyPath
from lnwatch.config.nearest import instead, nearest
from lnwatch.config.redaction import HIDDEN, cover, dotted, shown, shown_path
from lnwatch.config.schema import Schema, field_of, inner_settings
from lnwatch.errors import ConfigProblem
from lnwatch.fields import Settings

_CHOICE = re.compile(r"'([^']*)'")
_WORDS = {
    "string": "it must be text, in quotes",
    "path": "it must be a path, in quotes",
    "int": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float": "it must be a number",
    "bool": "it must be `true` or `false`",
    "tuple": "it must be a list, in brackets",
    "list": "it must be a list, in brackets",
    "dict": "it must be a table",
    "model": "it must be a table",
}


def validate(block: Block, draft: Draft, schema: Schema) -> tuple[Settings | None, list[ConfigProblem]]:
    """The settings of a block, or None and everything that is wrong with it."""
    raw = copy.deepcopy(block.raw)
    alternatives = {
        path[len(block.path) :]: value
        for path, value in draft.alternatives.items()
        if path[: len(block.path)] == block.path
    }
    while True:
        try:
            return block.settings.model_validate(raw, context={"directory": draft.directory}), []
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
        if not _read_otherwise(raw, details, alternatives):
            complaints = [_Complaint(block, schema, raw, key, each) for key, each in _by_key(details, raw).items()]
            return None, [draft.problem(each.path, each.found, each.remedy) for each in complaints]


def _read_otherwise(raw: dict[str, Any], details: Iterable[ErrorDetails], alternatives: dict[KeyPath, Any]) -> bool:
    """Take the second reading of what the environment gave, where the first did not fit."""
    changed = False
    for detail in details:
        place = tuple(str(part) for part in detail["loc"])
        for length in range(1, len(place) + 1):
            if place[:length] in alternatives:
                table = raw
                for part in place[: length - 1]:
                    table = table[part]
                table[place[length - 1]] = alternatives.pop(place[:length])
                changed = True
    return changed


def _by_key(details: Iterable[ErrorDetails], raw: dict[str, Any]) -> dict[KeyPath, list[ErrorDetails]]:
    """Errors by the key that they are about: a union tells one per branch, with the branch in its place."""
    gathered: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in details:
        place = tuple(str(part) for part in detail["loc"])
        length = next((n for n in range(len(place)) if _at(raw, place[: n + 1]) is None), len(place))
        key = (*place[:length], place[-1]) if detail["type"] == "missing" else place[:length]
        gathered.setdefault(key, []).append(detail)
    return gathered


def _at(raw: Any, key: KeyPath) -> Any:  # noqa: ANN401 - whatever stood there
    for part in key:
        raw = step(raw, part)
    return raw


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What is wrong with one key of a block."""

    block: Block
    schema: Schema
    raw: dict[str, Any]
    key: KeyPath
    details: list[ErrorDetails]

    @property
    def kinds(self) -> set[str]:
        """The types of error, by pydantic's names."""
        return {detail["type"] for detail in self.details}

    @property
    def path(self) -> KeyPath:
        """The key, from the top of the file."""
        return (*self.block.path, *self.key)

    @property
    def found(self) -> str:
        """What stood there; never what is, or may be, a secret."""
        if "missing" in self.kinds:
            return "nothing"
        if "extra_forbidden" in self.kinds:
            return "a key that is not known"
        if not self.key:
            return ", ".join(f"`{dotted((each,))}`" for each in self.raw) or "no key"
        if self.schema.secret(self.path):
            return HIDDEN
        value = _at(self.raw, self.key)
        return shown_path(value) if self.schema.secret_file(self.path) else shown(value)

    @property
    def remedy(self) -> str:
        """What is allowed, and the nearest of it."""
        if "missing" in self.kinds:
            return "it has no default, so give it a value"
        if "extra_forbidden" in self.kinds:
            return instead(self.key[-1], self._siblings())
        sentences = dict.fromkeys(self._sentence(detail) for detail in self.details)
        return " or ".join(sentences).replace(" or it must be ", " or ")

    def _siblings(self) -> Iterable[str]:
        outer = field_of(self.block.settings, self.key[:-1])
        settings = self.block.settings if outer is None else inner_settings(outer.annotation)
        return settings.model_fields if settings is not None else ()

    def _sentence(self, detail: ErrorDetails) -> str:
        kind, message = detail["type"], detail["msg"]
        if kind in ("enum", "literal_error"):
            return _choice(_CHOICE.findall(str(detail["ctx"]["expected"])), _at(self.raw, self.key))
        if kind in ("value_error", "assertion_error"):
            value = _at(self.raw, self.key)
            if self.found == HIDDEN and str(value) in message:
                return "it can't be used as it is"
            return cover(message.partition(", ")[2])
        return _WORDS.get(kind.removesuffix("_parsing").removesuffix("_type"), _plain(message))


def _choice(allowed: list[str], value: object) -> str:
    close = nearest(str(value), allowed)
    hint = f"; did you mean `{close}`?" if close is not None else ""
    return f"it is one of {', '.join(f'`{each}`' for each in allowed)}{hint}"


def _plain(message: str) -> str:
    plain = message.replace("Input should be", "it must be")
    return plain[:1].lower() + plain[1:]

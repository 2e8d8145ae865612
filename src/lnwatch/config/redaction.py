"""Values and keys as they may be shown: one line, short, printable, and never a secret."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretBytes, SecretStr

from lnwatch.config.lines import KeyPath
from lnwatch.redaction import REDACTED, redact

HIDDEN = "••••"
_LONGEST = 80
_LOGIN = re.compile(r"([^\s:/@]*):(?!//)\S*@")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def dotted(path: KeyPath) -> str:
    """The key as in the file: `site.main.lnd.ln1.address`, with quotes where they are needed."""
    return ".".join(part if _BARE.fullmatch(part) else quoted(shorten(part)) for part in path)


def shown(value: Any) -> str:  # noqa: ANN401 - whatever stood in the file
    """What was found, as TOML writes it; tables by their nature alone, passwords in URLs covered."""
    if isinstance(value, Mapping):
        return "a table"
    return shorten(written(value))


def shown_path(value: Any) -> str:  # noqa: ANN401 - whatever stood in the file
    """A path to a secret, where it looks like one; else it may be the secret itself, by mistake."""
    if isinstance(value, str) and value.startswith(("/", "~", "./", "../")):
        return shown(value)
    return f"{HIDDEN} (shown from `/`, `~` or `./` on alone: it may be the secret itself)"


def written(value: Any) -> str:  # noqa: ANN401 - a value of any setting
    """The whole value as TOML writes it, secrets covered."""
    match value:
        case SecretStr() | SecretBytes():
            return HIDDEN
        case bool():
            return str(value).lower()
        case str() | Path():
            return quoted(cover(str(value)))
        case list() | tuple() | set() | frozenset():
            return f"[{', '.join(written(item) for item in value)}]"
        case Mapping():
            set_ones = ((str(key), item) for key, item in value.items() if item is not None)
            return f"{{ {', '.join(f'{dotted((key,))} = {written(item)}' for key, item in set_ones)} }}"
        case _:
            return str(value)


def cover(text: str) -> str:
    """Cover what looks like a secret inside a text: passwords in addresses, macaroons, cookies and the like."""
    return _LOGIN.sub(rf"\1:{HIDDEN}@", redact(text)).replace(REDACTED, HIDDEN)


def shorten(text: str) -> str:
    """At most 80 characters."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def quoted(text: str) -> str:
    """The text as a TOML string."""
    return f'"{"".join(_escape(character) for character in text)}"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"

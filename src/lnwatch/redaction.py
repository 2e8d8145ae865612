"""Covers secrets in text and in values, by what they look like and by the name that they stand under.

Macaroons, BOLT11 and LNURL strings, extended private keys and the like are known by their form wherever
they stand. A preimage, a token or a rune looks like any other figure or word: only the name beside it
tells. Transaction ids, block hashes and payment hashes are 64 hex digits too and stay readable.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Final

REDACTED: Final = "[redacted]"
_LONGEST: Final = 20_000  # characters of one text: more is noise, and costs time
_DEEPEST: Final = 12  # levels of one value

# A name is secret when one of its words is, as in `r_preimage` or `Grpc-Metadata-Macaroon`...
_SECRET_WORDS: Final = frozenset(
    {"apikey", "authorization", "bearer", "cookie", "cookies", "macaroon", "macaroons", "mnemonic", "passphrase"}
    | {"passwd", "password", "passwords", "preimage", "preimages", "privkey", "pwd", "rpcauth", "rpcpass", "rune"}
    | {"runes", "secret", "secrets", "token", "tokens", "xprv"}
)
# ...or ends like one, as in `rpcpassword`, or two that follow each other are...
_SECRET_ENDINGS: Final = ("apikey", "cookie", "macaroon", "passphrase", "password", "preimage", "secret", "token")
_SECRET_PAIRS: Final = frozenset(
    {("api", "key"), ("cipher", "seed"), ("payment", "addr"), ("private", "key"), ("recovery", "phrase")}
    | {("routing", "key"), ("seed", "phrase"), ("signing", "key"), ("wallet", "seed")}
)
# ...unless its last word says that it only speaks about one, as in `macaroon_file`.
_ABOUT: Final = frozenset(
    {"at", "bytes", "count", "exists", "expires", "file", "files", "hash", "id", "kind", "length", "name", "path"}
    | {"paths", "scope", "size", "state", "type"}
)
# Before prose these are words like any other: "cannot get macaroon: root key with id 7 doesn't exist".
_MENTIONED: Final = frozenset(
    {"authorization", "cookie", "cookies", "macaroon", "macaroons", "preimage", "preimages", "rune", "runes"}
)
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_BECH32: Final = "[02-9ac-hj-np-z]"
_BASE58: Final = "[1-9A-HJ-NP-Za-km-z]"
_FORMS: Final = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL, REDACTED),
        (r"(?<![0-9a-f])0201036c6e64[0-9a-f]*", re.IGNORECASE, REDACTED),  # a macaroon of location "lnd"
        (r"AgEDbG5k[\w+/=-]*", 0, REDACTED),  # the same in base64
        (r"(?<![0-9a-f])[0-9a-f]{100,}", re.IGNORECASE, REDACTED),
        (r"__cookie__:[^\s@\"'<>]+", 0, f"__cookie__:{REDACTED}"),
        (rf"\bln(?:bcrt|bc|tbs|tb|sb)[0-9]*[munp]?1{_BECH32}{{20,}}", re.IGNORECASE, REDACTED),
        (rf"\b(?:lnurl|ln[ior])1{_BECH32}{{20,}}", re.IGNORECASE, REDACTED),
        (rf"\b[tuvxyz]prv{_BASE58}{{20,}}", re.IGNORECASE, REDACTED),
        # A wallet's private key has letters of both cases, which tells it from a figure.
        (rf"\b(?=\w{{0,50}}[a-z])(?=\w{{0,50}}[A-Z])[5KLc9]{_BASE58}{{50,51}}\b", 0, REDACTED),
        (r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*", 0, REDACTED),  # a JSON web token
        (r"((?:basic|bearer)\s+)(?!auth)(?=[a-z-]*[A-Z0-9+/=_])[\w.~+/=-]{8,}", 0, rf"\1{REDACTED}"),
        (r"((?:Basic|Bearer|BASIC|BEARER)\s+)(?![Aa]uth)[\w.~+/=-]{8,}", 0, rf"\1{REDACTED}"),
        (r"(preimage\W{0,3}(?:\w{1,4}\W){0,2})[0-9a-f]{64}(?![0-9a-f])", re.IGNORECASE, rf"\1{REDACTED}"),
    )
)
_LOGIN: Final = re.compile(
    r"([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#]{0,200}@|[^\s:/?#]{0,60}:(?![0-9]{1,5}(?:/|$))[^\s\"'<>]{0,200}@)",
    re.IGNORECASE,
)
_ADDRESS: Final = re.compile(r"(?<![\w.+-])([\w.+-]++)@(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}\b", re.IGNORECASE)
_NODE_KEY: Final = re.compile(r"0[23][0-9a-f]{64}", re.IGNORECASE)
_PHRASE: Final = re.compile(r"(?<![\w'])(?:[a-z]{3,8} ){11,}[a-z]{3,8}(?![\w'])")
_PHRASE_LENGTHS: Final = frozenset({12, 15, 18, 21, 24})
_NAME: Final = re.compile(r"(?<![\w.-])([\w.-]++)(\\?[\"'])?[ \t]{0,3}(=>|[:=])[ \t]{0,3}")
_VALUE: Final = re.compile(
    r"""\[redacted\]|\\"(?:[^"\\]|\\[^"])*\\"|b?"(?:[^"\\]|\\.)*"|b?'(?:[^'\\]|\\.)*'|[^\s"',;&<>)}\]]+""", re.DOTALL
)
_HEADER: Final = re.compile(r"(?:set-|proxy-)?(?:cookie|authorization)", re.IGNORECASE)
_REST_OF_LINE: Final = re.compile(r"[^\r\n\"']+")
_PROSE: Final = re.compile(r"(?!(?i:basic|bearer|digest|token)\s)[A-Z]?[a-z']+(?:[\s,.;]|$)")
_CONTROL: Final = dict.fromkeys((*range(9), 11, 12, *range(14, 32), *range(127, 160)), "\ufffd")


def redact(text: str) -> str:
    """The text without secrets and control characters, cut to a length that a log and a page can bear."""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}… [{len(text) - _LONGEST} more characters]"
    text = text.translate(_CONTROL)
    for form, replacement in _FORMS:
        text = form.sub(replacement, text)
    text = _LOGIN.sub(rf"\1{REDACTED}@", text)
    text = _ADDRESS.sub(_unless_node, text)
    text = _PHRASE.sub(_unless_prose, text)
    return "".join(_without_assigned(text))


def scrub(value: object, name: str = "") -> object:
    """The same for any value, at any depth, as something that a log line can hold.

    What stands under a secret name is covered whole; of bytes only their number is told.
    """
    return _scrub(value, name, 0)


def secret_name(name: str) -> bool:
    """Whether what stands under this name must not be shown."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT:
        return False
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS) for word in words):
        return True
    return any(pair in _SECRET_PAIRS for pair in itertools.pairwise(words))


def _unless_node(found: re.Match[str]) -> str:
    return found[0] if _NODE_KEY.fullmatch(found[1]) else REDACTED


def _unless_prose(found: re.Match[str]) -> str:
    return REDACTED if found[0].count(" ") + 1 in _PHRASE_LENGTHS else found[0]


def _without_assigned(text: str) -> Iterator[str]:
    """Pieces of the text, with what is assigned to secret names covered."""
    kept = 0
    for found in _NAME.finditer(text):
        if found.start() < kept or not secret_name(found[1]):
            continue
        value = _assigned(found, text)
        if value is not None:
            yield text[kept : value.start()]
            yield REDACTED
            kept = value.end()
    yield text[kept:]


def _assigned(found: re.Match[str], text: str) -> re.Match[str] | None:
    """What follows a secret name; None where that is a sentence."""
    name, quote, sign = found.groups()
    mentioned = _WORD.findall(name)[-1].lower() in _MENTIONED
    if sign == ":" and mentioned and quote is None and _PROSE.match(text, found.end()):
        return None
    if _HEADER.fullmatch(name) and quote is None and sign == ":":
        return _REST_OF_LINE.match(text, found.end()) or _VALUE.match(text, found.end())
    return _VALUE.match(text, found.end())


def _scrub(value: object, name: str, depth: int) -> object:
    if secret_name(name) and value is not None and not isinstance(value, bool):
        return REDACTED
    match value:
        case None | int() | float() | Decimal() | date() | timedelta():
            return value
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case Mapping() | list() | tuple() | AbstractSet():
            return _scrub_inside(value, name, depth + 1) if depth < _DEEPEST else "…"
        case str() | PurePath():
            return redact(str(value))
        case _:
            return redact(repr(value))


def _scrub_inside(value: Mapping[object, object] | Iterable[object], name: str, depth: int) -> object:
    if isinstance(value, Mapping):
        return {redact(str(key)): _scrub(inner, str(key), depth) for key, inner in value.items()}
    return [_scrub(inner, name, depth) for inner in value]

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import PydanticUndefined

from lnwatch.config.schema import DaemonSettings, inner_settings, is_list, is_table, standard
from lnwatch.config.template import Answers, example, render
from lnwatch.fields import Settings

SCHEMA = standard()
BLOCKS: dict[str, type[Settings]] = {
    "": DaemonSettings,
    **SCHEMA.rooms,
    **{f"site.main.{kind}.*": each.settings for kind, each in SCHEMA.kinds.items()},
}


def defaults(settings: type[Settings], base: str) -> Iterator[tuple[str, object]]:
    """Every key with its default as TOML has it."""
    for key, field in settings.model_fields.items():
        inner = inner_settings(field.annotation)
        if inner is not None and not is_list(field.annotation) and not is_table(field.annotation):
            yield from defaults(inner, f"{base}{key}.")
        else:
            default = field.get_default(call_default_factory=True)
            yield f"{base}{key}", list(default) if isinstance(default, tuple) else default


DEFAULTS = {
    key: value for block, settings in BLOCKS.items() for key, value in defaults(settings, f"{block}." if block else "")
}


def assignments() -> Iterator[tuple[str, str, str]]:
    """Key, its value and `#` where it is off, with the names of sources as `*`."""
    table = ""
    for line in example().splitlines():
        if header := re.fullmatch(r"\[(.+)\]", line):
            parts = header[1].split(".")
            table = ".".join([*parts[:3], "*", *parts[4:]] if parts[0] == "site" else parts) + "."
        elif found := re.fullmatch(r"(#?)([a-z0-9_]+) = (.+)", line):
            yield table + found[2], found[3], found[1]


def test_every_key_is_explained_once() -> None:
    """What may be configured is in the template, and nothing else is."""
    assert sorted(key for key, _, _ in assignments()) == sorted(DEFAULTS)


def test_what_is_off_shows_its_default() -> None:
    """A key behind a `#` shows what holds without it, where something does; what has no default is on."""
    for key, value, mark in assignments():
        default = DEFAULTS[key]
        assert not mark or default is not PydanticUndefined, key
        if mark and default is not None:
            assert tomllib.loads(f"x = {value}")["x"] == default, key


def test_every_key_has_words_above_it() -> None:
    """Each run of keys begins below a comment."""
    before = ""
    for line in example().splitlines():
        if re.fullmatch(r"#?[a-z0-9_]+ = .+", line):
            assert before.startswith("# ") or re.fullmatch(r"#?[a-z0-9_]+ = .+", before), line
        before = line


def test_unwanted_sources_stay_as_comments() -> None:
    """Kinds that are not there are off as a whole, and the site bears its own name."""
    text = render(Answers("shop", frozenset({"lnd"}), {"site.main.lnd.ln1.address": '"ln:1"'}))
    document = tomllib.loads(text)
    assert list(document["site"]) == ["shop"]
    assert list(document["site"]["shop"]) == ["lnd"]
    assert document["site"]["shop"]["lnd"]["ln1"]["address"] == "ln:1"
    assert "\n#[site.shop.bitcoind.core]\n" in text


def test_answers_switch_keys_on_and_off() -> None:
    """A value takes the place of the one that was there, None leaves the example behind a `#`."""
    base = "site.main.bitcoind.core."
    values = {f"{base}user": '"u"', f"{base}cookie_file": None, "web.listen": '"127.0.0.1:1"'}
    text = render(Answers("main", frozenset({"bitcoind"}), values))
    assert '\nuser = "u"\n' in text
    assert '\n#cookie_file = "/home/bitcoin/.bitcoin/.cookie"\n' in text
    assert '\nlisten = "127.0.0.1:1"\n' in text


def test_the_documentation_shows_it() -> None:
    """`docs/lnwatch.example.toml` is what `lnwatch init --example` prints."""
    docs = Path(__file__).parents[2] / "docs" / "lnwatch.example.toml"
    assert docs.read_text() == example()

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic_core import PydanticUndefined

from lnwatch.config import load
from lnwatch.config.schema import SITE_ROOMS, DaemonSettings, inner_settings, is_list, is_table, standard
from lnwatch.config.template import Answers, example, render
from lnwatch.fields import Settings, parse_duration
from lnwatch.notify._routing import Route

SCHEMA = standard()
RULE = "host_disk_low"  # stands for all: each has limits of its own, and `lnwatch config` prints them
BLOCKS: dict[str, type[Settings]] = {
    "": DaemonSettings,
    **SCHEMA.rooms,
    **{f"notify.{kind}.*": each.settings for kind, each in SCHEMA.channels.items()},
    **{f"site.main.{room}": settings for room, settings in SITE_ROOMS.items()},
    **{f"site.main.{kind}.*": each.settings for kind, each in SCHEMA.kinds.items()},
    f"rules.{RULE}": SCHEMA.rules[RULE].settings,
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
    """Key, its value and `#` where it is off, with the names of sources and channels as `*`."""
    table = ""
    for line in example().splitlines():
        if header := re.fullmatch(r"#?\[(.+)\]", line):
            parts = header[1].split(".")
            for depth in {"site": (3,), "notify": (2,)}.get(parts[0], ()):
                parts[depth : depth + 1] = ["*"] if parts[depth:] else []
            table = ".".join(parts) + "."
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
            shown = tomllib.loads(f"x = {value}")["x"]
            assert shown == default or parse_duration(shown) == default, key


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


def test_channels_are_switched_on_by_their_answers() -> None:
    """A table that is off comes on as a whole with a value for one of its keys; the others stay off."""
    values = {"notify.slack.ops.webhook_url_file": '"/s"'}
    text = render(Answers("main", frozenset({"host"}), values))
    assert tomllib.loads(text)["notify"] == {"slack": {"ops": {"webhook_url_file": "/s"}}}
    assert "\n#[notify.pagerduty.oncall]\n" in text
    assert '\n#bot_token_file = "/etc/lnwatch/slack.token"\n' in text


def test_an_example_of_a_route_is_one() -> None:
    """What the comments show of a route can be taken as it stands."""
    lines = [line.removeprefix("#   ") for line in example().splitlines() if line.startswith("#   ")]
    (route,) = tomllib.loads("\n".join(lines))["routing"]["routes"]
    assert Route.model_validate(route).channels == ("mail",)


def test_the_documentation_shows_it() -> None:
    """`docs/lnwatch.example.toml` is what `lnwatch init --example` prints."""
    docs = Path(__file__).parents[2] / "docs" / "lnwatch.example.toml"
    assert docs.read_text() == example()


def test_readme_shows_a_configuration(tmp_path: Path) -> None:
    """What README shows in pieces is, put together, a configuration that loads."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    text = "\n".join(re.findall(r"^```toml\n(.+?)^```", readme, re.MULTILINE | re.DOTALL))
    for name in re.findall(r'"/([a-z][^"]+/[^"]+)"', text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    path = tmp_path / "lnwatch.toml"
    path.write_text(re.sub(r'"/([a-z][^"]+/[^"]+)"', rf'"{tmp_path}/\1"', text))
    config = load(path, {})
    assert set(config.notify) == {"ops", "oncall", "mail"}
    assert (config.rules["main"]["lightning_down"].after, config.rules["lnwatch"]["lightning_down"].after) == (120, 60)

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lnwatch.config import Config, load
from lnwatch.config.environment import readings
from lnwatch.errors import ConfigError
from tests.config.rooms import SCHEMA, AlphaSettings, BetaSettings

FILE = """\
data_dir = "/file"
[web]
listen = "127.0.0.1:1"
[log]
level = "warning"
[site.main-eu.alpha.n-1]
address = "file:1"
interval = "1m"
labels = { shop = "file", bar = "file" }
retry.times = 7
"""


def loaded(folder: Path, text: str, environ: Mapping[str, str]) -> Config:
    path = folder / "lnwatch.toml"
    path.write_text(text)
    return load(path, environ, SCHEMA)


def alpha(config: Config) -> AlphaSettings:
    found = config.sites["main-eu"].sources[0].settings
    assert isinstance(found, AlphaSettings)
    return found


NOTHING_NEAR = "a name is `LNWATCH_` and the key in capitals, its parts joined by `__`, as in `LNWATCH_LOG__LEVEL`"
A = "LNWATCH_SITE__MAIN_EU__ALPHA__N_1__"


@pytest.mark.parametrize(
    ("name", "text", "key", "expected"),
    [
        ("LNWATCH_DATA_DIR", "/env", "data_dir", Path("/env")),
        ("LNWATCH_WEB__LISTEN", "127.0.0.1:2", "web.listen", "127.0.0.1:2"),
        ("LNWATCH_LOG__LEVEL", '"debug"', "log.level", "debug"),
        (f"{A}ADDRESS", "env:1", "address", "env:1"),
        (f"{A}ADDRESS", "0815", "address", "0815"),
        (f"{A}ADDRESS", "[::1]:1", "address", "[::1]:1"),
        (f"{A}ADDRESS", "[1]", "address", "[1]"),
        (f"{A}ADDRESS", "1\n2", "address", "1\n2"),
        (f"{A}INTERVAL", "2h", "interval", 7200.0),
        (f"{A}FLOOR", "0.01 BTC", "floor", 1_000_000_000),
        (f"{A}PARTS", "0x7", "parts", 7),
        (f"{A}ON", "false", "on", False),
        (f"{A}NAMES", '["a", "b"]', "names", ("a", "b")),
        (f"{A}LABELS__SHOP", "env", "labels", {"shop": "env", "bar": "file"}),
        (f"{A}LABELS", '{ x = "y" }', "labels", {"x": "y"}),
        (f"{A}RETRY__WAIT", "3s", "retry.wait", 3.0),
    ],
)
def test_environment_beats_the_file(tmp_path: Path, name: str, text: str, key: str, expected: object) -> None:
    """A variable decides its own key, read as its setting needs it, and no other."""
    config = loaded(tmp_path, FILE, {name: text})
    value: Any = alpha(config) if name.startswith(A) else config
    for part in key.split("."):
        value = getattr(value, part)
    assert value == expected
    assert alpha(config).retry.times == 7


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({"RULES__WATER_HIGH__AFTER": "2s"}, "", (2.0, 0.2)),
        ({"SITE__MAIN_EU__RULES__WATER_HIGH__AFTER": "2s"}, "", (2.0, 0.2)),
        ({"SITE__MAIN_EU__RULES__WATER_HIGH__AFTER": "2s"}, '[rules.water_high]\nafter = "3s"', (2.0, 0.2)),
        ({"RULES__WATER_HIGH__AFTER": "2s"}, '[site.main-eu.rules.water_high]\nafter = "3s"', (3.0, 0.2)),
        ({"RULES__WATER_HIGH__LOW_SHARE": "0.25", "RULES__WATER_HIGH__AFTER": "1h"}, "", (3600.0, 0.25)),
    ],
)
def test_rules_by_environment(
    tmp_path: Path, environ: Mapping[str, str], text: str, expected: tuple[float, float]
) -> None:
    """A variable beats the file at its own place, and what is a site's own beats what is general."""
    config = loaded(tmp_path, f"{FILE}{text}\n", {f"LNWATCH_{name}": value for name, value in environ.items()})
    rule = config.rules["main-eu"]["water_high"]
    assert (rule.after, rule.thresholds.low_share) == expected


def test_channels_by_environment(tmp_path: Path) -> None:
    """A channel comes into being by a variable, or is changed by one under the name that the file spells."""
    environ = {"LNWATCH_NOTIFY__POST__ON_CALL__STREET": "env", "LNWATCH_NOTIFY__SLACK__NEW__STREET": "env"}
    config = loaded(tmp_path, f'{FILE}[notify.post.on-call]\nstreet = "file"\n', environ)
    assert [(channel.key, getattr(channel.settings, "street")) for channel in config.notify.values()] == [  # noqa: B009 - of any kind
        ("notify.post.on-call", "env"),
        ("notify.slack.new", "env"),
    ]


def test_origins_tell_file_line_variable_and_default(tmp_path: Path) -> None:
    """Every value says where it came from."""
    config = loaded(tmp_path, FILE, {f"{A}LABELS__SHOP": "env", "LNWATCH_LOG__LEVEL": "info"})
    base = "site.main-eu.alpha.n-1."
    path = tmp_path / "lnwatch.toml"
    told = {key: str(config.origins[key]) for key in ("data_dir", "web.listen", "log.level", "log.format")}
    assert told == {
        "data_dir": f"{path}:1",
        "web.listen": f"{path}:3",
        "log.level": "LNWATCH_LOG__LEVEL",
        "log.format": "default",
    }
    told = {key: str(config.origins[base + key]) for key in ("labels.shop", "labels.bar", "retry.times", "retry.wait")}
    assert told == {
        "labels.shop": f"{A}LABELS__SHOP",
        "labels.bar": f"{path}:9",
        "retry.times": f"{path}:10",
        "retry.wait": "default",
    }


def test_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container needs no file: sites and sources come into being by their variables."""
    monkeypatch.chdir(tmp_path)
    config = load(None, {"LNWATCH_SITE__SHOP__BETA__CORE__URL": "http://core:1", "HOME": "/x"}, SCHEMA)
    assert config.path is None
    assert [(source.key, source.settings) for source in config.sites["shop"].sources] == [
        ("site.shop.beta.core", BetaSettings(url="http://core:1"))
    ]


def test_names_that_kubernetes_gives_are_passed_over(tmp_path: Path) -> None:
    """A service called lnwatch must not keep its own pod from starting."""
    environ = {
        "LNWATCH_SERVICE_HOST": "10.0.0.1",
        "LNWATCH_SERVICE_PORT": "8735",
        "LNWATCH_SERVICE_PORT_HTTP": "8735",
        "LNWATCH_PORT": "tcp://10.0.0.1:8735",
        "LNWATCH_PORT_8735_TCP": "tcp://10.0.0.1:8735",
        "LNWATCH_PORT_8735_TCP_ADDR": "10.0.0.1",
        "LNWATCH_GRAFANA_PORT": "tcp://10.0.0.1:3000",
    }
    assert alpha(loaded(tmp_path, FILE, environ)).address == "file:1"


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("LNWATCH_WEB__LISTN", "did you mean `LNWATCH_WEB__LISTEN`?"),
        ("LNWATCH_WEB_LISTEN", "did you mean `LNWATCH_WEB__LISTEN`?"),
        ("LNWATCH_DATADIR", "did you mean `LNWATCH_DATA_DIR`?"),
        ("LNWATCH_web__listen", "did you mean `LNWATCH_WEB__LISTEN`?"),
        ("LNWATCH_WEB__PORT", NOTHING_NEAR),
        (f"{A}SECRET", NOTHING_NEAR),
        (f"{A}ADRESS", f"did you mean `{A}ADDRESS`?"),
        ("LNWATCH_SITE__MAIN_EU__ALFA__N_1__ADDRESS", f"did you mean `{A}ADDRESS`?"),
        ("LNWATCH_SITE__NEW__BET__CORE__URL", "did you mean `LNWATCH_SITE__NEW__BETA__CORE__URL`?"),
        (f"{A}RETRY__TIME", f"did you mean `{A}RETRY__TIMES`?"),
        (f"{A}ADDRESS__X", f"did you mean `{A}ADDRESS`?"),
        ("LNWATCH_", NOTHING_NEAR),
    ],
)
def test_unknown_names_are_errors(tmp_path: Path, name: str, remedy: str) -> None:
    """A name that fits nothing stops the start and names the nearest that does; its value is never shown."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, FILE, {name: "planted-web-token-q8WmX2"})
    assert str(caught.value) == f"{name}: found a name that is not known; {remedy}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", ("plain",)),
        ("15s", ("15s",)),
        ("15", ("15", 15)),
        ('"15"', ("15",)),
        ("", ("",)),
        ("true", ("true", True)),
        ("[1]", ([1], "[1]")),
        ("1\nother = 2", ("1\nother = 2",)),
        ("[" * 5000, ("[" * 5000,)),
    ],
)
def test_readings(text: str, expected: tuple[object, ...]) -> None:
    """A text may be meant as TOML or as itself; quotes always mean TOML."""
    assert readings(text) == expected


# A mix of file and environment: every key lands in one of them or, with another value, in both.

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x7f\x00"), max_size=12)
WORDS = st.from_regex(r"[a-z]{1,5}", fullmatch=True)
DURATIONS = st.sampled_from(["15s", "1h30m", "500ms", "2d"])
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "data_dir": st.sampled_from(["/a", "b/c"]),
    "log.level": st.sampled_from(["debug", "info"]),
    "ledger.path": st.sampled_from(["/a/ledger", "ledger"]),
    **{
        f"site.{site}.alpha.{slug}.{key}": values
        for site, slug in (("main", "one"), ("main", "two"), ("far-off", "n-1"))
        for key, values in {
            "mode": st.sampled_from(["fast", "thorough"]),
            "interval": DURATIONS,
            "floor": st.sampled_from(["1 sat", "0.01 BTC", "250_000 sat"]),
            "rate": st.integers(1, 99).map(lambda figure: f"{figure}.5"),
            "share": st.floats(0, 1, width=16),
            "parts": st.integers(1, 9),
            "on": st.booleans(),
            "password": TEXTS,
            "folders": st.lists(st.sampled_from(["/x", "y"]), max_size=2),
            "names": st.lists(TEXTS, max_size=3),
            "labels.shop": TEXTS,
            "labels.till": TEXTS,
            "retry.times": st.integers(0, 9),
            "retry.wait": DURATIONS,
            "accounts": st.lists(st.fixed_dictionaries({"name": WORDS, "password": TEXTS}), max_size=2),
        }.items()
    },
    **{f"notify.{channel}.street": TEXTS for channel in ("post.ops", "slack.far-off")},
    "routing.paging": st.sampled_from(["lnwatch", "alertmanager"]),
    "routing.routes": st.lists(st.just({"owners": ["treasury"], "channels": ["ops"]}), max_size=2),
    "dead_man.interval": DURATIONS.filter(lambda text: text != "500ms"),
    **{
        f"{place}.water_high.{key}": values
        for place in ("rules", "site.main.rules", "site.far-off.rules")
        for key, values in {
            "after": DURATIONS,
            "severity": st.sampled_from(["critical", "info"]),
            "low_share": st.floats(0.125, 0.25, width=16),
            "parts": st.integers(1, 9),
            "window_seconds": st.one_of(DURATIONS, st.integers(1, 9)),
        }.items()
    },
}
ADDRESSES = [key for key in KEYS if key.endswith(".mode")]


def written(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {written(below)}' for key, below in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def spoken(value: object, *, plain: bool) -> str:
    quoted = isinstance(value, str) and value[:1] in ('"', "'", " ", "\t", "\n", "\r")
    return value if isinstance(value, str) and plain and not quoted else written(value)


def named(key: str) -> str:
    return "LNWATCH_" + key.upper().replace("-", "_").replace(".", "__")


@st.composite
def mixes(draw: st.DrawFn) -> tuple[str, str, dict[str, str]]:
    values = {key.replace(".mode", ".address"): draw(TEXTS) for key in ADDRESSES}
    values |= draw(st.fixed_dictionaries({}, optional=KEYS))
    file: dict[str, object] = {}
    environ: dict[str, str] = {}
    for key, value in values.items():
        place = draw(st.sampled_from(["file", "environment", "both"]))
        if place != "environment":
            other = value if key not in KEYS else draw(KEYS[key])
            file[key] = value if place == "file" else other
        if place != "file":
            environ[named(key)] = spoken(value, plain=draw(st.booleans()))
    anchors = {key.replace(".mode", ".level"): "low" for key in ADDRESSES}  # so that the file spells every slug
    anchors |= {"notify.post.ops.key": "x", "notify.slack.far-off.key": "x"}
    return lines(anchors | values), lines(anchors | file), environ


def lines(values: Mapping[str, object]) -> str:
    return "".join(f"{key} = {written(value)}\n" for key, value in values.items())


def essence(config: Config) -> object:
    sources = {source.key: source.settings for site in config.sites.values() for source in site.sources}
    channels = {channel.key: channel.settings for channel in config.notify.values()}
    rooms = config.ledger, config.web, config.log, config.net, config.routing, config.dead_man
    return config.data_dir, rooms, sources, channels, config.rules


@settings(max_examples=60, deadline=None)
@given(mixes())
def test_a_mix_equals_the_merged_file(mix: tuple[str, str, dict[str, str]]) -> None:
    """However keys are shared between file and environment, the same configuration comes out."""
    merged, file, environ = mix
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        assert essence(loaded(folder, file, environ)) == essence(loaded(folder, merged, {}))

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from lnwatch.config import load
from lnwatch.config.schema import Schema, standard
from lnwatch.errors import ConfigError
from tests.config.rooms import SCHEMA
from tests.secrets import TOKEN, leaked

RULES = standard().rules


def problems(text: str, environ: Mapping[str, str] | None = None, schema: Schema = SCHEMA) -> list[str]:
    Path("lnwatch.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(None, environ or {}, schema)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


OK = '[site.main.alpha.one]\naddress = "x"\n'


GOLDEN = (Path(__file__).parent / "problems.golden").read_text().split("== ")[1:]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.splitlines()[0]) for case in GOLDEN])
def test_one_line_tells_what_is_wrong(case: str) -> None:
    """Key, what was found and where, what is allowed, and the nearest valid name: in one line."""
    text, _, line = case.partition("\n")[2].partition("--\n")
    assert line.strip() in problems(text)


def test_everything_is_told_at_once() -> None:
    """Problems of file, environment, blocks and secret files come together, each once."""
    text = 'colour = 1\n[web]\nlisten = "nowhere"\n[site.main.alpha.one]\npassword_file = "/nowhere"\nparts = "x"\n'
    told = problems(text, {"LNWATCH_LOG__LEVL": "info", "LNWATCH_LOG__LEVEL": "loud"})
    assert [line.split(": found ")[0] for line in told] == [
        "LNWATCH_LOG__LEVL",
        "colour",
        "site.main.alpha.one.password_file",
        "web.listen",
        "LNWATCH_LOG__LEVEL",
        "site.main.alpha.one.address",
        "site.main.alpha.one.parts",
    ]


def test_a_general_threshold_is_told_once() -> None:
    """What is wrong for every site stands in one line; what is wrong for one, in another beside it."""
    sites = "".join(f'[site.{site}.alpha.one]\naddress = "x"\n' for site in ("a", "b", "c"))
    own = "[site.b.rules.water_high]\nparts = 0\n[site.c.rules.water_high]\nlow_share = 0.3\n"
    told = problems(f"{sites}{own}[rules.water_high]\nlow_share = 9\nwindow_seconds = 0\n")
    assert [line.partition(": ")[0] for line in told] == [
        "rules.water_high.low_share",
        "rules.water_high.window_seconds",
        "site.b.rules.water_high.parts",
    ]


def test_every_rule_says_which_limit_is_out_of_range() -> None:
    """A figure below nothing in each limit of each rule: one line for each, about that key."""
    limits = {f"{name}.{field.name}" for name, kind in RULES.items() for field in fields(kind.rule.thresholds)}
    text = "".join(f"rules.{limit} = -1\n" for limit in sorted(limits))
    told = problems(f"{text}[site.main.host.here]\n", schema=standard())
    assert {line.partition(": found -1 ")[0] for line in told} == {f"rules.{limit}" for limit in limits}
    assert len(told) == len(limits) > 30


def test_no_configuration_at_all() -> None:
    """Without a file and without variables, the operator is told how to get one."""
    with pytest.raises(ConfigError) as caught:
        load(None, {}, SCHEMA)
    assert str(caught.value) == (
        "configuration: found neither lnwatch.toml nor /etc/lnwatch/lnwatch.toml; run `lnwatch init` to write one"
    )


def test_an_empty_file() -> None:
    """A file without a site has nothing to watch."""
    assert problems("# nothing yet\n") == ["site: found nothing; there is no site to watch yet: run `lnwatch init`"]


def test_both_a_secret_and_its_file() -> None:
    """A secret is given once, whoever gives it; the two places are named and the rest is still checked."""
    Path("secret").write_text("x")
    name = "LNWATCH_SITE__MAIN__ALPHA__ONE__PASSWORD_FILE"
    assert problems(OK + f'password = "{TOKEN}"\nparts = 0\n', {name: "secret"}) == [
        f"{name}: found `password` as well (from lnwatch.toml:3); give one of the two",
        "site.main.alpha.one.parts: found 0 (lnwatch.toml:4); it must be greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("path", "trouble"),
    [
        ("./none", "it can't be read: no such file or directory"),
        ("./empty", "the file is empty"),
        ("./folder", "it is no regular file"),
        ("./pipe", "it is no regular file"),
        ("./" + "x" * 300, "it can't be read: file name too long"),
    ],
)
def test_secret_files_that_cannot_be_used(path: str, trouble: str) -> None:
    """A secret file is there, is a file, holds something and can be read; nothing waits on a pipe."""
    Path("empty").touch()
    Path("folder").mkdir()
    os.mkfifo("pipe")
    (told,) = problems(OK + f'password_file = "{path}"\n')
    assert told.startswith('site.main.alpha.one.password_file: found "./')
    assert told.endswith(f"(lnwatch.toml:3); {trouble}")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Some user that may not read everything, where the tests run as root, in a folder that it may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.chdir(name)
        yield
        if os.getuid() == 0:
            os.seteuid(0)


@pytest.mark.usefixtures("nobody")
def test_a_secret_file_of_somebody_else() -> None:
    """A file that may not be read stops the start."""
    Path("secret").write_text("x")
    Path("secret").chmod(0)
    Path("lnwatch.toml").write_text(OK + 'password_file = "./secret"\n')
    if os.geteuid() == 0:
        os.seteuid(65_534)
    with pytest.raises(ConfigError, match="this user may not read it: mend its owner or mode, or run lnwatch as its"):
        load(None, {}, SCHEMA)


@pytest.mark.parametrize(
    "line",
    [
        "password = ['{}']",
        "password = {{ x = '{}' }}",
        "passwrod = '{}'",
        "password_file = '{}'",
        "password_file = ['{}']",
        "passwords = ['{}']",
        "accounts = [{{ name = 1, password = '{}' }}]",
        "accounts = [{{ name = 'x', pasword = '{}' }}]",
        "accounts = '{}'",
        "address = ['http://user:{}@host']",
        "certificate = ['user:{}@host']",
        "[site.main.beta]\nurl = '{}'",
        "[site.main]\nbeta = '{}'",
        "[site.main.gamma.x]\npassword = '{}'",
        "[web]\ntoken = '{}'\ntoken_file = '{}'",
        "[web]\npublic_url = 'ftp://user:{}@host'",
        "[net]\nproxy = 'nonsense://user:{}@host'",
        "[notify.post.ops]\nkey = ['{}']",
        "[notify.post.ops]\nkey_file = '{}'",
        "[notify.post]\nkey = '{}'",
        "[notify]\npost = '{}'",
        "[notify.post.ops]\nkye = '{}'",
        "[rules]\nkey = '{}'",
        "[dead_man]\nping_url = 'hc-ping.com/{}'",
        "password = '{}",
        "password = {}",
        "password = '{}' '{}'",
    ],
)
def test_no_error_shows_a_secret(line: str) -> None:
    """A secret stays covered in the wrong place, of the wrong type, under the wrong name and in broken TOML."""
    told = problems(OK.replace('address = "x"', 'mode = "x"') + line.format(TOKEN, TOKEN) + "\n")
    assert told
    assert not leaked("\n".join(told))


@pytest.mark.parametrize(
    "name",
    [
        "TOKN",
        "WEB__TOKN",
        "WEB__LISTEN__TOKEN",
        "SITE__MAIN__ALPHA__ONE__ACCOUNTS",
        "SITE__MAIN__ALPHA__ONE__PASSWORD_FILE",
    ],
)
def test_no_error_shows_a_secret_of_the_environment(name: str) -> None:
    """Likewise where it comes from a variable."""
    assert not leaked("\n".join(problems(OK, {f"LNWATCH_{name}": TOKEN})))


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[web]\n# caf\xe9\n", "lnwatch.toml:2: found bytes that are not UTF-8; save the file as UTF-8"),
        (b"#" * 1024 * 1025, "lnwatch.toml: found more than 1 MiB; it is no lnwatch.toml"),
        (b"a = " + b"[" * 100_000, "lnwatch.toml: found tables nested without end; it is no lnwatch.toml"),
    ],
)
def test_files_that_are_no_configuration(content: bytes, line: str) -> None:
    """Bytes of another kind are told in one line."""
    Path("lnwatch.toml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(None, {}, SCHEMA)
    assert str(caught.value) == line


def test_a_named_file_must_be_there() -> None:
    """A file that was asked for by name is not replaced by another one."""
    Path("lnwatch.toml").write_text(OK)
    for environ, path in (({}, Path("other.toml")), ({"LNWATCH_CONFIG": "other.toml"}, None)):
        with pytest.raises(ConfigError) as caught:
            load(path, environ, SCHEMA)
        assert str(caught.value) == (
            "other.toml: found no such file; name the file with --config, or write one with `lnwatch init`"
        )


def test_a_folder_is_no_file() -> None:
    """A folder in the place of the file is told as what it is."""
    Path("lnwatch.toml").mkdir()
    with pytest.raises(ConfigError, match=r"^lnwatch\.toml: found a directory; "):
        load(None, {}, SCHEMA)


def test_windows_files_are_read() -> None:
    """A byte order mark and carriage returns do no harm."""
    Path("lnwatch.toml").write_bytes(b"\xef\xbb\xbf" + OK.replace("\n", "\r\n").encode())
    assert load(None, {}, SCHEMA).sites["main"].sources[0].slug == "one"


def test_relative_paths_begin_beside_the_file(tmp_path: Path) -> None:
    """The same file means the same paths, wherever the command is started."""
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "lnwatch.toml").write_text('data_dir = "data"\n' + OK + 'folders = ["a", "/b"]\n')
    config = load(Path("conf/lnwatch.toml"), {}, SCHEMA)
    assert config.data_dir == folder / "data"
    assert getattr(config.sites["main"].sources[0].settings, "folders") == (folder / "a", Path("/b"))  # noqa: B009 - of any kind


def test_open_secret_files_are_warned_of() -> None:
    """What everybody may read is told, the file and the configuration itself; it stops nothing."""
    Path("secret").write_text("x")
    Path("secret").chmod(0o644)
    Path("lnwatch.toml").write_text(OK + f'password_file = "secret"\n[web]\ntoken = "{TOKEN}"\n')
    Path("lnwatch.toml").chmod(0o644)
    rest = "can be read by everybody on this machine; `chmod o-r` keeps it to its owner and group"
    assert [str(warning) for warning in load(None, {}, SCHEMA).warnings] == [
        f"lnwatch.toml holds a secret (web.token) and {rest}",
        f"{Path('secret').absolute()} (site.main.alpha.one.password_file) {rest}",
    ]
    for path in ("secret", "lnwatch.toml"):
        Path(path).chmod(0o640)
    assert load(None, {}, SCHEMA).warnings == ()

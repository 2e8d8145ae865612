import json
from pathlib import Path

import pytest

from tests.cli.commands import invoke
from tests.secrets import TOKEN, WEB_PASSWORD, leaked

pytestmark = pytest.mark.usefixtures("standin_room", "folder")

FILE = f"""\
data_dir = "/data"
[web]
token = "{TOKEN}"
[ledger]
retention.inbox = "90m"
[net]
no_proxy = ["10.0.0.0/8", "a\\nb"]
[site.main.standin.core]
missing = [["x", "y"]]
tls_share = 0.25
"""


def lines(output: str) -> dict[str, tuple[str, str]]:
    """Value and origin by key."""
    found = {}
    for line in output.splitlines()[1:]:
        value, _, origin = line.rpartition("  # ")
        key, _, text = value.strip().removeprefix("# ").partition(" = ")
        found[key] = (text, origin)
    return found


def test_every_value_with_its_origin() -> None:
    """Values as the file would have them, secrets covered, each with its line, its variable or `default`."""
    Path("lnwatch.toml").write_text(FILE)
    result = invoke("config", env={"LNWATCH_SITE__MAIN__STANDIN__CORE__STATE": "locked", "LNWATCH_LOG__LEVEL": "debug"})
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "# lnwatch.toml"
    told = lines(result.stdout)
    assert told["data_dir"] == ('"/data"', "lnwatch.toml:1")
    assert told["web.token"] == ("••••", "lnwatch.toml:3")
    assert told["web.token_file"] == ("", "default")
    assert told["web.listen"] == ('"127.0.0.1:8735"', "default")
    assert told["ledger.retention.inbox"] == ('"90m"', "lnwatch.toml:5")
    assert told["ledger.retention.states"][1] == "default"
    assert told["net.no_proxy"] == ('["10.0.0.0/8", "a\\nb"]', "lnwatch.toml:7")
    assert told["log.level"] == ('"debug"', "LNWATCH_LOG__LEVEL")
    assert told["site.main.standin.core.missing"] == ('[["x", "y"]]', "lnwatch.toml:9")
    assert told["site.main.standin.core.tls_share"] == ("0.25", "lnwatch.toml:10")
    assert told["site.main.standin.core.state"] == ('"locked"', "LNWATCH_SITE__MAIN__STANDIN__CORE__STATE")


def test_json_has_the_same() -> None:
    """The same values for programs."""
    Path("lnwatch.toml").write_text(FILE)
    document = json.loads(invoke("config", "--json").stdout)
    assert document["path"] == "lnwatch.toml"
    assert document["values"]["web.token"] == {"value": "••••", "origin": "file", "where": "lnwatch.toml:3"}
    assert document["values"]["web.token_file"] == {"value": None, "origin": "default", "where": ""}
    assert document["values"]["site.main.standin.core.missing"]["value"] == [["x", "y"]]
    assert document["values"]["log.level"] == {"value": "info", "origin": "default", "where": ""}


def test_no_secret_is_printed() -> None:
    """Not from the file, not from the environment, not inside an address, not as JSON."""
    Path("lnwatch.toml").write_text(FILE + f'password = "{TOKEN}"\nversion = "http://u:{TOKEN}@h"\n')
    env = {"LNWATCH_WEB__PASSWORD": WEB_PASSWORD, "LNWATCH_LEDGER__URL": f"postgresql://u:{WEB_PASSWORD}@h/d"}
    for arguments in (("config",), ("config", "--json")):
        result = invoke(*arguments, env=env)
        assert result.exit_code == 0
        assert not leaked(result.output)


def test_warnings_come_with_it() -> None:
    """What the configuration warns of is printed too."""
    Path("lnwatch.toml").write_text(FILE)
    Path("lnwatch.toml").chmod(0o644)
    expected = "lnwatch.toml holds a secret (web.token) and can be read by everybody on this machine"
    assert f"# warning: {expected}" in invoke("config").stdout
    assert json.loads(invoke("config", "--json").stdout)["warnings"][0].startswith(expected)


def test_output_without_secrets_is_a_configuration() -> None:
    """What is printed is TOML that means the same."""
    Path("lnwatch.toml").write_text(FILE.replace(f'token = "{TOKEN}"\n', ""))
    first = invoke("config").stdout
    Path("again.toml").write_text(first)
    second = invoke("config", "--config", "again.toml").stdout
    assert {key: value for key, (value, _) in lines(first).items()} == {
        key: value for key, (value, _) in lines(second).items()
    }


def test_problems_end_with_status_2() -> None:
    """A configuration that can't be used is not printed; its problems are, one line each."""
    Path("lnwatch.toml").write_text(FILE.replace("90m", "90"))
    result = invoke("config")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        'ledger.retention.inbox: found "90" (lnwatch.toml:5); '
        "a duration is text with a unit: `15s`, `500ms`, `1h30m` or `30d`\n"
    )

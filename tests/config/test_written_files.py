"""A file that lnwatch itself writes may be missing at its start; one that it only reads may not."""

from pathlib import Path

import pytest

from lnwatch.config import load
from lnwatch.errors import ConfigError
from lnwatch.sources.btcpay import BtcpaySettings

BLOCK = """\
[site.main.btcpay.pay]
url = "https://pay.example.org"
stores = { shop = "C8H1yvN6ZamjevMuWkHJcPvnWH8RsCHegqKu1oZRy3ES" }
"""
KEY = 'api_key = "0000000000000000000000000000000000000000"\n'


def written(folder: Path, *lines: str) -> Path:
    file = folder / "lnwatch.toml"
    file.write_text(BLOCK + "".join(lines))
    file.chmod(0o600)
    return file


def test_the_secret_of_webhooks_may_come_later(tmp_path: Path) -> None:
    """Its path is known before `lnwatch webhook register` has written it, and leads into our own folder."""
    config = load(written(tmp_path, KEY, 'webhook_secret_file = "hook.secret"\n'), {})
    (source,) = config.sites["main"].sources
    assert isinstance(source.settings, BtcpaySettings)
    assert source.settings.signs is not None
    assert source.settings.signs.path == tmp_path / "hook.secret"


PROBLEMS = [
    ('api_key_file = "no.key"\n', "it can't be read: no such file"),
    (KEY + 'webhook_secret_file = "empty"\n', "the file is empty"),
    (KEY + 'webhook_secret_file = "."\n', "it is no regular file"),
    (KEY + 'webhook_secret_file = "empty"\nwebhook_secret = "x"\n', "give one of the two"),
]


@pytest.mark.parametrize(("lines", "words"), PROBLEMS)
def test_what_is_wrong_is_still_told(tmp_path: Path, lines: str, words: str) -> None:
    """Any other file has to be there, and this one, once it is, has to hold something."""
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigError) as told:
        load(written(tmp_path, lines), {})
    assert words in str(told.value)


def test_everybody_may_read_it_is_a_warning(tmp_path: Path) -> None:
    """Whoever reads the secret may tell us anything."""
    (tmp_path / "hook.secret").write_text("x\n")
    (tmp_path / "hook.secret").chmod(0o644)
    config = load(written(tmp_path, KEY, 'webhook_secret_file = "hook.secret"\n'), {})
    assert [warning for warning in config.warnings if "hook.secret" in str(warning)]

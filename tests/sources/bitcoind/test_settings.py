from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.model.chain import Network
from lnwatch.sources import SourceKind
from lnwatch.sources.bitcoind import SOURCE, BitcoindSettings


@pytest.mark.parametrize(
    "values",
    [
        {"cookie_file": "/data/.cookie"},
        {"user": "lnwatch", "password": "x"},
        {"user": "lnwatch", "password_file": "/run/secrets/rpc", "network": "main"},
        {"cookie_file": "/c", "url": "https://btc.lan:8332", "ca_file": "/ca.pem"},
        {"cookie_file": "/c", "url": "unix:/run/btc.sock"},
        {"cookie_file": "/c", "url": "http://[::1]:8332", "interval": "60s", "deadline": "20s"},
    ],
)
def test_good_settings(values: dict[str, Any]) -> None:
    """Every documented way to reach a node is accepted, with the defaults for the rest."""
    settings = BitcoindSettings.model_validate(values)
    assert settings.network in {None, Network.MAIN}
    assert settings.deadline < settings.interval


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "set `cookie_file`, or `user`"),
        ({"user": "a"}, "set `cookie_file`, or `user`"),
        ({"password": "a"}, "set `cookie_file`, or `user`"),
        ({"user": "a", "password": "b", "password_file": "/c"}, "set `cookie_file`, or `user`"),
        ({"cookie_file": "/c", "user": "a"}, "set `cookie_file`, or `user`"),
        ({"cookie_file": "/c", "user": "a", "password": "b"}, "set `cookie_file`, or `user`"),
        ({"cookie_file": "/c", "password_file": "/b"}, "set `cookie_file`, or `user`"),
        ({"user": "a:b", "password": "c"}, "can't hold a colon"),
        ({"cookie_file": "/c", "url": "127.0.0.1:8332"}, "http://host:port"),
        ({"cookie_file": "/c", "url": "unix:run/btc.sock"}, "unix:/path"),
        ({"cookie_file": "/c", "url": "http://u:p@host"}, "keep user and password out"),
        ({"cookie_file": "/c", "deadline": "15s"}, "shorter than `interval`"),
        ({"cookie_file": "/c", "interval": "500ms", "deadline": "100ms"}, "at least one second"),
        ({"cookie_file": "/c", "network": "mainnet"}, "main"),
        ({"cookie_file": "/c", "colour": "red"}, "Extra inputs"),
    ],
)
def test_bad_settings(values: dict[str, Any], words: str) -> None:
    """Settings that can't work are refused with the keys that would."""
    with pytest.raises(ValidationError, match=words):
        BitcoindSettings.model_validate(values)


def test_well_known_name() -> None:
    """The room finds the source by its name."""
    assert isinstance(SOURCE, SourceKind)
    assert (SOURCE.kind, SOURCE.lightning) == ("bitcoind", False)

from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.sources.lnd.settings import LndSettings

MINIMUM = {"address": "127.0.0.1:10009", "macaroon_file": "/lnd/readonly.macaroon"}


def test_defaults() -> None:
    """The pace that the node is read at is the documented one, in seconds."""
    settings = LndSettings.model_validate(MINIMUM)
    paces = {name: value for name, value in settings.model_dump().items() if name.endswith(("interval", "timeout"))}
    assert paces == {
        "timeout": "10s",
        "slow_timeout": "30s",
        "node_interval": "15s",
        "channels_interval": "15s",
        "policies_interval": "1m",
        "pending_interval": "1m",
        "peers_interval": "1m",
        "wallet_interval": "1m",
        "invoices_interval": "1m",
        "payments_interval": "2m",
        "forwards_interval": "2m",
        "history_interval": "1m",
        "closed_interval": "1h",
        "watchtower_interval": "5m",
        "backup_interval": "5m",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"address": "[2001:db8::1]:10009"},
        {"address": "lnd.example.com:10009"},
        {"address": "unix:/run/lnd.sock"},
        {"macaroon_file": None, "macaroon": "0201036c6e64"},
        {"node_interval": "5s", "tls_cert_file": "/lnd/tls.cert", "backup_file": "/lnd/channel.backup"},
    ],
)
def test_accepted(change: dict[str, Any]) -> None:
    """What people write is taken."""
    LndSettings.model_validate(MINIMUM | change)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "127.0.0.1"}, "host:port"),
        ({"address": "https://127.0.0.1:8080"}, "host:port"),
        ({"address": "unix:"}, "host:port"),
        ({"macaroon_file": None}, "exactly one"),
        ({"macaroon": "0201"}, "exactly one"),
        ({"macaroon_file": None, "macaroon": "no hex"}, "hexadecimal"),
        ({"macaroon_file": None, "macaroon": "abc"}, "hexadecimal"),
        ({"node_interval": "500ms"}, "at least one second"),
        ({"node_interval": 15}, "unit"),
        ({"nodes_interval": "15s"}, "Extra inputs"),
    ],
)
def test_refused(change: dict[str, Any], words: str) -> None:
    """What can't work is named, and what to write instead."""
    with pytest.raises(ValidationError, match=words):
        LndSettings.model_validate(MINIMUM | change)


def test_macaroon_stays_secret() -> None:
    """A macaroon that was written into the configuration is never shown."""
    settings = LndSettings.model_validate({"address": "127.0.0.1:10009", "macaroon": "0201036c6e64"})
    assert "0201036c6e64" not in repr(settings) + str(settings.model_dump())

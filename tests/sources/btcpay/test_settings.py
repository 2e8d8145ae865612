from typing import Any

import pytest
from pydantic import ValidationError

from lnwatch.sources.btcpay import SOURCE, BtcpaySettings

GOOD = {"url": "https://pay.example", "api_key": "a" * 40, "stores": {"shop": "C8H1yvN6"}}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"url": "http://127.0.0.1:49392/"},
        {"url": "https://pay.example/btcpay/"},
        {"url": "http://abcdefghij.onion"},
        {"api_key": None, "api_key_file": "/etc/lnwatch/btcpay.key"},
        {"stores": {"shop": "A1", "other": "B2"}, "deliveries": True},
        {"interval": "60s", "timeout": "50s", "rescan_depth": "30d"},
    ],
)
def test_good_settings(values: dict[str, Any]) -> None:
    """Every documented way to name a server, its key and its stores is accepted."""
    settings = BtcpaySettings.model_validate({k: v for k, v in {**GOOD, **values}.items() if v is not None})
    assert settings.timeout < settings.interval
    assert not settings.url.endswith("/")
    assert SOURCE.kind == "btcpay"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "pay.example"}, "as its users see it"),
        ({"url": "https://u:p@pay.example"}, "keep user and password out"),
        ({"url": "https://pay.example/api/v1"}, "leave the path of the API out"),
        ({"url": "https://pay.example/?a=b"}, "as its users see it"),
        ({"api_key": None}, "exactly one of"),
        ({"api_key_file": "/k"}, "exactly one of"),
        ({"api_key": "two words"}, "40 figures and letters"),
        ({"api_key": ""}, "40 figures and letters"),
        ({"stores": {}}, "name at least one store"),
        ({"stores": {"Shop": "A1"}}, "lower-case letters"),
        ({"stores": {"shop": "a/../b"}}, "the id of store shop"),
        ({"stores": {"a": "X", "b": "X"}}, "two stores have the same id"),
        ({"interval": "5s"}, "`timeout` must be shorter"),
        ({"invoices_interval": "100ms"}, "at least one second"),
        ({"store": {"shop": "A1"}}, "Extra inputs"),
    ],
)
def test_bad_settings(values: dict[str, Any], words: str) -> None:
    """Each mistake is told in words that say what to write, and the key is not among them."""
    with pytest.raises(ValidationError) as caught:
        BtcpaySettings.model_validate({k: v for k, v in {**GOOD, **values}.items() if v is not None})
    assert words in str(caught.value)
    assert "a" * 40 not in str(caught.value)

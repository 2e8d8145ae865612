"""Where lnwatch listens, and when that needs a credential."""

import pytest
from pydantic import ValidationError

from lnwatch.web.settings import WebSettings, is_loopback, split_address


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:8735", "127.0.0.1", 8735),
        ("[::1]:80", "::1", 80),
        ("localhost:0", "localhost", 0),
        (":8735", "::", 8735),
        ("[fd00::5]:8735", "fd00::5", 8735),
    ],
)
def test_addresses(listen: str, host: str, port: int) -> None:
    """An address is a host and a port, IPv6 in brackets."""
    assert split_address(listen) == (host, port)


@pytest.mark.parametrize(
    "listen", ["", "8735", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:8735", "h:65536", "h:-1", "h:²"]
)
def test_what_is_no_address(listen: str) -> None:
    """A sentence says what an address looks like."""
    with pytest.raises(ValidationError, match=r"HOST:PORT|0 to 65535"):
        WebSettings(listen=listen)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - judged, not bound
        ("::", False),
        ("192.168.1.5", False),
        ("shop.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, *, local: bool) -> None:
    """Only what no other machine can reach counts as local."""
    assert is_loopback(host) is local


@pytest.mark.parametrize("listen", ["0.0.0.0:8735", ":8735", "192.168.1.5:8735", "shop.example:8735"])
def test_other_machines_need_a_credential(listen: str) -> None:
    """Listening beyond loopback without token and password is refused, with what to do."""
    with pytest.raises(ValidationError, match="set `token` or `password`"):
        WebSettings(listen=listen)
    assert WebSettings.model_validate({"listen": listen, "token": "long-enough"}).authenticated
    assert WebSettings.model_validate({"listen": listen, "password_file": "/run/secrets/web"}).authenticated


def test_a_secret_is_given_once() -> None:
    """A value and a file for the same secret contradict each other."""
    with pytest.raises(ValidationError, match="not both"):
        WebSettings.model_validate({"token": "long-enough", "token_file": "/run/secrets/web"})


@pytest.mark.parametrize("secret", ["", "   ", "short", "       7chars1"[:7]])
def test_a_secret_protects(secret: str) -> None:
    """An empty or short secret is refused, and is not repeated in the refusal's words."""
    with pytest.raises(ValidationError, match="at least 8 characters"):
        WebSettings.model_validate({"token": secret})


def test_secrets_are_not_shown() -> None:
    """Neither secret stands in what the settings print."""
    settings = WebSettings.model_validate({"token": "planted-web-token-q8WmX2", "password": "planted-web-password-9sK"})
    assert "planted" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://shop.example", "https://", "https://a/?b=1", "https://u:p@a"]
)
def test_what_is_no_base_of_links(url: str) -> None:
    """Links need a scheme, a host, no query and no password."""
    with pytest.raises(ValidationError, match="a base of links"):
        WebSettings(public_url=url)


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8735"),
        ({"listen": "[::1]:80"}, "http://[::1]:80"),
        ({"listen": "0.0.0.0:8735", "token": "long-enough"}, "http://localhost:8735"),
        ({"public_url": "https://watch.shop.example/lnwatch/"}, "https://watch.shop.example/lnwatch"),
    ],
)
def test_base_of_links(settings: dict[str, str], base: str) -> None:
    """Links begin with `public_url`, or with the address that we listen on."""
    assert WebSettings.model_validate(settings).link_base == base

"""Who may read."""

import base64
import os
from pathlib import Path

import pytest

from lnwatch.web.settings import WebSettings
from tests import secrets
from tests.web.stage import Stage

CLOSED = (
    *("/", "/metrics", "/metrics/channels", "/readyz", "/static/style.css", "/nothing", "/healthz/", "/hooks"),
    *("/cases", "/cases/main/lightning_down/node%3Aln1", "/coverage", "/runbooks/", "/runbooks/lightning_down"),
)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def guarded(**settings: object) -> Stage:
    both = {"token": secrets.TOKEN, "password": secrets.WEB_PASSWORD}
    return Stage(settings=WebSettings.model_validate({"listen": "0.0.0.0:8735", **(settings or both)}))


@pytest.mark.parametrize("path", CLOSED)
async def test_nothing_without_a_credential(path: str) -> None:
    """Without a credential every path but two answers with what is asked for, and tells nothing."""
    answer = await guarded().get(path)
    assert answer.status_code == 401
    assert answer.headers.get_list("www-authenticate") == [
        'Basic realm="lnwatch", charset="UTF-8"',
        'Bearer realm="lnwatch"',
    ]
    assert answer.text == "lnwatch needs a token or a password.\n"


async def test_health_is_open() -> None:
    """A health check needs no credential."""
    assert (await guarded().get("/healthz")).status_code == 200


async def test_hooks_prove_themselves() -> None:
    """What comes in below /hooks/ is not held up here."""
    assert (await guarded().get("/hooks/btcpay")).status_code == 404


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {secrets.TOKEN}", 200),
        (f"bearer  {secrets.TOKEN}", 200),
        (basic("prometheus", secrets.WEB_PASSWORD), 200),
        (basic("", secrets.WEB_PASSWORD), 200),
        (f"Bearer {secrets.TOKEN}x", 401),
        (f"Bearer {secrets.TOKEN[:-1]}", 401),
        (f"Bearer {secrets.WEB_PASSWORD}", 401),
        (basic("x", secrets.TOKEN), 401),
        (basic("x", ""), 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        ("Basic", 401),
        ("Basic !!!", 401),
        ("Basic /////w==", 401),
        (f"Digest {secrets.TOKEN}", 401),
        (secrets.TOKEN, 401),
    ],
)
async def test_credentials(authorization: str, status: int) -> None:
    """The token opens as bearer, the password as Basic with any user name, and nothing else does."""
    assert (await guarded().get("/readyz", Authorization=authorization)).status_code == status


async def test_only_what_is_configured_is_offered() -> None:
    """With a password alone no token opens, and none is asked for."""
    stage = guarded(password=secrets.WEB_PASSWORD)
    answer = await stage.get("/", Authorization="Bearer ")
    assert answer.headers.get_list("www-authenticate") == ['Basic realm="lnwatch", charset="UTF-8"']
    assert (await guarded(token=secrets.TOKEN).get("/", Authorization=basic("x", ""))).status_code == 401


async def test_refusals_are_counted() -> None:
    """Wrong credentials are told from missing ones, and both count from 0."""
    stage = guarded()
    assert (stage.refused("missing"), stage.refused("wrong")) == (0, 0)
    await stage.get("/")
    await stage.get("/", Authorization="Bearer wrong")
    await stage.get("/", Authorization=f"Bearer {secrets.TOKEN}")
    assert (stage.refused("missing"), stage.refused("wrong")) == (1, 1)


async def test_a_rotated_file_is_read_again(tmp_path: Path) -> None:
    """A new token in the file holds at once, the old one no longer does."""
    file = tmp_path / "token"
    file.write_text(f"{secrets.TOKEN}\n")
    stage = guarded(token_file=str(file))
    assert (await stage.get("/readyz", Authorization=f"Bearer {secrets.TOKEN}")).status_code == 200
    file.write_text("another-token-of-other-length\n")
    os.utime(file, (1, 1))
    assert (await stage.get("/readyz", Authorization=f"Bearer {secrets.TOKEN}")).status_code == 401
    assert (await stage.get("/readyz", Authorization="Bearer another-token-of-other-length")).status_code == 200


async def test_an_unreadable_file_lets_nobody_in(tmp_path: Path) -> None:
    """A file that is gone or empty opens nothing; the answer names no path."""
    stage = guarded(token_file=str(tmp_path / "gone"))
    answer = await stage.get("/readyz", Authorization="Bearer ")
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    (tmp_path / "empty").write_text("\n")
    assert (await guarded(token_file=str(tmp_path / "empty")).get("/", Authorization="Bearer ")).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8735", 200),
        ("localhost:8735", 200),
        ("[::1]:8735", 200),
        ("watch.shop.example", 200),
        ("evil.example", 421),
        ("evil.example:8735", 421),
        ("127.0.0.1.evil.example", 421),
        ("[broken", 421),
        ("", 421),
    ],
)
async def test_a_stranger_s_name_is_not_answered(host: str, status: int) -> None:
    """Open on loopback, only our own names are answered: another site's page can't read us by a name of its own."""
    stage = Stage(settings=WebSettings(public_url="https://watch.shop.example"))
    answer = await stage.get("/readyz", Host=host)
    assert answer.status_code == status
    assert stage.refused("host") == (0 if status == 200 else 1)


async def test_with_a_credential_any_name_will_do() -> None:
    """Behind a proxy the name may be any; the credential decides."""
    answer = await guarded().get("/readyz", Host="any.example", Authorization=f"Bearer {secrets.TOKEN}")
    assert answer.status_code == 200

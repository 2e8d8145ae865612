"""What must never be read, and what must stay readable."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lnwatch.redaction import REDACTED, redact, scrub, secret_name
from tests import secrets

TXID = "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
NODE = "02" + "c1" * 32
MACAROON_HEX = secrets.MACAROON.hex()
MACAROON_BASE64 = base64.b64encode(secrets.MACAROON).decode()
INVOICE = secrets.PAYMENT_REQUEST
SEED = "abandon ability able about above absent absorb abstract absurd abuse access accident"
XPRV = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi"

SECRETS = [
    pytest.param(f"sent {MACAROON_HEX} to ln1", MACAROON_HEX, id="macaroon in hex"),
    pytest.param(MACAROON_HEX.upper(), MACAROON_HEX.upper(), id="macaroon in capital hex"),
    pytest.param(f"macaroon {MACAROON_BASE64}", MACAROON_BASE64, id="macaroon in base64"),
    pytest.param(f"Grpc-Metadata-Macaroon: {MACAROON_HEX[:40]}", MACAROON_HEX[:40], id="cut macaroon"),
    pytest.param("deadbeef" * 20, "deadbeef" * 20, id="long hex"),
    pytest.param("Authorization: Basic dTpodW50ZXIy", "dTpodW50ZXIy", id="basic"),
    pytest.param("authorization: token 1a2b3c4d5e6f", "1a2b3c4d5e6f", id="token scheme"),
    pytest.param("{'Authorization': 'Bearer abcdefgh1'}", "abcdefgh1", id="bearer in a dict"),
    pytest.param("sent Bearer q8WmX2abcdef", "q8WmX2abcdef", id="bare bearer"),
    pytest.param("sent bearer planted-value-1", "planted-value-1", id="bare bearer in small letters"),
    pytest.param("Bearer onlysmallletters", "onlysmallletters", id="bearer of letters alone"),
    pytest.param("Cookie: a=b; session=c0ffee", "c0ffee", id="cookie header"),
    pytest.param("Set-Cookie: .AspNetCore=CfDJ8; path=/", "CfDJ8", id="set-cookie"),
    pytest.param(f"http://{secrets.COOKIE}@127.0.0.1:8332/", secrets.COOKIE[11:], id="core's cookie in a URL"),
    pytest.param(f"read {secrets.COOKIE} from .cookie", secrets.COOKIE[11:], id="core's cookie"),
    pytest.param(f"preimage={TXID}", TXID, id="preimage assigned"),
    pytest.param(f'"r_preimage": "{TXID}"', TXID, id="preimage in JSON"),
    pytest.param(f"settled with preimage {TXID}", TXID, id="preimage told"),
    pytest.param(f"the preimage is {TXID}.", TXID, id="preimage in a sentence"),
    pytest.param('{"r_preimage": "qqvMzA+/AAA="}', "qqvMzA", id="preimage in base64"),
    pytest.param(r'r_preimage: "\001\002\377"', r"\001\002\377", id="preimage as protobuf prints it"),
    pytest.param(r"{'r_preimage': b'\x01\x02'}", r"\x01\x02", id="preimage as bytes"),
    pytest.param(f"pay {INVOICE} now", INVOICE, id="BOLT11"),
    pytest.param(f"LIGHTNING:{INVOICE.upper()}", INVOICE.upper(), id="BOLT11 in capitals"),
    pytest.param("lntb20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqf", "pvjluezpp5qqqsyqcyq", id="testnet"),
    pytest.param("lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqf", "pvjluezpp5qqqsyqcyq", id="without amount"),
    pytest.param("LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVC", "DP68GURN8GHJ7UM9", id="LNURL"),
    pytest.param("lni1qcp4256ypqpq86q2pucnq42ngssx2an9wfujqerp0yfpqun4", "qcp4256ypqpq86q", id="BOLT12"),
    pytest.param("postgresql://lnwatch:hunter2@db/lnwatch", "hunter2", id="userinfo"),
    pytest.param("postgresql://lnwatch:p@ss:word@db/lnwatch", "ss:word", id="userinfo with an @"),
    pytest.param("http://u:with/slash@host/", "with/slash", id="userinfo with a slash"),
    pytest.param("https://sometoken9@host/x", "sometoken9", id="user alone"),
    pytest.param("socks5h://u:p4ss@127.0.0.1:9050", "p4ss", id="proxy"),
    pytest.param("GET /x?api_key=abc123&page=2", "abc123", id="query"),
    pytest.param("rpcpassword=hunter2", "hunter2", id="bitcoin.conf"),
    pytest.param("rpcauth=u:salt$5f2e", "salt$5f2e", id="rpcauth"),
    pytest.param("password: hunter", "hunter", id="password of letters alone"),
    pytest.param('password = "with space and \\" quote"', "quote", id="quoted password"),
    pytest.param('"{\\"apiKey\\": \\"c0ffee\\"}"', "c0ffee", id="JSON in JSON"),
    pytest.param("rune=abcDEF_-=", "abcDEF", id="rune"),
    pytest.param("x-api-key: 5e5e", "5e5e", id="API key header"),
    pytest.param("mail jane.doe+shop@example.co.uk today", "jane.doe", id="e-mail"),
    pytest.param(XPRV, XPRV[5:], id="xprv"),
    pytest.param("L1aW4aubDFB7yfras2S1mN3bqg9nwySY8nkoLmJebSLD5BWv3ENZ", "aW4aubDFB7yf", id="private key"),
    pytest.param(f"words: {SEED}", "abandon ability", id="seed words"),
    pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIi", id="JSON web token"),
    pytest.param("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----", "MHcCAQ", id="PEM"),
    pytest.param("-----BEGIN PRIVATE KEY-----\nMHcCAQ", "MHcCAQ", id="cut PEM"),
]

READABLE = [
    f"txid {TXID} confirmed",
    f"payment_hash={TXID} settled",
    f'{{"block_hash": "{TXID}"}}',
    f"{TXID}:1",
    f"{NODE}@10.0.0.2:9735",
    f"{NODE}@node.example.com:9735",
    "cannot get macaroon: root key with id 7 doesn't exist",
    "verification failed: signature mismatch after caveat verification",
    "can't read /var/lib/lnd/readonly.macaroon: No such file or directory",
    "macaroon_file=/var/lib/lnd/readonly.macaroon",
    "cookie_file: /var/lib/bitcoin/.cookie",
    "pruned: true, prune: 550",
    "http://127.0.0.1:8332/ answered 401",
    "http://127.0.0.1:8332/wallet/x answered",
    "basic authentication failed",
    "HTTP Basic Authentication failed",
    "820000x12x1 is inactive",
    "the node does not know this call yet",
    "permission denied",
    "token_type=bearer",
    "seed=42",
    "rate 0.1 sat/vB; lnbc is a prefix",
    "Loading block index… 12:30:00",
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_covers_what_must_not_be_read(text: str, secret: str) -> None:
    """A secret is covered wherever it stands in a text, and the rest says that something was there."""
    assert secret in text
    clean = redact(text)
    assert secret not in clean
    assert REDACTED in clean


@pytest.mark.parametrize("text", READABLE)
def test_leaves_what_people_need(text: str) -> None:
    """Hashes, node addresses, paths and LND's own sentences stay as they are."""
    assert redact(text) == text


@given(st.text(max_size=300))
def test_covering_twice_changes_nothing(text: str) -> None:
    """A text that was covered once is safe to cover again, whatever it holds."""
    once = redact(text)
    assert redact(once) == once


@given(st.sampled_from([case.values for case in SECRETS]), st.text(max_size=30), st.text(max_size=30))
def test_covers_inside_other_text(case: tuple[str, str], before: str, after: str) -> None:
    """Lines around a secret don't uncover it."""
    text, secret = case
    assert secret not in redact(f"{before}\n{text}\n{after}")


def test_huge_text_is_cut() -> None:
    """An answer of megabytes becomes a text of bearable length that says how much is missing."""
    clean = redact("a b" * 1_000_000)
    assert len(clean) < 21_000
    assert clean.endswith("more characters]")


def test_hostile_text_costs_little() -> None:
    """Texts made to slow patterns down come back (the suite's time limit is the judge)."""
    for text in (
        "http://" * 3_000,
        "a=" * 10_000,
        "aaaa " * 4_000,
        "\\" * 20_000,
        "password='" + "\\'" * 9_000,
        "a@" * 9_000,
    ):
        assert redact(text)


def test_control_characters_don_t_reach_a_terminal() -> None:
    """An alias can't move the cursor or paint the operator's screen."""
    assert redact("a\x1b[2Jb\x07\tc\nd") == "a\ufffd[2Jb\ufffd\tc\nd"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("macaroon", True),
        ("r_preimage", True),
        ("rPreimage", True),
        ("paymentPreimage", True),
        ("Grpc-Metadata-Macaroon", True),
        ("APIKey", True),
        ("api_key", True),
        ("x-api-key", True),
        ("rpcpassword", True),
        ("site.main.lnd.ln1.macaroon", True),
        ("client_secret", True),
        ("payment_addr", True),
        ("rune", True),
        ("macaroon_file", False),
        ("payment_hash", False),
        ("preimage_hash", False),
        ("txid", False),
        ("pruned", False),
        ("prune", False),
        ("token_type", False),
        ("key", False),
        ("", False),
    ],
)
def test_names(name: str, *, secret: bool) -> None:
    """Names of secrets are known in every spelling; names of what is only about one are not taken for them."""
    assert secret_name(name) is secret


def test_values_at_any_depth() -> None:
    """Nested values are covered by name and by form; what is no secret keeps its type."""
    value = {
        "payment_hash": TXID,
        "invoices": [{"r_preimage": TXID, "request": INVOICE, "amount": 12, "settled": True}],
        "raw": secrets.MACAROON,
        "headers": ({"Authorization": f"Bearer {secrets.TOKEN}"},),
        "password": 12345678,
        "token": None,
        "error": ValueError(f"rejected {MACAROON_HEX}"),
    }
    assert scrub(value) == {
        "payment_hash": TXID,
        "invoices": [{"r_preimage": REDACTED, "request": REDACTED, "amount": 12, "settled": True}],
        "raw": f"[{len(secrets.MACAROON)} bytes]",
        "headers": [{"Authorization": REDACTED}],
        "password": REDACTED,
        "token": None,
        "error": f"ValueError('rejected {REDACTED}')",
    }


def test_endless_values_end() -> None:
    """A value that holds itself is cut off instead of followed for ever."""
    value: list[object] = []
    value.append(value)
    assert json.dumps(scrub(value)).count("[") < 20

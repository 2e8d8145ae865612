"""A plugin that reads every log line and every error text of the suite and fails the test that lets a secret out.

Load it with `pytest_plugins = ["tests.secrets"]`. Test beds and doubles use the secrets below, or plant
their own with `plant`.
"""

import base64
import io
import logging
from collections.abc import Generator, Iterator
from typing import TextIO, cast

import pytest
import structlog

from lnwatch import log
from lnwatch.errors import LnwatchError

MACAROON = bytes.fromhex("0201036c6e640258030a10f1c3" + "a7" * 60 + "00000620" + "5e" * 32)
COOKIE = "__cookie__:6c1b7d1be0d5f49c1f3f0c6fd8a4a6b0c9ad2dd9c44a3f1fbb4f5f2f0e6f9a11"
RPC_PASSWORD = "planted-rpc-password-Zr7"
TOKEN = "planted-web-token-q8WmX2"
WEB_PASSWORD = "planted-web-password-9sK"
RUNE = "u7XyQw-tY3vB0kPq1mZc5RdN8sLhJf2aGe4iUo6Tb9w="
PREIMAGE = "9f" * 31 + "4c"
PAYMENT_REQUEST = (
    "lnbcrt250u1p5planteddqqxqyjw5qcqp2sp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs"
    "9qyyssqrf3uw6tzwhl0c0zwm9nqqz2n8vjkkg0vjx5vvfvq7d3n6x5jt8qm6l3c8l5y9v4e5yqsd0l9v8l6t"
)
EMAIL = "planted.customer@shop.example"

_planted: dict[str, str] = {}


def plant(secret: str | bytes) -> None:
    """Watch for one more secret: as text, in hex and in base64."""
    raw = secret.encode() if isinstance(secret, str) else secret
    forms = [raw.hex(), base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()]
    for form in [*forms, secret] if isinstance(secret, str) else forms:
        if len(form) < 8:
            raise ValueError("too short to be told from other text")
        _planted[form.lower()] = form


def leaked(text: str) -> list[str]:
    """The planted secrets that stand in `text`."""
    lowered = text.lower()
    return [form for key, form in _planted.items() if key in lowered]


for _secret in (MACAROON, COOKIE, RPC_PASSWORD, TOKEN, WEB_PASSWORD, RUNE, PREIMAGE, PAYMENT_REQUEST, EMAIL):
    plant(_secret)
plant(bytes.fromhex(PREIMAGE))


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


class _Listener(logging.Handler):
    """Keeps every line as the daemon would have written it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(log.formatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


_LISTENER = _Listener()
_ERRORS: list[str] = []


def _listen_to_errors() -> None:
    """Every error of ours is heard when it is made, also where a test expects and swallows it."""
    plain = LnwatchError.__init__

    def heard(self: LnwatchError, *arguments: object) -> None:
        plain(self, *arguments)
        _ERRORS.append(str(self))

    LnwatchError.__init__ = heard  # type: ignore[method-assign, assignment]  # the one place where all of them pass


def pytest_configure(config: pytest.Config) -> None:
    """Listen to errors."""
    _listen_to_errors()


@pytest.fixture(autouse=True)
def no_secret_gets_out() -> Iterator[None]:
    """Set logging up as the daemon does, and fail the test in which a planted secret reached a log line or an error."""
    log.configure(log.LogSettings(level="debug", format="json"), stream=cast("TextIO", _Nowhere()))
    root = logging.getLogger()
    _LISTENER.lines.clear()
    _ERRORS.clear()
    root.addHandler(_LISTENER)
    yield
    root.removeHandler(_LISTENER)
    structlog.contextvars.clear_contextvars()
    told = [text for text in (*_LISTENER.lines, *_ERRORS) if leaked(text)]
    assert not told, f"a planted secret got out: {[(leaked(text), log.redact(text)[:200]) for text in told]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nor may it stand in what a test printed."""
    report = yield
    printed = f"{report.capstdout}{report.capstderr}"
    if report.when == "teardown" and leaked(printed):  # by then all of the test's output is there
        report.outcome = "failed"
        report.longrepr = f"a planted secret was printed: {leaked(printed)}"
    return report

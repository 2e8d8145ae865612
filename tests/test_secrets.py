"""The plugin that listens to the suite catches what it is for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import secrets

BODIES = {
    "structlog.get_logger().info('fine', txid='ab' * 32)": "PASSED",
    "structlog.get_logger().info('covered', macaroon=secrets.MACAROON.hex())": "PASSED",
    "structlog.get_logger().info('told', note=secrets.RUNE)": "ERROR",
    "logging.getLogger('library').warning('told %s', secrets.TOKEN)": "ERROR",
    "SourceError(FailureReason.FAILED, f'it said {secrets.RPC_PASSWORD}')": "ERROR",
    "ConfigError(ConfigProblem('web.token', secrets.TOKEN, 'no'))": "ERROR",
    "print(secrets.WEB_PASSWORD)": "ERROR",
    "print(secrets.MACAROON.hex())": "ERROR",
    "secrets.plant('one-of-our-own'); LnwatchError('one-of-our-own')": "ERROR",
}


def test_a_leak_fails_its_test(tmp_path: Path) -> None:
    """A planted secret in a line, an error or the output fails the test that let it out, and no other."""
    tests = [f"def test_{index}():\n    {body}\n" for index, body in enumerate(BODIES)]
    imports = [
        "import logging",
        "import structlog",
        "from lnwatch.errors import ConfigError, ConfigProblem, FailureReason, LnwatchError, SourceError",
        "from tests import secrets",
    ]
    (tmp_path / "test_it.py").write_text("\n".join([*imports, *tests]))
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "tests.secrets", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    told = dict(re.findall(r"::test_(\d+) (PASSED|FAILED|ERROR)", done.stdout))  # the last word counts
    assert {body: told.get(str(index)) for index, body in enumerate(BODIES)} == BODIES


def test_every_form_of_a_secret_is_known() -> None:
    """Text is known as such, in hex and in base64, in either case."""
    assert secrets.leaked(secrets.TOKEN.upper())
    assert secrets.leaked(secrets.TOKEN.encode().hex())
    assert secrets.leaked(secrets.MACAROON.hex().upper())
    assert not secrets.leaked("nothing")


def test_what_is_too_short_can_t_be_planted() -> None:
    """A secret that stands in other text by chance would fail the wrong test."""
    with pytest.raises(ValueError, match="too short"):
        secrets.plant("abc")

"""One pipeline for our lines and those of libraries, without secrets."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from lnwatch import log
from lnwatch.errors import FailureReason, SourceError
from tests import secrets


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the daemon would write; logging is put back afterwards."""
    hook, root = sys.excepthook, logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    yield written
    sys.excepthook = hook
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def fail(error: Exception) -> None:
    raise error


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json_where_nobody_looks_on(stream: io.StringIO) -> None:
    """Off a terminal each event is one JSON object with time in UTC, level, event and its values."""
    log.configure(stream=stream)
    structlog.get_logger("lnwatch.engine").info("target state", source="ln1", state="up")
    (line,) = lines(stream)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "level": "info",
        "event": "target state",
        "source": "ln1",
        "state": "up",
        "logger": "lnwatch.engine",
    }


def test_plain_lines_for_people(stream: io.StringIO) -> None:
    """Asked for, lines are for people, with the traceback and still without secrets."""
    log.configure(log.LogSettings(format="console"), stream=stream)
    try:
        fail(ValueError(f"password={secrets.WEB_PASSWORD}"))
    except ValueError:
        structlog.get_logger().exception("collector broke", macaroon=secrets.MACAROON.hex())
    told = stream.getvalue()
    assert "collector broke" in told
    assert "Traceback" in told
    assert not secrets.leaked(told)


def test_level(stream: io.StringIO) -> None:
    """What is below the configured level is not written."""
    log.configure(log.LogSettings(level="warning"), stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("some.library").info("quiet")
    structlog.get_logger().warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_libraries_take_the_same_way(stream: io.StringIO) -> None:
    """A library's record becomes the same kind of line, its arguments and its traceback covered."""
    log.configure(stream=stream)
    try:
        fail(RuntimeError(f"GET http://u:{secrets.RPC_PASSWORD}@127.0.0.1/"))
    except RuntimeError:
        logging.getLogger("some.library").exception("failed with %s", f"rune={secrets.RUNE}")
    (line,) = lines(stream)
    assert line["event"] == f"failed with rune={log.redact('rune=x')[5:]}"
    assert line["logger"] == "some.library"
    assert "RuntimeError" in str(line["exception"])
    assert not secrets.leaked(stream.getvalue())


def test_chatty_libraries_are_quiet(stream: io.StringIO) -> None:
    """Libraries that tell of every request are heard from warnings on, whatever our own level is."""
    log.configure(log.LogSettings(level="debug"), stream=stream)
    for name in ("httpx", "uvicorn.error", "alembic.runtime.migration", "sqlalchemy.engine"):
        logging.getLogger(name).info("HTTP Request: GET")
        logging.getLogger(name).warning("trouble")
    logging.getLogger("uvicorn.access").warning("GET / 200")
    assert [line["event"] for line in lines(stream)] == ["trouble"] * 4


def test_warnings_are_lines(stream: io.StringIO) -> None:
    """A Python warning does not bypass the pipeline."""
    log.configure(stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"token={secrets.TOKEN}", UserWarning, stacklevel=1)
    assert [line["level"] for line in lines(stream)] == ["warning"]
    assert not secrets.leaked(stream.getvalue())


def test_no_secret_in_any_field(stream: io.StringIO) -> None:
    """Every planted secret is covered in names, values, nested values, bytes and errors."""
    log.configure(stream=stream)
    error = SourceError(FailureReason.REJECTED, "the macaroon is not known")
    structlog.get_logger().warning(
        f"paid {secrets.PAYMENT_REQUEST}",
        url=f"http://{secrets.COOKIE}@127.0.0.1:8332",
        nested=[{"r_preimage": secrets.PREIMAGE}, (secrets.MACAROON, {"mail": secrets.EMAIL})],
        rune=secrets.RUNE,
        error=error,
    )
    (line,) = lines(stream)
    assert not secrets.leaked(stream.getvalue())
    assert "the macaroon is not known" in str(line["error"])


def test_crash_is_a_line(stream: io.StringIO) -> None:
    """What ends the process is logged through the pipeline, without the secret in its text."""
    log.configure(stream=stream)
    try:
        fail(ValueError(f"token={secrets.TOKEN}"))
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = lines(stream)
    assert line["event"] == "crashed"
    assert line["level"] == "critical"
    assert not secrets.leaked(stream.getvalue())


def test_configuring_twice_writes_once(stream: io.StringIO) -> None:
    """A second call replaces the first."""
    log.configure(stream=stream)
    log.configure(stream=stream)
    structlog.get_logger().info("once")
    assert len(lines(stream)) == 1

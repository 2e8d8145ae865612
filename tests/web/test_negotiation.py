"""What a reader accepts decides format and coding."""

import pytest
from starlette.datastructures import Headers

from lnwatch.web.negotiation import wants_gzip, wants_json, wants_openmetrics

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (None, False),
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,*/*;q=0.8", False),
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"', True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;q=0", False),
        ("text/plain,application/openmetrics-text;q=0.5", False),
        ("application/openmetrics-text;q=abc", False),
        (";;,,=;q", False),
    ],
)
def test_format(accept: str | None, *, openmetrics: bool) -> None:
    """OpenMetrics for those who ask for its version 1 and like it no less; text for all others."""
    assert wants_openmetrics(Headers({"accept": accept} if accept is not None else {})) is openmetrics


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        (None, False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/json, text/plain, */*", True),
        ("application/json;q=0.5, text/html", False),
        ("application/json;q=0", False),
        ("text/html;q=0.5, Application/JSON", True),
    ],
)
def test_json(accept: str | None, *, json: bool) -> None:
    """JSON for those who ask for it by name; a page for browsers and for those who take anything."""
    assert wants_json(Headers({"accept": accept} if accept is not None else {})) is json


@pytest.mark.parametrize(
    ("accept", "packed"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=1.0.0", False),
    ],
)
def test_coding(accept: str | None, *, packed: bool) -> None:
    """Compressed only for those who can read it."""
    assert wants_gzip(Headers({"accept-encoding": accept} if accept is not None else {})) is packed

"""Expositions, health and headers."""

from dataclasses import replace
from email.utils import formatdate

import pytest

from lnwatch.model.assessment import LedgerHealth
from tests import assessments as build
from tests.web.stage import Stage


@pytest.mark.parametrize("path", ["/metrics", "/metrics/channels"])
@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ],
)
async def test_expositions(path: str, accept: str, kind: str) -> None:
    """The format is the one that the reader prefers, and named."""
    answer = await Stage().get(path, Accept=accept)
    noun = "channels" if path.endswith("channels") else "metrics"
    assert answer.text == f"{noun} {'openmetrics' if 'openmetrics' in kind else 'text'}"
    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert "content-encoding" not in answer.headers


async def test_compressed_expositions() -> None:
    """Compressed where asked: `/metrics` on the spot, channels as they were prepared."""
    stage = Stage()
    answer = await stage.get("/metrics", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "metrics text"
    answer = await stage.get("/metrics/channels", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == "channels text packed"


async def test_healthy_while_cycles_come() -> None:
    """Fine up to a minute after the last cycle, then not, with how long it has been."""
    stage = Stage()
    await stage.clock.advance(60)
    answer = await stage.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    await stage.clock.advance(1)
    answer = await stage.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "the last cycle was 61 s ago\n")
    assert (await stage.get("/healthz", method="HEAD")).status_code == 503


async def test_healthy_while_the_first_cycle_is_awaited() -> None:
    """A start has a minute for its first cycle."""
    stage = Stage(lambda: None)
    assert (await stage.get("/healthz")).status_code == 200
    await stage.clock.advance(61)
    answer = await stage.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "no first cycle after 61 s\n")


async def test_ready() -> None:
    """Ready when each condition holds; each is named."""
    answer = await Stage().get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "ready": True,
        "conditions": [
            {"name": "configuration", "ok": True, "detail": ""},
            {"name": "ledger", "ok": True, "detail": ""},
            {"name": "first_cycle", "ok": True, "detail": ""},
            {"name": "loop", "ok": True, "detail": ""},
        ],
    }


async def test_not_ready_before_the_first_cycle() -> None:
    """Until something was assessed, nothing is known of the ledger either."""
    answer = await Stage(lambda: None).get("/readyz")
    assert answer.status_code == 503
    assert [one["name"] for one in answer.json()["conditions"] if not one["ok"]] == ["ledger", "first_cycle"]


async def test_not_ready_without_its_ledger() -> None:
    """A ledger that can't be written fails readiness with the reason, not health."""
    trouble = LedgerHealth(writable=False, trouble="disk full at postgresql://u:hunter2@db/x", backend="postgresql")
    stage = Stage(lambda: replace(build.merchant(), ledger=trouble))
    answer = await stage.get("/readyz")
    assert answer.status_code == 503
    (failed,) = [one for one in answer.json()["conditions"] if not one["ok"]]
    assert failed == {"name": "ledger", "ok": False, "detail": "disk full at postgresql://[redacted]@db/x"}
    assert (await stage.get("/healthz")).status_code == 200


async def test_not_ready_when_stuck() -> None:
    """An engine that stands still fails readiness too."""
    stage = Stage()
    await stage.clock.advance(61)
    assert (await stage.get("/readyz")).status_code == 503


@pytest.mark.parametrize("path", ["/", "/metrics", "/healthz", "/static/style.css", "/nothing"])
async def test_standing_headers(path: str) -> None:
    """Every answer forbids scripts, framing, sniffing and, but for static files, keeping; and it is dated."""
    answer = await Stage().get(path)
    assert "script-src 'none'" in answer.headers["content-security-policy"]
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert answer.headers["date"] == formatdate(build.NOW, usegmt=True)


async def test_static_files_are_sent_once() -> None:
    """A style sheet that the browser has already is not sent again."""
    stage = Stage()
    first = await stage.get("/static/style.css")
    assert first.headers["content-type"].startswith("text/css")
    again = await stage.get("/static/style.css", If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/static/../app.py", "/static/%2e%2e/app.py"])
async def test_nothing_else_is_served(path: str) -> None:
    """The framework's own pages, which need other sites, are off; files outside the folder are out of reach."""
    assert (await Stage().get(path)).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_nothing_can_be_changed(method: str) -> None:
    """Every route only reads."""
    for path in ("/", "/metrics", "/metrics/channels", "/readyz"):
        assert (await Stage().get(path, method=method)).status_code == 405

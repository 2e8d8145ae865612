"""An application over a hand-built assessment, asked without a network."""

import zlib
from collections.abc import Callable

import httpx
from prometheus_client import CollectorRegistry

from lnwatch.model.assessment import Assessment
from lnwatch.web.app import create_app
from lnwatch.web.context import Archive
from lnwatch.web.settings import WebSettings
from tests import assessments as build
from tests.manual_clock import ManualClock
from tests.web.casebook import Shelf


class Canned:
    """An exposition that tells what it was asked for."""

    def metrics(self, *, openmetrics: bool) -> bytes:
        return b"metrics " + (b"openmetrics" if openmetrics else b"text")

    def channels(self, *, openmetrics: bool, gzip: bool) -> bytes:
        body = b"channels " + (b"openmetrics" if openmetrics else b"text")
        return zlib.compress(body + b" packed", wbits=31) if gzip else body


class Stage:
    """What a test needs of a running application."""

    def __init__(
        self,
        current: Callable[[], Assessment | None] = build.merchant,
        settings: WebSettings | None = None,
        archive: Archive | None = None,
    ) -> None:
        self.clock = ManualClock(build.NOW)
        self.registry = CollectorRegistry()
        told = (settings or WebSettings(), Canned(), current, archive or Shelf(), self.clock, self.registry)
        self.app = create_app(*told)

    async def get(self, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
        """Ask as a browser on this machine would; header names with `_` for `-`."""
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8735") as client:
            sent = {"Accept-Encoding": "", **{name.replace("_", "-"): value for name, value in headers.items()}}
            return await client.request(method, path, headers=sent)

    def refused(self, reason: str) -> float | None:
        """How many requests were turned away for that reason."""
        return self.registry.get_sample_value("lnwatch_web_refused_requests_total", {"reason": reason})

"""`/metrics` and `/metrics/channels`: what Prometheus scrapes."""

import gzip

from fastapi import APIRouter, Request
from starlette.responses import Response

from lnwatch.web.context import Context
from lnwatch.web.negotiation import wants_gzip, wants_openmetrics

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def routes(context: Context) -> APIRouter:
    """Both expositions, in the format and the coding that the reader prefers."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        openmetrics, packed = wants_openmetrics(request.headers), wants_gzip(request.headers)
        body = context.exposition.metrics(openmetrics=openmetrics)
        return _answer(gzip.compress(body, 1, mtime=0) if packed else body, openmetrics=openmetrics, packed=packed)

    @router.get("/metrics/channels")
    async def channels(request: Request) -> Response:
        openmetrics, packed = wants_openmetrics(request.headers), wants_gzip(request.headers)
        body = context.exposition.channels(openmetrics=openmetrics, gzip=packed)
        return _answer(body, openmetrics=openmetrics, packed=packed)

    return router


def _answer(body: bytes, *, openmetrics: bool, packed: bool) -> Response:
    headers = {
        "Content-Type": OPENMETRICS_TYPE if openmetrics else TEXT_TYPE,
        "Vary": "Accept, Accept-Encoding",
        **({"Content-Encoding": "gzip"} if packed else {}),
    }
    return Response(body, headers=headers)

"""`/coverage`: which rules can fire here, and what the others lack."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from starlette.responses import Response

from lnwatch.redaction import scrub
from lnwatch.web.context import Context
from lnwatch.web.pages.coverage import coverage_page
from lnwatch.web.rendering import negotiated


def routes(context: Context) -> APIRouter:
    """The page, as HTML or JSON."""
    router = APIRouter()

    @router.get("/coverage")
    async def coverage(request: Request) -> Response:
        current = context.current()
        rows = current.coverage if current is not None else ()
        return await negotiated(
            request,
            "coverage.html",
            lambda: coverage_page(rows),
            lambda: {"coverage": [scrub(asdict(row)) for row in rows]},
        )

    return router

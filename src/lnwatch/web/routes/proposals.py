"""`/proposals`: what lnwatch would do, and may; to be read only, for a yes is given on the command line."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from lnwatch.domain.documents import standing_document
from lnwatch.model.action import NOTHING_STANDS
from lnwatch.redaction import scrub
from lnwatch.web.context import Context
from lnwatch.web.pages.proposals import proposals_page
from lnwatch.web.rendering import negotiated


def routes(context: Context) -> APIRouter:
    """The page, as HTML or, as `lnwatch proposals --json` prints it, as JSON."""
    router = APIRouter()

    @router.get("/proposals")
    async def proposals(request: Request) -> Response:
        current, now = context.current(), context.clock.now()
        stands = current.acting if current is not None else NOTHING_STANDS
        return await negotiated(
            request,
            "proposals.html",
            lambda: proposals_page(current, now),
            lambda: scrub(standing_document(stands)),
        )

    return router

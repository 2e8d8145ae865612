"""`/`: the status page."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from lnwatch.web.context import Context
from lnwatch.web.pages.status import status_page
from lnwatch.web.rendering import render
from lnwatch.web.routes.health import loop_trouble


def routes(context: Context) -> APIRouter:
    """The page, which asks for itself again every few seconds; `?collectors=all` keeps the tables open.

    As no coroutine it is made in a thread: many cases and sources take longer than the loop may stand still.
    """
    router = APIRouter()

    @router.get("/")
    def status(request: Request, collectors: str = "") -> HTMLResponse:
        page = status_page(context.current(), context.clock.now(), loop_trouble(context))
        return render(request, "status.html", {"page": page, "everything": collectors == "all"})

    return router

"""`/`: the status page."""

from pathlib import Path

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from lnwatch import __version__
from lnwatch.web.context import Context
from lnwatch.web.pages.status import status_page
from lnwatch.web.routes.health import loop_trouble

REFRESH = 15  # seconds


def templates() -> Environment:
    """Every value is escaped; a name that a page lacks is an error."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def routes(context: Context) -> APIRouter:
    """The page, which asks for itself again every few seconds; `?collectors=all` keeps the tables open."""
    router = APIRouter()
    template = templates().get_template("status.html")

    @router.get("/")
    async def status(collectors: str = "") -> HTMLResponse:
        page = status_page(context.current(), context.clock.now(), loop_trouble(context))
        values = {"page": page, "version": __version__, "refresh": REFRESH, "everything": collectors == "all"}
        return HTMLResponse(template.render(values))

    return router

"""Pages as HTML: every value is escaped, and every link is relative to the page, so that any proxy may stand before."""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, JSONResponse, Response

from lnwatch import __version__
from lnwatch.model.message import case_url, runbook_url
from lnwatch.web.negotiation import wants_json

REFRESH = 15  # seconds
_VARY = {"Vary": "Accept"}


def render(request: Request, name: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """The template `name` with these values; a name that it lacks is an error."""
    template = _environment().get_template(name)
    return HTMLResponse(template.render(root=_root(request), **values), status)


async def negotiated(
    request: Request, name: str, page: Callable[[], object], data: Callable[[], object], status: int = 200
) -> Response:
    """The page, or `data` for programs that ask for JSON; made in a thread, for hundreds of cases take long."""

    def answer() -> Response:
        if wants_json(request.headers):
            return JSONResponse(data(), status, _VARY)
        made = render(request, name, {"page": page()}, status)
        made.headers.update(_VARY)
        return made

    return await asyncio.to_thread(answer)


def _root(request: Request) -> str:
    """The way from a page back to `/`: by the path as it was asked for, in which a quoted slash is none."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return "/".join([".."] * (path.count(b"/") - 1)) or "."


def _coded(text: str) -> Markup:
    """What stands between backticks as code; everything is escaped first."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it was escaped


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["coded"] = _coded
    environment.globals |= {
        "version": __version__,
        "refresh": REFRESH,
        "case_url": case_url,
        "runbook_url": runbook_url,
    }
    return environment

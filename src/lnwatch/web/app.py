"""Puts the routes together, with the guard and the headers in front of all of them."""

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.staticfiles import StaticFiles

from lnwatch.clock import Clock
from lnwatch.model.assessment import Assessment
from lnwatch.web.context import Archive, Context, Exposition
from lnwatch.web.guard import Guard, refusal_counter
from lnwatch.web.headers import StandingHeaders
from lnwatch.web.hooks import HookDesk
from lnwatch.web.routes import cases, coverage, health, metrics, proposals, runbooks, status
from lnwatch.web.routes.hooks import HookDoor
from lnwatch.web.settings import WebSettings

_STATIC = Path(__file__).parent / "static"


def create_app(  # noqa: PLR0913, PLR0917 - what the pages show, each from whoever has it
    settings: WebSettings,
    exposition: Exposition,
    current: Callable[[], Assessment | None],
    archive: Archive,
    clock: Clock,
    registry: CollectorRegistry,
    desk: HookDesk | None = None,
) -> FastAPI:
    """The application: it reads the newest Assessment, and waits for nothing but the archive of cases.

    `registry` takes up what the web room counts of itself; `desk` takes what is told at the hooks.
    """
    context = Context(settings, exposition, current, archive, clock, clock.monotonic())
    # FastAPI's own pages load scripts from elsewhere.
    app = FastAPI(title="lnwatch", openapi_url=None, docs_url=None, redoc_url=None)
    for noun in (metrics, health, status, cases, proposals, coverage, runbooks):
        app.include_router(noun.routes(context))
    app.mount("/static", StaticFiles(directory=_STATIC))
    if desk is not None:
        app.add_middleware(HookDoor, desk=desk)
    app.add_middleware(Guard, settings=settings, refused=refusal_counter(registry))
    app.add_middleware(StandingHeaders, clock=clock)
    return app

"""`/runbooks/`: what to do about each rule, with the cases of that rule that are open now."""

from collections import Counter

from fastapi import APIRouter, Request
from starlette.responses import Response

from lnwatch.web.context import Context
from lnwatch.web.pages.cases import groups, living
from lnwatch.web.rendering import render
from lnwatch.web.runbooks import as_html, runbooks


def routes(context: Context) -> APIRouter:
    """The list, and each runbook; a rule that has none is answered with the list."""
    router = APIRouter()

    @router.get("/runbooks")
    @router.get("/runbooks/{rule:path}")
    def runbook(request: Request, rule: str = "") -> Response:
        found = runbooks().get(rule)
        if found is None:
            return _listed(context, request, unknown=rule)
        current = context.current()
        cases = [one for one in living(current) if one.case.fingerprint.rule == rule] if current is not None else []
        values = {"runbook": found, "body": as_html(found), "groups": groups(cases, context.clock.now())}
        return render(request, "runbook.html", values)

    return router


def _listed(context: Context, request: Request, unknown: str) -> Response:
    current = context.current()
    cases = living(current) if current is not None else []
    values = {
        "runbooks": tuple(runbooks().values()),
        "unknown": unknown,
        "open": Counter(one.case.fingerprint.rule for one in cases),
    }
    return render(request, "runbooks.html", values, 404 if unknown else 200)

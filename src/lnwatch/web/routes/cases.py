"""`/cases` lists what is wrong and what lately was; below it each case has a page of its own."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from lnwatch.errors import LedgerError
from lnwatch.model.assessment import Assessment
from lnwatch.model.case import Case, Fingerprint
from lnwatch.redaction import redact
from lnwatch.store import CaseRecord
from lnwatch.web.context import Context
from lnwatch.web.pages.case import case_page
from lnwatch.web.pages.cases import ENDED, Wanted, cases_page, ended
from lnwatch.web.pages.documents import listed, told
from lnwatch.web.rendering import negotiated

LATELY = 7 * 86_400.0  # seconds


def routes(context: Context) -> APIRouter:
    """Both pages, as HTML or JSON."""
    router = APIRouter()
    base = context.settings.link_base

    @router.get("/cases")
    async def cases(request: Request, site: str = "", rule: str = "", owner: str = "", severity: str = "") -> Response:
        wanted = Wanted(site, rule, owner, severity)
        current, now = context.current(), context.clock.now()
        over, trouble = await _over(context, current, now)
        return await negotiated(
            request,
            "cases.html",
            lambda: cases_page(current, over, wanted, now, trouble),
            lambda: listed(current, over, wanted, base),
        )

    @router.get("/cases/{site}/{rule}/{subject:path}")
    async def case(request: Request, site: str, rule: str, subject: str) -> Response:
        fingerprint = Fingerprint(site, rule, subject)
        current = context.current()
        standing = current.cases.get(fingerprint) if current is not None else None
        record, trouble = await _record(context, fingerprint)
        if record is None and standing is None:
            said = trouble or "No case of that name is known."
            status = 503 if trouble else 404
            return await negotiated(request, "missing.html", lambda: said, lambda: {"error": said}, status)
        now = context.clock.now()
        return await negotiated(
            request,
            "case.html",
            lambda: case_page(fingerprint, record, standing, now, trouble),
            lambda: told(fingerprint, record, standing, base),
        )

    return router


async def _over(context: Context, current: Assessment | None, now: float) -> tuple[list[Case], str]:
    """What ended lately, the newest first; where the ledger can't tell, what the assessment still has, and why."""
    try:
        known, trouble = await context.archive.cases_between(now - LATELY, now), ""
    except LedgerError as error:
        known = tuple(ended(current)) if current is not None else ()
        trouble = f"What ended earlier can't be read from the ledger: {redact(error.message)}"
    over = [case for case in known if case.state in ENDED]
    return sorted(over, key=lambda case: case.ended_at or 0.0, reverse=True), trouble


async def _record(context: Context, fingerprint: Fingerprint) -> tuple[CaseRecord | None, str]:
    try:
        return await context.archive.case(fingerprint), ""
    except LedgerError as error:
        return None, f"The timeline can't be read from the ledger: {redact(error.message)}"

"""`/healthz` tells whether the process works, `/readyz` whether it does what it is for."""

from dataclasses import asdict, dataclass

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lnwatch.model.assessment import Assessment
from lnwatch.redaction import redact
from lnwatch.web.context import Context

# The engine publishes every few seconds, whatever happens to its sources and its ledger.
STUCK_AFTER = 60.0


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold; `detail` says why it does not."""

    name: str
    ok: bool
    detail: str = ""


def routes(context: Context) -> APIRouter:
    """Both checks; no credential is needed for the first."""
    router = APIRouter()

    @router.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> Response:
        stuck = loop_trouble(context)
        return PlainTextResponse(f"{stuck or 'ok'}\n", 503 if stuck else 200)

    @router.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> Response:
        found = conditions(context)
        ready = all(condition.ok for condition in found)
        body = {"ready": ready, "conditions": [asdict(condition) for condition in found]}
        return JSONResponse(body, 200 if ready else 503)

    return router


def loop_trouble(context: Context) -> str:
    """Since when nothing was assessed, where that is too long; empty while all is well."""
    current = context.current()
    if current is None:
        waited = context.clock.monotonic() - context.started
        return f"no first cycle after {waited:.0f} s" if waited > STUCK_AFTER else ""
    silence = context.clock.now() - current.at
    return f"the last cycle was {silence:.0f} s ago" if silence > STUCK_AFTER else ""


def conditions(context: Context) -> list[Condition]:
    """What must hold for lnwatch to be of use."""
    current = context.current()
    stuck = loop_trouble(context)
    return [
        Condition("configuration", ok=True),  # what can't be read ends the start before anybody can ask
        _ledger(current),
        Condition("first_cycle", current is not None, "" if current is not None else "not done yet"),
        Condition("loop", not stuck, stuck),
    ]


def _ledger(current: Assessment | None) -> Condition:
    if current is None:
        return Condition("ledger", ok=False, detail="not known before the first cycle")
    health = current.ledger
    return Condition("ledger", health.writable, "" if health.writable else redact(health.trouble))

"""`POST /hooks/btcpay/{site}/{name}`: where a BTCPay Server tells what happened."""

import asyncio

from fastapi import APIRouter, Request
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from lnwatch.web.hooks import MOST_BYTES, SIGNATURE, HookDesk, Result

_PATIENCE = 10.0  # seconds for a body
_THROWN_AWAY = 8 * MOST_BYTES  # bytes that are still read of a body that is too large, so that its sender hears why

# BTCPay tries again, for an hour, what is answered with 5xx; everything else is final for it.
_ANSWERS = {
    Result.ACCEPTED: (200, "stored"),
    Result.DUPLICATE: (200, "known already"),
    Result.UNKNOWN_TYPE: (200, "stored"),
    Result.BAD_SIGNATURE: (401, "the signature is not one of this webhook's secret"),
    Result.TOO_LARGE: (413, "a body has at most 1 MiB"),
    Result.MALFORMED: (400, "this is no webhook of BTCPay Server"),
    Result.FOREIGN_STORE: (404, "lnwatch does not watch this store"),
    Result.NO_SECRET: (503, "lnwatch can't read the secret of this webhook; its log says why"),
    Result.NOT_STORED: (503, "lnwatch can't store anything just now"),
}


def routes(desk: HookDesk) -> APIRouter:
    """One for each BTCPay Server; no login, for the signature proves who tells."""
    router = APIRouter()

    @router.post("/hooks/btcpay/{site}/{name}")
    async def btcpay(site: str, name: str, request: Request) -> Response:
        hook = desk.hooks.get((site, name))
        if hook is None:
            return PlainTextResponse("There is no such hook.\n", 404)
        signatures = request.headers.getlist(SIGNATURE)
        try:
            async with asyncio.timeout(_PATIENCE):
                body = await _body(request)
        except TimeoutError:
            return PlainTextResponse("The body did not come.\n", 408)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        status, words = _ANSWERS[await desk.take(hook, signatures[0] if len(signatures) == 1 else "", body)]
        return PlainTextResponse(f"{words}\n", status)

    return router


async def _body(request: Request) -> bytes | None:
    """The body as it was sent; None where it is too large."""
    body, rest = bytearray(), 0
    async for chunk in request.stream():
        if len(body) + len(chunk) <= MOST_BYTES and not rest:
            body += chunk
            continue
        rest += len(chunk)
        if rest > _THROWN_AWAY:
            break
    return None if rest else bytes(body)

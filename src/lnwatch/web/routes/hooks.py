"""`POST /hooks/btcpay/{site}/{name}`: where a BTCPay Server tells what happened."""

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lnwatch.web.hooks import MOST_BYTES, SIGNATURE, Hook, HookDesk, Result

_PLACE = "/hooks/btcpay/"
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


class HookDoor:
    """ASGI middleware: one address for each BTCPay Server, without a login, for the signature proves who tells.

    It stands in front of the router, which takes longer to find a route than all the rest takes for a webhook.
    """

    def __init__(self, app: ASGIApp, desk: HookDesk) -> None:
        self._app = app
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take what is for a hook, and pass the rest on."""
        names = scope["path"].removeprefix(_PLACE).split("/") if scope["type"] == "http" else []
        if len(names) != 2 or not scope["path"].startswith(_PLACE):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(self._desk.hooks.get((names[0], names[1])), Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, hook: Hook | None, request: Request) -> Response:
        if request.method != "POST":
            return PlainTextResponse("Webhooks are posted.\n", 405, {"Allow": "POST"})
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
        status, words = _ANSWERS[await self._desk.take(hook, signatures[0] if len(signatures) == 1 else "", body)]
        return PlainTextResponse(f"{words}\n", status)


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

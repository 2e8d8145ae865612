"""Headers that keep a browser from running, framing or remembering what it should not, and the date."""

from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lnwatch.clock import Clock

_ALWAYS = {
    b"content-security-policy": (
        b"default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; "
        b"frame-ancestors 'none'"
    ),
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
}


class StandingHeaders:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to whatever answers."""

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = dict(message["headers"])
                # What bears a tag is kept and asked for again each time; the rest is not kept at all.
                keep = b"no-cache" if b"etag" in given else b"no-store"
                date = formatdate(self._clock.now(), usegmt=True).encode()
                usual = {**_ALWAYS, b"cache-control": keep, b"date": date}
                message["headers"] = [*message["headers"], *(each for each in usual.items() if each[0] not in given)]
            await send(message)

        await self._app(scope, receive, guarded if scope["type"] == "http" else send)

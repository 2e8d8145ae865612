"""Lets in who may read, and no other; in front of everything but the health check and the signed hooks."""

import base64
import binascii
import hashlib
import hmac
from enum import StrEnum
from urllib.parse import urlsplit

import structlog
from prometheus_client import CollectorRegistry, Counter
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lnwatch.credentials import Credential
from lnwatch.errors import SourceError
from lnwatch.web.settings import WebSettings, is_loopback

log = structlog.get_logger()

OPEN = "/healthz"
SIGNED = "/hooks/"  # each hook proves itself by its signature


class Refusal(StrEnum):
    """Why a request was turned away."""

    MISSING = "missing"  # no credential: what a browser sends first
    WRONG = "wrong"
    UNREADABLE = "unreadable"  # our own file, so nobody can be let in
    HOST = "host"  # without a credential only this machine's own names are answered


def refusal_counter(registry: CollectorRegistry) -> Counter:
    """Counts refusals, all of them from 0."""
    counter = Counter("lnwatch_web_refused_requests", "Requests turned away, by reason.", ["reason"], registry=registry)
    for reason in Refusal:
        counter.labels(reason.value)
    return counter


class Guard:
    """ASGI middleware: bearer token for programs, Basic password (any user name) for browsers.

    Where neither is configured we listen on loopback alone, and a page of another site could still
    reach us by a name that it points here: only our own names are answered then.
    """

    def __init__(self, app: ASGIApp, settings: WebSettings, refused: Counter) -> None:
        self._app = app
        self._tokens = settings.tokens()
        self._passwords = settings.passwords()
        self._names = {settings.host, urlsplit(settings.link_base).hostname}
        self._refused = refused
        self._told = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] != "http" or scope["path"] == OPEN or scope["path"].startswith(SIGNED):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(Headers(scope=scope))
        if refusal is None:
            await self._app(scope, receive, send)
            return
        self._refused.labels(refusal.value).inc()
        await self._answer(refusal)(scope, receive, send)

    def _refusal(self, headers: Headers) -> Refusal | None:
        if self._tokens is None and self._passwords is None:
            return None if self._own_name(headers.get("host", "")) else Refusal.HOST
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if not scheme:
            return Refusal.MISSING
        try:
            known = self._known(scheme.lower(), given.strip())
        except SourceError as error:
            self._tell(error.message)
            return Refusal.UNREADABLE
        self._tell("")
        return None if known else Refusal.WRONG

    def _known(self, scheme: str, given: str) -> bool:
        match scheme:
            case "bearer":
                return _equals(self._tokens, given)
            case "basic":
                return _equals(self._passwords, _password(given))
            case _:
                return False

    def _own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or is_loopback(name)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self._told:
            log.error("nobody can log in", error=trouble)
        self._told = trouble

    def _answer(self, refusal: Refusal) -> Response:
        match refusal:
            case Refusal.HOST:
                return PlainTextResponse(
                    "This name is not known to lnwatch: set `web.public_url` to the address that you use.\n", 421
                )
            case Refusal.UNREADABLE:
                return PlainTextResponse("lnwatch can't read its own credentials; its log says why.\n", 503)
            case Refusal.MISSING | Refusal.WRONG:
                answer = PlainTextResponse("lnwatch needs a token or a password.\n", 401)
                if self._passwords is not None:
                    answer.headers.append("WWW-Authenticate", 'Basic realm="lnwatch", charset="UTF-8"')
                if self._tokens is not None:
                    answer.headers.append("WWW-Authenticate", 'Bearer realm="lnwatch"')
                return answer


def _password(encoded: str) -> str:
    """The password of Basic's `user:password`, empty where that can't be read."""
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _equals(credential: Credential | None, given: str) -> bool:
    """Compared by digest, so that the time taken tells neither content nor length."""
    expected = credential.text().strip() if credential is not None else ""
    if not expected or not given:
        return False
    return hmac.compare_digest(_digest(expected), _digest(given))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

"""One call of the API: which route it takes, whether the key may, and what the handler is given."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from lnwatch.simulator.btcpay.core import Btcpay
from lnwatch.simulator.btcpay.detection import Detection
from lnwatch.simulator.btcpay.invoice import Invoice
from lnwatch.simulator.btcpay.keys import STORE, Key, forbidden
from lnwatch.simulator.btcpay.payouts import Payouts
from lnwatch.simulator.btcpay.store import Store
from lnwatch.simulator.kestrel import Reply, Request

SECURE: Final = {
    "Content-Security-Policy": "script-src 'self'",
    "Referrer-Policy": "same-origin",
    "X-XSS-Protection": "1; mode=block",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
ANY_KEY: Final = ""
_KINDS: Final = ("invoice", "webhook", "payout", "pull", "request")


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers work with."""

    btcpay: Btcpay
    detection: Detection
    payouts: Payouts


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in; `body` is its JSON, None without one. A key only where the route asks for one."""

    services: Services
    request: Request
    parameters: Mapping[str, str]
    body: Any
    granted: Key | None = field(repr=False)

    @property
    def btcpay(self) -> Btcpay:
        """The server."""
        return self.services.btcpay

    @property
    def key(self) -> Key:
        """Who asks."""
        if self.granted is None:
            raise LookupError("a route that is open to everybody")
        return self.granted

    @property
    def store(self) -> Store:
        """The store that it is about."""
        return self.btcpay.stores[self.parameters["store"]]

    @property
    def invoice(self) -> Invoice:
        """The invoice that it is about."""
        return self.btcpay.invoices[self.parameters["invoice"]]

    def first(self, name: str) -> str | None:
        """The first value of a query parameter."""
        return next(iter(self.request.query.get(name, ())), None)

    def flag(self, name: str) -> bool:
        """A boolean query parameter."""
        return (self.first(name) or "").lower() == "true"

    def number(self, name: str) -> int | None:
        """A whole number among the query parameters. Raises InvalidError."""
        text = self.first(name)
        if text is None or text == "":
            return None
        try:
            return int(text)
        except ValueError:
            raise InvalidError([(name, f"The value '{text}' is not valid.")], bound=False) from None

    def document(self) -> dict[str, Any]:
        """The body as an object. Raises InvalidError."""
        if isinstance(self.body, dict):
            return self.body
        raise InvalidError([("request", "The request field is required.")])


Handler = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """`policy` None: open to everybody; "": any key; else below `btcpay.store.` unless it says more."""

    method: str
    path: str
    policy: str | None
    handler: Handler

    @property
    def permission(self) -> str | None:
        """The whole name of what is needed."""
        return self.policy if not self.policy or self.policy.startswith("btcpay.") else STORE + self.policy


class InvalidError(Exception):
    """What BTCPay answers 422 with: paths and sentences. `bound` False: before any code of its own saw the call."""

    def __init__(self, errors: Iterable[tuple[str, str]], *, bound: bool = True) -> None:
        super().__init__()
        self.bound = bound
        self.errors = [{"path": path, "message": message} for path, message in errors]


class FailedError(Exception):
    """A business error: status, code, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def ok(value: object) -> Reply:
    """200 with JSON."""
    return Reply.of(200, value, SECURE)


def done() -> Reply:
    """200 with nothing."""
    return Reply(200, headers=SECURE)


class Router:
    """All routes of the API."""

    def __init__(self, routes: Iterable[Route], services: Services) -> None:
        """Compile the paths."""
        self._services = services
        self._routes = [
            (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path) + "/?"), route) for route in routes
        ]

    async def answer(self, request: Request) -> Reply:
        """404 and 405 come before 401, that before 403."""
        found = [(match, route) for path, route in self._routes if (match := path.fullmatch(request.path))]
        if not found:
            return Reply(404, headers=SECURE)
        chosen = next(((match, route) for match, route in found if route.method == request.method), None)
        if chosen is None:
            allowed = ", ".join(dict.fromkeys(route.method for _, route in found))
            return Reply(405, headers={"Allow": allowed, **SECURE})
        match, route = chosen
        key: Key | None = None
        if route.permission is not None:
            if "authorization" in request.headers:
                await self._services.btcpay.database.wait()
            found_key = self._services.btcpay.credentials.find(request)
            if isinstance(found_key, Reply):
                return self._sent_to_login(request, found_key)
            key = found_key
        if request.path != "/api/v1/health":
            await self._services.btcpay.database.wait()
        return await self._let_in(request, route, match.groupdict(), key)

    def _sent_to_login(self, request: Request, refusal: Reply) -> Reply:
        """Pages that people see name the login; the API does not."""
        if request.path.startswith("/api/"):
            return refusal
        login = f"{self._services.btcpay.url}/login?ReturnUrl={quote(request.path, safe='')}"
        return Reply(refusal.status, refusal.body, {**refusal.headers, "Location": login}, refusal.value)

    async def _let_in(self, request: Request, route: Route, parameters: dict[str, str], key: Key | None) -> Reply:
        if route.permission is not None:
            known = self._place(parameters)
            scoped = "store" in parameters
            refused = not known or (
                route.permission != ANY_KEY
                and key is not None
                and not key.may(route.permission, parameters["store"] if scoped else None)
            )
            if refused:
                return forbidden(route.permission)
        try:
            call = Call(self._services, request, parameters, _body(request), key)
            return await route.handler(call)
        except InvalidError as error:
            return Reply.of(422, error.errors, SECURE if error.bound else None)
        except FailedError as error:
            return Reply.of(error.status, {"code": error.code, "message": str(error)}, SECURE)

    def _place(self, parameters: dict[str, str]) -> bool:
        """Find the store of what is named; whether it is there, and in the store that the path names."""
        btcpay = self._services.btcpay
        shelves: dict[str, Mapping[str, Any]] = {
            "invoice": btcpay.invoices,
            "webhook": btcpay.dispatcher.webhooks,
            "payout": btcpay.payouts,
            "pull": btcpay.pull_payments,
            "request": btcpay.requests,
        }
        for kind in _KINDS:
            if kind in parameters:
                thing = shelves[kind].get(parameters[kind])
                if thing is None or parameters.setdefault("store", thing.store) != thing.store:
                    return False
        return parameters.get("store") in btcpay.stores or "store" not in parameters


def _body(request: Request) -> Any:  # noqa: ANN401 - what JSON can hold
    if not request.body:
        return None
    try:
        return json.loads(request.body)
    except ValueError:
        errors = [("", _unreadable(request.body)), ("request", "The request field is required.")]
        raise InvalidError(errors, bound=False) from None


def _unreadable(body: bytes) -> str:
    """What Newtonsoft's parser says of the mistake that a person makes first: a name without quotes."""
    text = body.decode(errors="replace")
    bare = re.match(r"\{\s*(\w+)(\s+)(\w)", text)
    if bare is None:
        return "Unexpected character encountered while parsing value. Path '', line 1, position 1."
    at = bare.start(3)
    return (
        f"Invalid character after parsing property name. Expected ':' but got: {bare[3]}. "
        f"Path '', line 1, position {at}."
    )

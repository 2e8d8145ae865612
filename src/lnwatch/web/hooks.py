"""Webhooks of BTCPay: proved by their signature, stored before they are answered, and then only a hint."""

import asyncio
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from weakref import WeakValueDictionary

import structlog
from prometheus_client import CollectorRegistry, Counter

from lnwatch.clock import Clock
from lnwatch.credentials import Credential
from lnwatch.domain.wording import moment
from lnwatch.errors import FailureReason, LedgerError, SourceError
from lnwatch.model.merchant import WebhookEvent
from lnwatch.sources.btcpay import Btcpay
from lnwatch.sources.btcpay.webhook_events import KNOWN_TYPES, happening

log = structlog.get_logger()

SIGNATURE = "BTCPay-Sig"
HOOK_STREAM = "hook_stream"  # what webhooks are called among the collectors of their source
MOST_BYTES = 1024 * 1024  # of a body; BTCPay's own have a few kilobytes
_SCHEME = b"sha256="
_What = tuple[str, str, str]  # site, name, and a digest of what happened
_REMEMBERED = 10_000  # happenings: a second webhook tells the same within seconds, or an hour late after failures


class Result(StrEnum):
    """What became of a webhook."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # told before: delivered again, or by a second webhook on the same address
    UNKNOWN_TYPE = "unknown_type"  # accepted too: of a type that this release does not know
    BAD_SIGNATURE = "bad_signature"
    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    FOREIGN_STORE = "foreign_store"  # of a store that the configuration does not name
    NO_SECRET = "no_secret"  # noqa: S105 - our own can't be read, so that nothing can be proved
    NOT_STORED = "not_stored"


class _RefusedError(Exception):
    """Why a webhook is not taken; `fault` where nothing says that it came from the server at all."""

    def __init__(self, result: Result, words: str, fault: FailureReason | None = None) -> None:
        super().__init__(words)
        self.result = result
        self.fault = fault


class Keeper(Protocol):
    """Keeps webhooks as they came until they are read."""

    async def put(self, site: str, source: str, delivery: str, at: float, body: bytes) -> bool:
        """Store a body; returns when it is stored, False where one of that delivery was before. Raises LedgerError."""
        ...


@dataclass(frozen=True, slots=True)
class Hook:
    """One address that a BTCPay Server may tell things to; `heard` is called with what is new, once it is stored.

    `proved` is called with when something came, and why it could not be proved to come from the server, if so.
    """

    site: str
    name: str
    source: Btcpay
    secret: Credential
    heard: Callable[[WebhookEvent], None]
    proved: Callable[[float, SourceError | None], None]


def hook_counter(registry: CollectorRegistry) -> Counter:
    """Counts webhooks."""
    words = "Webhooks of BTCPay that came in, by what became of them; `duplicate` was told before."
    return Counter("lnwatch_webhook_events", words, ["site", "name", "result"], registry=registry)


class HookDesk:
    """Takes what is told at the hooks, by site and name."""

    def __init__(
        self, hooks: Mapping[tuple[str, str], Hook], keeper: Keeper, clock: Clock, registry: CollectorRegistry
    ) -> None:
        """Counts from 0 for each hook and result."""
        self.hooks = hooks
        self._keeper = keeper
        self._clock = clock
        self._told: dict[tuple[str, str], Result] = {}
        self._proved_at: dict[tuple[str, str], float] = {}  # the last of each hook
        self._tellers: OrderedDict[_What, str] = OrderedDict()  # which webhook told it first
        self._turns: WeakValueDictionary[_What, asyncio.Lock] = WeakValueDictionary()
        self._counter = hook_counter(registry)
        for site, name in hooks:
            for result in Result:
                self._counter.labels(site, name, result.value)

    async def take(self, hook: Hook, signature: str, body: bytes | None) -> Result:
        """What became of a webhook; `body` None where it was too large to be read."""
        result = Result.TOO_LARGE if body is None else await self._take(hook, signature, body)
        self._counter.labels(hook.site, hook.name, result.value).inc()
        return result

    async def _take(self, hook: Hook, signature: str, body: bytes) -> Result:
        at = self._clock.now()
        try:
            _prove(hook, signature, body)
            self._proved_at[hook.site, hook.name] = at
            hook.proved(at, None)
            event = _read(hook, body, at)
            fresh = await self._keep(hook, event, at, body)
        except _RefusedError as refusal:
            if refusal.fault is not None:
                hook.proved(at, SourceError(refusal.fault, f"{refusal}; {self._last_proved(hook)}"))
            return self._refused(hook, refusal.result, str(refusal))
        except LedgerError as error:
            return self._refused(hook, Result.NOT_STORED, error.message)
        self._told.pop((hook.site, hook.name), None)
        if not fresh:
            return Result.DUPLICATE
        hook.heard(event)
        return Result.ACCEPTED if event.type in KNOWN_TYPES else Result.UNKNOWN_TYPE

    async def _keep(self, hook: Hook, event: WebhookEvent, at: float, body: bytes) -> bool:
        """Store it, or find that it is stored; whether it was new. Raises LedgerError."""
        what = (hook.site, hook.name, happening(body))
        turn = self._turns.setdefault(what, asyncio.Lock())
        async with turn:  # two webhooks on one address tell the same at the same moment
            if self._tellers.get(what, event.webhook_id) != event.webhook_id:
                return False
            fresh = await self._keeper.put(hook.site, hook.name, event.original_delivery_id, at, body)
            self._tellers.setdefault(what, event.webhook_id)
            while len(self._tellers) > _REMEMBERED:
                self._tellers.popitem(last=False)
        return fresh

    def _last_proved(self, hook: Hook) -> str:
        """Whether it is the secret that is wrong, or a stranger."""
        at = self._proved_at.get((hook.site, hook.name))
        if at is None:
            return "none was proved since lnwatch was started, so that polls alone tell what happens"
        return f"the last that was proved came at {moment(at)}"

    def _refused(self, hook: Hook, result: Result, words: str) -> Result:
        """The same trouble over and over is told once."""
        if self._told.get((hook.site, hook.name)) is not result:
            log.warning("webhook refused", site=hook.site, source=hook.name, result=result.value, why=words)
        self._told[hook.site, hook.name] = result
        return result


def _prove(hook: Hook, signature: str, body: bytes) -> None:
    """That it came from the server itself. Raises _RefusedError."""
    try:
        if not signed(hook.secret.text(), signature, body):
            # A stranger may send such a thing: it is no refused credential, which would call somebody.
            words = (
                "a webhook came that the secret here did not sign: the one in BTCPay is another, or a stranger knocks"
            )
            raise _RefusedError(Result.BAD_SIGNATURE, words, FailureReason.FAILED)
    except SourceError as error:
        raise _RefusedError(Result.NO_SECRET, error.message, error.reason) from error


def _read(hook: Hook, body: bytes, at: float) -> WebhookEvent:
    """What the body says. Raises _RefusedError."""
    try:
        event = hook.source.hear(body, at)
    except SourceError as error:
        raise _RefusedError(Result.MALFORMED, error.message) from error
    if event is None:
        raise _RefusedError(Result.FOREIGN_STORE, "`stores` does not name the store that it is about")
    return event


def signed(secret: str, signature: str, body: bytes) -> bool:
    """Whether `signature` proves that whoever knows `secret` sent exactly these bytes. Raises SourceError."""
    if not secret:
        raise SourceError(FailureReason.CREDENTIAL_UNREADABLE, "the secret of the webhook is empty")
    expected = _SCHEME + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(expected, signature.encode("latin-1", "replace"))

"""Message -> world: one file per service, each with its well-known name `NOTIFIER`.

A notifier sends, and says what became of it; whether and when to send, to retry or to park is decided in
`_delivery.py`, and what there is to send lies in the ledger's outbox.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from lnwatch.clock import Clock
from lnwatch.errors import LnwatchError
from lnwatch.fields import Settings
from lnwatch.model.message import Message, Receipt
from lnwatch.net import Door


class Failure(StrEnum):
    """Why a message was not taken, from a closed list; decides whether a retry can help."""

    UNREACHABLE = "unreachable"  # retry
    TIMEOUT = "timeout"  # retry: it may have arrived
    RATE_LIMITED = "rate_limited"  # retry, not before Retry-After
    SERVER = "server"  # 5xx: retry
    REJECTED = "rejected"  # credential wrong: park
    INVALID = "invalid"  # the service will never take this: park
    GONE = "gone"  # the channel or webhook is no more: park


RETRIED = frozenset({Failure.UNREACHABLE, Failure.TIMEOUT, Failure.RATE_LIMITED, Failure.SERVER})


# What a notifier answers that was asked to tell something which its service has no word for. A receipt whose
# answer begins so says that no message left.
NOTHING_TO_TELL = Receipt("nothing to tell")


class DeliveryError(LnwatchError):
    """A service did not take a message. `message` never holds a secret; `retry_after` in seconds."""

    def __init__(self, failure: Failure, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message
        self.retry_after = retry_after


class Notifier(Protocol):
    """One configured channel of one service."""

    async def send(self, message: Message) -> Receipt:
        """Send. Raises DeliveryError."""
        ...

    async def find(self, message: Message) -> str | None:
        """The reference of an earlier sending of this very message, where the service can be asked; else None."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What a notifier is given: its channel's slug, time, the way out, and this installation's name."""

    channel: str
    clock: Clock
    door: Door
    deployment: str


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class NotifierKind(Generic[S]):
    """The well-known `NOTIFIER`. `per_minute` is the service's own limit for one channel, kept by a token
    bucket; `batches` tells whether one sending may carry many cases, `calls` whether it calls somebody to act,
    so that what is over already is not told, `idempotent` whether the service itself sees to it that a
    repeated sending is told once."""

    kind: str
    settings: type[S]
    open: Callable[[Desk, S], Notifier]
    per_minute: float
    burst: int
    batches: bool = True
    calls: bool = False
    idempotent: bool = False

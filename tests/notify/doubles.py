"""A notifier in memory: what reached the world through it, and what goes wrong on the way."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lnwatch.model.message import Message, Receipt
from lnwatch.notify import DeliveryError
from tests.notify.outbox import KilledError


@dataclass
class Telegraph:
    """`failures` are used up first, one a sending: an error to raise, or `killed` before or after it arrived.

    `knows` lets `find` answer as a service that can be asked; `refuses` says which messages it never takes.
    """

    arrived: list[Message] = field(default_factory=list)
    failures: deque[BaseException | str] = field(default_factory=deque)
    knows: bool = False
    refuses: Callable[[Message], DeliveryError | None] = lambda _: None
    gate: asyncio.Event | None = None
    tried: int = 0
    closed: bool = False

    async def send(self, message: Message) -> Receipt:
        self.tried += 1
        failure = self.failures.popleft() if self.failures else self.refuses(message)
        if failure == "killed":
            raise KilledError
        if isinstance(failure, BaseException):
            raise failure
        if self.gate is not None:
            await self.gate.wait()
        self.arrived.append(message)
        if failure == "killed after":
            raise KilledError
        if failure == "answer lost":
            raise TimeoutError
        return Receipt("stop", f"wire:{len(self.arrived)}")

    async def find(self, message: Message) -> str | None:
        for number, earlier in enumerate(self.arrived, start=1):
            if self.knows and set(map(_name, earlier.notices)) == set(map(_name, message.notices)):
                return f"wire:{number}"
        return None

    async def close(self) -> None:
        self.closed = True

    @property
    def told(self) -> list[str]:
        """Each message by subject and transition, a digest by its size."""
        return [
            f"digest of {len(message.notices)}"
            if message.digest
            else f"{message.notices[0].fingerprint.subject} {message.notices[0].transition.value}"
            for message in self.arrived
        ]


def _name(notice: object) -> str:
    return repr(notice)

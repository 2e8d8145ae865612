"""Delivery with two channels over an outbox in memory, on a clock that stands still."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from lnwatch.fields import Settings
from lnwatch.notify import DeliveryError, Failure, NotifierKind
from lnwatch.notify._delivery import Channel, Delivery
from tests.manual_clock import ManualClock
from tests.notify.doubles import Telegraph
from tests.notify.notices import LINKS
from tests.notify.outbox import MemoryOutbox


@dataclass
class Office:
    """Two channels over one outbox; `page` calls somebody, is idempotent and takes no digest, like PagerDuty."""

    clock: ManualClock
    outbox: MemoryOutbox
    ops: Telegraph
    page: Telegraph
    delivery: Delivery

    def restart(self) -> None:
        """A new process over the same ledger and the same world."""
        self.delivery = deliver(self.outbox, self.ops, self.page, self.clock)

    async def drain(self, channel: str = "ops", patience: int = 70) -> None:
        """Step until nothing is left to do, letting pass whatever time the pace and retries ask for."""
        while True:
            if await self.delivery.step(channel):
                continue
            delay = self.delivery._lanes[channel].delay()
            if delay <= 0 and ("waiting" not in self.outbox.states(channel) or patience <= 0):
                return
            patience -= delay <= 0
            await self.clock.advance(delay or 1)


def deliver(outbox: MemoryOutbox, ops: Telegraph, page: Telegraph, clock: ManualClock) -> Delivery:
    chat = NotifierKind("telegraph", Settings, lambda *_: ops, per_minute=60, burst=3)
    pager = NotifierKind("pager", Settings, lambda *_: page, 600, 600, batches=False, calls=True, idempotent=True)
    return Delivery(outbox, {"ops": Channel(ops, chat), "page": Channel(page, pager)}, clock, LINKS)


def make_office(*, knows: bool = False) -> Office:
    clock, outbox, ops, page = ManualClock(), MemoryOutbox(), Telegraph(knows=knows), Telegraph()
    return Office(clock, outbox, ops, page, deliver(outbox, ops, page, clock))


@contextlib.asynccontextmanager
async def running(delivery: Delivery) -> AsyncIterator[None]:
    task = asyncio.create_task(delivery.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def failing(failure: Failure, retry_after: float | None = None) -> DeliveryError:
    return DeliveryError(failure, "the wire is cut", retry_after=retry_after)

"""Takes what waits in the outbox to the world: one lane per channel, so that none holds another up.

What is about to be sent is claimed, sent, and noted as sent. Killed between any two of these, the next
process finds the claim run out: it asks the service for the message where it can be asked, repeats where
that is harmless, and else sends one message that says that it may be a repeat.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog

from lnwatch.clock import Clock
from lnwatch.errors import LedgerError
from lnwatch.model.message import Marking, Message, Receipt
from lnwatch.model.view import Episode
from lnwatch.notify import NOTHING_TO_TELL, RETRIED, DeliveryError, Failure, Notifier, NotifierKind
from lnwatch.notify._lane import ALL_LOST, Lane, backoff
from lnwatch.notify._outbox import Outbox, Parcel
from lnwatch.notify._plan import Drop, Send, plan
from lnwatch.notify._tally import Tally

log = structlog.get_logger()

LOOKAHEAD = 500  # rows that are looked at together, and so the most that a digest carries
POLL = 1.0  # seconds between two looks when nobody wakes us, while something may wait for its time
SELDOM = 15.0  # seconds, when nothing was there for long
QUIET_AFTER = 75.0  # seconds: a message that waits for its next try waits no longer, unless its service asked for it
DEADLINE = 45.0  # seconds for one sending, within its lease
GIVE_UP = 86_400.0  # seconds after a change from which on it is not tried again
_OVER = Receipt(f"{NOTHING_TO_TELL.answer}: it may have been told, and its end follows")


@dataclass(frozen=True, slots=True)
class Channel:
    """A configured channel: its notifier and what kind that is."""

    notifier: Notifier
    kind: NotifierKind[Any]


class Delivery:
    """The loop. `link_base` is the base of every link, without a slash at its end."""

    def __init__(self, outbox: Outbox, channels: Mapping[str, Channel], clock: Clock, link_base: str) -> None:
        self._outbox = outbox
        self._clock = clock
        self._link_base = link_base
        self._lanes = {slug: Lane(slug, each.notifier, each.kind, clock) for slug, each in channels.items()}
        self._awake = {slug: asyncio.Event() for slug in channels}
        self.tally = Tally(tuple(channels))

    def wake(self) -> None:
        """There may be something to send: after each commit that wrote messages."""
        for event in self._awake.values():
            event.set()

    def episodes(self) -> dict[str, Episode]:
        """By channel, what keeps its messages: they were given up, or none has left for five minutes."""
        found = {slug: lane.episode() for slug, lane in self._lanes.items()}
        return {slug: episode for slug, episode in found.items() if episode is not None}

    async def run(self) -> None:
        """Send until cancelled. A sending that is cut off is settled by the next run."""
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes.values():
                group.create_task(self._serve(lane), name=f"delivery to {lane.channel}")

    async def close(self) -> None:
        """Let go of all connections."""
        for lane in self._lanes.values():
            await lane.notifier.close()

    async def step(self, channel: str) -> bool:
        """Do the next thing for one channel; whether there was one. Raises LedgerError, with nothing sent."""
        lane = self._lanes[channel]
        if lane.delay() > 0:
            return False
        waiting = await self._outbox.waiting(channel, LOOKAHEAD, self._clock.now())
        if lane.fresh or (lane.lost and waiting):
            # Before anything new is told: what was parked comes first, or has ended by what waits.
            since = self._clock.now() - GIVE_UP
            await self._outbox.revive(channel, [failure.value for failure in ALL_LOST], since)
            lane.fresh = lane.lost = False
            waiting = await self._outbox.waiting(channel, LOOKAHEAD, self._clock.now())
        match plan(waiting, batches=lane.batches, calls=lane.calls, singly=lane.singly):
            case Send() as step:
                return await self._send(lane, step, waiting)
            case Drop(parcels, why):
                return await self._drop(parcels, why)
            case None:
                return False

    async def _serve(self, lane: Lane) -> None:
        trouble, moved = "", self._clock.monotonic()
        while True:
            if self._awake[lane.channel].is_set():
                moved = self._clock.monotonic()
            self._awake[lane.channel].clear()
            busy = False
            try:
                busy = await self.step(lane.channel)
                trouble = ""
            except LedgerError as error:
                if error.message != trouble:
                    log.warning("the outbox can't be read", channel=lane.channel, error=error.message)
                trouble = error.message
            now = self._clock.monotonic()
            if busy or trouble:
                moved = now
            if not busy:
                await self._idle(lane, POLL if now - moved < QUIET_AFTER else SELDOM)

    async def _idle(self, lane: Lane, seconds: float) -> None:
        delay = lane.delay()
        if delay > 0:
            await self._clock.sleep(delay)
            return
        waits = [
            asyncio.ensure_future(self._awake[lane.channel].wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _drop(self, parcels: Sequence[Parcel], why: str) -> bool:
        ids, now = _ids(parcels), self._clock.now()
        if not await self._outbox.claim(ids, now):
            return False
        await self._note(partial(self._outbox.done, ids, Receipt(why), now))
        return True

    async def _send(self, lane: Lane, step: Send, waiting: Sequence[Parcel]) -> bool:
        if not await self._outbox.claim(_ids(step.parcels), self._clock.now()):
            return False
        lane.trying()
        try:
            async with asyncio.timeout(DEADLINE):
                receipt = await self._tell(lane, step)
        except DeliveryError as error:
            failure = error
        except TimeoutError:
            failure = DeliveryError(Failure.TIMEOUT, f"no answer within {DEADLINE:g} s")
        except Exception as error:  # a broken notifier is a fact, and holds up no other message
            log.exception("notifier broke", channel=lane.channel)
            failure = DeliveryError(Failure.INVALID, f"{type(error).__name__} inside lnwatch; see the log")
        else:
            await self._sent(lane, step, receipt)
            return True
        await self._not_sent(lane, step, failure, waiting)
        return True

    async def _tell(self, lane: Lane, step: Send) -> Receipt:
        message = Message(
            channel=lane.channel,
            notices=tuple(parcel.notice for parcel in step.told),
            link_base=self._link_base,
            reference=step.told[0].reference if len(step.told) == 1 else None,
            references=tuple(parcel.reference for parcel in step.told),
            missed=step.parcels[0].notice.transition if step.late else None,
        )
        if step.again and not lane.idempotent:
            found = await lane.notifier.find(message)
            if found is not None:
                return Receipt("it had been sent already", found)
            message = replace(message, marking=Marking.POSSIBLE_REPEAT)
        if step.again and step.over:
            return _OVER
        return await lane.notifier.send(message)

    async def _sent(self, lane: Lane, step: Send, receipt: Receipt) -> None:
        now = self._clock.now()
        await self._note(partial(self._outbox.done, _ids(step.parcels), receipt, now))
        lane.singly.difference_update(_ids(step.parcels))
        if receipt.answer.startswith(NOTHING_TO_TELL.answer):
            return  # and so nothing is known of the channel
        log.info("told", channel=lane.channel, cases=len(step.told), answer=receipt.answer)
        self.tally.count(lane.channel, "sent", len(step.told))
        for parcel in step.told:
            self.tally.latencies[lane.channel].observe(now - parcel.notice.at)
        lane.succeeded()

    async def _not_sent(self, lane: Lane, step: Send, error: DeliveryError, waiting: Sequence[Parcel]) -> None:
        now, parcels = self._clock.now(), step.parcels
        news = lane.failed(error) if error.failure in RETRIED else True
        say = log.warning if news else log.debug  # a service that is away for a day is one line
        say("not told", channel=lane.channel, cases=len(step.told), failure=error.failure.value, error=error.message)
        if error.failure in RETRIED:
            not_before = now + backoff(max(parcel.tries for parcel in parcels) + 1, error.retry_after)
            told_of = [step.told[0] if step.late else each for each in parcels]
            old = {
                each.id for each, told in zip(parcels, told_of, strict=True) if not_before - told.notice.at > GIVE_UP
            }
            await self._retry(lane, [each for each in parcels if each.id not in old], not_before, error)
            await self._park(lane, [each for each in parcels if each.id in old], error)
        elif error.failure in ALL_LOST:
            await self._park(lane, waiting, error)
        elif len(step.told) > 1:
            # One of them spoils the digest; the others are not given up for it.
            lane.singly.update(_ids(parcels))
            await self._retry(lane, parcels, now, error)
        else:
            await self._park(lane, parcels, error)

    async def _retry(self, lane: Lane, parcels: Sequence[Parcel], not_before: float, error: DeliveryError) -> None:
        if parcels:
            write = partial(self._outbox.retry, _ids(parcels), not_before, error.failure.value, error.message)
            await self._note(write)
            self.tally.count(lane.channel, "retried", len(parcels))

    async def _park(self, lane: Lane, parcels: Sequence[Parcel], error: DeliveryError) -> None:
        if parcels:
            await self._note(partial(self._outbox.park, _ids(parcels), error.failure.value, error.message))
            lane.singly.difference_update(_ids(parcels))
            self.tally.count(lane.channel, "parked", lane.parked(error, _ids(parcels)))

    async def _note(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write what became of a sending; until that is written, nothing else leaves by this lane."""
        while True:
            try:
                await write()
            except LedgerError as error:
                log.warning("what was sent can't be noted", error=error.message)
                await self._clock.sleep(POLL)
            else:
                return


def _ids(parcels: Sequence[Parcel]) -> list[str]:
    return [parcel.id for parcel in parcels]

"""What waits to be told: claimed by one worker at a time, and kept until somebody has taken it."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import and_, func, select, update

from lnwatch.clock import Clock
from lnwatch.model.message import Receipt
from lnwatch.store import case_tables as tables
from lnwatch.store.cases import parcels
from lnwatch.store.cases.parcels import Key, NotToBeHadError, Parcel
from lnwatch.store.cases.values import Delivery
from lnwatch.store.workers import Workers

LEASE: Final = 60.0  # seconds for which a claim holds
_UNREADABLE: Final = "invalid"

_row = tables.outbox.c


class LedgerOutbox:
    """The outbox as a worker sees it; what it has claimed itself, it may give back. Everything raises LedgerError.

    A message that may have been sent already (a claim ran out, or a sending timed out) stays in doubt until
    it was sent, whatever became of later tries.
    """

    def __init__(self, workers: Workers, clock: Clock) -> None:
        """Nothing is claimed yet."""
        self._workers = workers
        self._clock = clock
        self._claims: dict[str, float] = {}  # until when, by id: proof that a claim is ours

    async def waiting(self, channel: str, limit: int, now: float) -> Sequence[Parcel]:
        """What may be sent to `channel` now, oldest first, those of one case in their order; nothing changed.

        Left out is what is claimed, sent, parked or put off, and what comes after such a claimed or put off
        one in its case. What another version wrote, and this one can't read, is parked.
        """
        job = partial(parcels.waiting, channel=channel, limit=limit, now=now)
        found, unreadable = await self._workers.read(job)
        if unreadable:
            await self.park(unreadable, _UNREADABLE, "another version of lnwatch wrote it, this one can't read it")
        return found

    async def claim(self, ids: Collection[str], now: float) -> bool:
        """Take all of these until LEASE is over, or seconds after the next start; none of them, and False, where one is
        not to be had."""
        until = now + LEASE
        if not ids:
            return True
        try:
            await self._workers.write(partial(parcels.claim, keys=_keys(ids), now=now, until=until))
        except NotToBeHadError:
            return False
        self._claims.update(dict.fromkeys(ids, until))
        return True

    async def done(self, ids: Collection[str], receipt: Receipt, now: float) -> None:
        """They were told, or need not be. A receipt without a reference leaves the one that is known."""
        if ids:
            await self._workers.write(partial(parcels.done, keys=_keys(ids), receipt=receipt, now=now))
            self._forget(ids)

    async def retry(self, ids: Collection[str], not_before: float, failure: str, words: str) -> None:
        """Give back what is still ours, put off until `not_before`, one try more."""
        values = {"status": Delivery.PENDING.value, "not_before": not_before, "tries": _row.tries + 1, "words": words}
        await self._give_back([identity for identity in ids if identity in self._claims], failure, values)

    async def park(self, ids: Collection[str], failure: str, words: str) -> None:
        """They can't be told; kept, with the reason. What others are sending is left to them."""
        await self._give_back(ids, failure, {"status": Delivery.PARKED.value, "words": words})

    async def revive(self, channel: str, failures: Collection[str], since: float) -> int:
        """Let what was parked for one of `failures` wait again, where it happened after `since`; how many."""
        these = and_(_row.channel == channel, _row.status == Delivery.PARKED.value, _row.at > since)
        change = update(tables.outbox).where(these, _row.failure.in_(failures))
        waiting = change.values(status=Delivery.PENDING.value, not_before=0.0)
        return await self._workers.write(lambda connection: connection.execute(waiting).rowcount)

    async def pending(self, channel: str, since: float) -> int:
        """How many rows that happened at `since` or later are neither sent nor parked."""
        query = select(func.count()).select_from(tables.outbox)
        these = query.where(_row.channel == channel, tables.unsent, _row.at >= since)
        return await self._workers.read(lambda connection: connection.execute(these).scalar_one())

    async def _give_back(self, ids: Collection[str], failure: str, values: Mapping[str, object]) -> None:
        if not ids:
            return
        claims = {Key.read(identity): self._claims.get(identity) for identity in ids}
        job = partial(parcels.give_back, claims=claims, values=values, failure=failure, now=self._clock.now())
        await self._workers.write(job)
        self._forget(ids)

    def _forget(self, ids: Collection[str]) -> None:
        for identity in ids:
            self._claims.pop(identity, None)


def _keys(ids: Collection[str]) -> list[Key]:
    return [Key.read(identity) for identity in ids]

"""Webhooks as they came in: stored before they are answered, many of them in one transaction."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, bindparam, select, update

from lnwatch.clock import Clock
from lnwatch.store.columns import storable
from lnwatch.store.merchant_tables import unparsed, webhook_received
from lnwatch.store.upsert import Row, insert_one
from lnwatch.store.workers import Workers


@dataclass(frozen=True, slots=True)
class RawHook:
    """A body as it came at `at`; `delivery` is the same for all tries to deliver it."""

    site: str
    source: str
    delivery: str
    at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is stored in one transaction; the result tells of each whether it was new."""

    hooks: list[RawHook]
    stored: asyncio.Task[Sequence[bool]]


class HookLedger:
    """Where webhooks wait until they are read. Everything raises LedgerError."""

    def __init__(self, workers: Workers, clock: Clock) -> None:
        """Nothing waits to be stored."""
        self._workers = workers
        self._clock = clock
        self._batch: _Batch | None = None  # that may still be added to
        self._newest: asyncio.Task[Sequence[bool]] | None = None

    async def put(self, site: str, source: str, delivery: str, at: float, body: bytes) -> bool:
        """Store a body; returns when it is stored, False where one of that delivery was before.

        What comes while others are written is written together: each write waits for the disk once.
        """
        if self._batch is None:
            hooks: list[RawHook] = []
            self._newest = asyncio.create_task(self._store(hooks, self._newest))
            self._batch = _Batch(hooks, self._newest)
        batch, place = self._batch, len(self._batch.hooks)
        batch.hooks.append(RawHook(site, source, storable(delivery), at, body))
        fresh = await asyncio.shield(batch.stored)
        return fresh[place]

    async def waiting(self, limit: int) -> tuple[RawHook, ...]:
        """Those that nobody has read yet, oldest first."""
        row = webhook_received.c
        columns = (row.site, row.source, row.delivery_id, row.at, row.body)
        query = select(*columns).where(unparsed).order_by(row.at, row.delivery_id).limit(limit)
        return await self._workers.read(lambda connection: tuple(RawHook(*each) for each in connection.execute(query)))

    async def read(self, rows: Sequence[RawHook]) -> None:
        """They were read: let go of the bodies; that they came stays known for a while."""
        if rows:
            await self._workers.write(partial(_let_go, rows=rows, at=self._clock.now()))

    async def _store(self, hooks: Sequence[RawHook], before: "asyncio.Task[Sequence[bool]] | None") -> Sequence[bool]:
        if before is not None:
            await asyncio.wait([before])
        self._batch = None  # what comes from now on is for the next one
        return await self._workers.write(partial(_put, hooks=hooks), urgent=True)


def _put(connection: Connection, hooks: Sequence[RawHook]) -> Sequence[bool]:
    """Store them; for each whether it is the first of its delivery."""
    return [insert_one(connection, webhook_received, _row(hook)) for hook in hooks]


def _row(hook: RawHook) -> Row:
    return {
        "site": hook.site,
        "source": hook.source,
        "delivery_id": hook.delivery,
        "at": hook.at,
        "body": hook.body,
        "parsed_at": None,
    }


def _let_go(connection: Connection, rows: Sequence[RawHook], at: float) -> None:
    names = ("site", "source", "delivery_id")
    where = (webhook_received.c[name] == bindparam(f"key_{name}") for name in names)
    change = update(webhook_received).where(*where).values(body=None, parsed_at=at)
    keys = [{"key_site": row.site, "key_source": row.source, "key_delivery_id": row.delivery} for row in rows]
    connection.execute(change, keys)

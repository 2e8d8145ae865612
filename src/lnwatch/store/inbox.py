"""What people and the command line ask of the engine: rows that it applies and answers."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Update, select, update

from lnwatch.clock import Clock
from lnwatch.store import tables
from lnwatch.store.upsert import insert_new
from lnwatch.store.workers import Workers

POLL = 0.2  # seconds between two looks for an answer


@dataclass(frozen=True, slots=True)
class Request:
    """One thing that was asked; `answer` None until the engine has dealt with it."""

    id: str
    kind: str
    body: Mapping[str, object]
    at: float
    answer: Mapping[str, object] | None = None


class Inbox:
    """The table `inbox`. Everything raises LedgerError."""

    def __init__(self, workers: Workers, clock: Clock) -> None:
        """The clock is for waiting."""
        self._workers = workers
        self._clock = clock

    async def put(self, kind: str, body: Mapping[str, object], at: float) -> str:
        """Ask; returns the id under which the answer will be."""
        row = {
            "site": tables.OWN_SITE,
            "id": secrets.token_hex(8),
            "at": at,
            "kind": kind,
            "body": json.dumps(dict(body)),
        }
        await self._workers.write(lambda connection: insert_new(connection, tables.inbox, [row]))
        return str(row["id"])

    async def pending(self, limit: int) -> tuple[Request, ...]:
        """What has no answer yet, oldest first."""
        row = tables.inbox.c
        query = select(row.id, row.kind, row.body, row.at, row.answer).where(row.answered_at.is_(None))
        return await self._workers.read(
            lambda connection: tuple(
                _request(*values) for values in connection.execute(query.order_by(row.at, row.id).limit(limit))
            )
        )

    async def answer(self, request: str, answer: Mapping[str, object], at: float) -> None:
        """Answer; the first answer stands."""
        row = tables.inbox.c
        change = (
            update(tables.inbox)
            .where(row.site == tables.OWN_SITE, row.id == request, row.answered_at.is_(None))
            .values(answered_at=at, answer=json.dumps(dict(answer)))
        )
        await self._workers.write(lambda connection: _execute(connection, change))

    async def wait(self, request: str, timeout: float) -> Request | None:  # noqa: ASYNC109 - it is on our clock
        """The request with its answer; None where there is none after `timeout` seconds."""
        row = tables.inbox.c
        query = select(row.id, row.kind, row.body, row.at, row.answer).where(
            row.site == tables.OWN_SITE, row.id == request, row.answered_at.is_not(None)
        )
        end = self._clock.monotonic() + timeout
        while True:
            found = await self._workers.read(lambda connection: connection.execute(query).first())
            if found is not None:
                return _request(*found)
            if (left := end - self._clock.monotonic()) <= 0:
                return None
            await self._clock.sleep(min(POLL, left))


def _execute(connection: Connection, change: Update) -> None:
    connection.execute(change)


def _request(request: str, kind: str, body: str, at: float, answer: str | None) -> Request:
    return Request(request, kind, json.loads(body), at, None if answer is None else json.loads(answer))

"""What people and the command line ask of the engine: rows that it applies and answers."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Update, bindparam, select, update

from lnwatch.clock import Clock
from lnwatch.store import tables
from lnwatch.store.upsert import insert_new
from lnwatch.store.workers import Workers

POLL = 0.2  # seconds between two looks for an answer
SETTLED = 0.25  # seconds after which what was written can be seen, and what is written next has another time
_BEGUN = "{}"  # what stands in the place of an answer that is still to come
_WITHDRAWN = json.dumps({"error": "it was withdrawn"})

_row = tables.inbox.c
# Made once: SQLAlchemy takes longer to build it, and to find it among those that it compiled, than to run it.
_PENDING = (
    select(_row.id, _row.kind, _row.body, _row.at)
    .where(_row.answered_at.is_(None))
    .order_by(_row.at, _row.id)
    .limit(bindparam("most"))
)


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
        """The clock is for waiting, and for the age of what was written."""
        self._workers = workers
        self._clock = clock
        self._empty_since: float | None = None  # nothing was asked that was written by then

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
        """What has no answer yet, oldest first. Costs next to nothing while nobody writes."""
        written = self._workers.database.backend.written_at()
        if written is not None and written == self._empty_since:
            return ()
        found = await self._workers.read(lambda connection: connection.execute(_PENDING, {"most": limit}).all())
        settled = written is not None and self._clock.now() - written >= SETTLED
        self._empty_since = written if settled and not found else None
        return tuple(_request(*values, None) for values in found)

    async def begin(self, request: str) -> bool:
        """Note that it is being carried out; False where it was withdrawn and must not be."""
        return await self._change(_unanswered(request).values(answer=_BEGUN))

    async def answer(self, request: str, answer: Mapping[str, object], at: float) -> None:
        """Answer; the first answer stands."""
        await self._change(_unanswered(request).values(answered_at=at, answer=json.dumps(dict(answer))))

    async def withdraw(self, request: str, at: float) -> bool:
        """Take it back for good; False where it was begun or answered before."""
        unbegun = _unanswered(request).where(tables.inbox.c.answer.is_(None))
        return await self._change(unbegun.values(answered_at=at, answer=_WITHDRAWN))

    async def _change(self, change: Update) -> bool:
        return await self._workers.write(lambda connection: connection.execute(change).rowcount > 0)

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


def _unanswered(request: str) -> Update:
    row = tables.inbox.c
    return update(tables.inbox).where(row.site == tables.OWN_SITE, row.id == request, row.answered_at.is_(None))


def _request(request: str, kind: str, body: str, at: float, answer: str | None) -> Request:
    return Request(request, kind, json.loads(body), at, None if answer is None else json.loads(answer))

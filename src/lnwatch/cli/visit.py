"""The ledger as a second shell reaches it: read beside the daemon, changed by asking the daemon through the inbox."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from lnwatch.cli.output import complain
from lnwatch.clock import Clock
from lnwatch.config import Config
from lnwatch.errors import InboxError, LedgerError, LedgerTrouble
from lnwatch.fields import format_duration
from lnwatch.store import Ledger, visit_ledger
from lnwatch.store.backend import backend_of
from lnwatch.store.database import Database
from lnwatch.store.migrate import check

PATIENCE: Final = 15.0  # seconds that the daemon has for an answer
_AT_ONCE: Final = 0.05  # seconds: whoever holds a ledger holds it for long


@dataclass(frozen=True, slots=True)
class Visit:
    """An open ledger, and the way to the daemon that holds it."""

    config: Config
    clock: Clock
    ledger: Ledger

    async def ask(self, kind: str, body: Mapping[str, object], patience: float = PATIENCE) -> Mapping[str, object]:
        """The daemon's answer. Raises InboxError where it does not run, refuses or is silent; what it has not
        begun by then it never does, so that nothing happens hours later."""
        if not await self.daemon_runs():
            raise InboxError("the daemon does not run: start `lnwatch run`; nothing was changed")
        asking = asyncio.ensure_future(self.ledger.inbox_put(kind, body, self.clock.now()))
        try:
            request = await asyncio.shield(asking)
            answered = await self.ledger.inbox_wait(request, patience)
        except asyncio.CancelledError:  # whoever asked has left, perhaps while it was being written
            await self.ledger.inbox_withdraw(await asking, self.clock.now())
            raise
        if answered is None:
            if await self.ledger.inbox_withdraw(request, self.clock.now()):
                waited = format_duration(patience)
                raise InboxError(f"the daemon has not answered within {waited}: see its log; nothing was changed")
            answered = await self.ledger.inbox_wait(request, patience)
        if answered is None or answered.answer is None:
            raise InboxError("the daemon has begun with it, but does not come to an end: see its log")
        if "error" in answered.answer:
            raise InboxError(str(answered.answer["error"]))
        return answered.answer

    async def daemon_runs(self) -> bool:
        """Whether a daemon holds the ledger. Raises LedgerError."""
        return await asyncio.to_thread(_held, self.config)

    async def note_absence(self) -> bool | None:
        """The same for those who only read, None where it can't be told; says that what they read is old."""
        try:
            runs = await self.daemon_runs()
        except LedgerError:
            return None
        if not runs:
            complain("lnwatch: the daemon does not run: this is how it left things")
        return runs


@asynccontextmanager
async def visiting(config: Config, clock: Clock) -> AsyncIterator[Visit]:
    """Open the ledger until the end of the block. Raises LedgerError."""
    ledger = await visit_ledger(config.ledger, config.data_dir, clock)
    try:
        yield Visit(config, clock, ledger)
    finally:
        await ledger.close()


def _held(config: Config) -> bool:
    """Found out as a second daemon would, which lets go at once."""
    backend = backend_of(config.ledger.model_copy(update={"lock_timeout": _AT_ONCE}), config.data_dir)
    database = Database(backend, exclusive=True, verify=check)
    try:
        backend.hold()
        database.write(lambda _: None)
    except LedgerError as error:
        if error.trouble is not LedgerTrouble.LOCKED:
            raise
        return True
    finally:
        database.close()
        backend.release()
    return False

"""Has the ledger thinned out: by the daemon where one runs, else by ourselves."""

from collections.abc import Mapping
from typing import Final

from lnwatch.clock import Clock
from lnwatch.config import Config
from lnwatch.errors import InboxError, LedgerError, LedgerTrouble
from lnwatch.store import Ledger, visit_ledger
from lnwatch.store.backend import Backend, backend_of

REQUEST: Final = "prune"  # its kind in the inbox
_PATIENCE: Final = 60.0  # seconds


async def prune_ledger(config: Config, clock: Clock) -> Mapping[str, int]:
    """Rows removed by table. Raises LedgerError, and InboxError where a daemon runs but does not answer."""
    ledger = await visit_ledger(config.ledger, config.data_dir, clock)
    holder = backend_of(config.ledger, config.data_dir)
    try:
        if _held_by_daemon(holder):
            return await _ask(ledger, clock)
        return await ledger.prune(clock.now())
    finally:
        holder.release()
        await ledger.close()


def _held_by_daemon(holder: Backend) -> bool:
    """Whether a daemon holds the ledger; if none does, we do from now on, so that none begins in the middle."""
    try:
        holder.hold()
    except LedgerError as error:
        if error.trouble is not LedgerTrouble.LOCKED:
            raise
        return True
    return False


async def _ask(ledger: Ledger, clock: Clock) -> Mapping[str, int]:
    request = await ledger.inbox_put(REQUEST, {}, clock.now())
    answered = await ledger.inbox_wait(request, _PATIENCE)
    if answered is None or answered.answer is None:
        raise InboxError(
            "the daemon was asked and has not answered within a minute: it does so when it has pruned, see its log"
        )
    removed = answered.answer.get("removed")
    if not isinstance(removed, dict):
        raise InboxError(f"the daemon could not prune: {answered.answer.get('error', 'it gave no reason')}")
    return {str(table): int(rows) for table, rows in removed.items()}

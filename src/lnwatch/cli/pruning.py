"""Has the ledger thinned out: by the daemon where one runs, else by ourselves."""

from collections.abc import Mapping
from typing import Final

from lnwatch.cli.visit import visiting
from lnwatch.clock import Clock
from lnwatch.config import Config
from lnwatch.errors import InboxError
from lnwatch.store.backend import backend_of

_PATIENCE: Final = 60.0  # seconds


async def prune_ledger(config: Config, clock: Clock) -> Mapping[str, int]:
    """Rows removed by table. Raises LedgerError, and InboxError where a daemon runs but does not answer."""
    async with visiting(config, clock) as visit:
        if await visit.daemon_runs():
            return _removed(await visit.ask("prune", {}, _PATIENCE))
        holder = backend_of(config.ledger, config.data_dir)
        holder.hold()  # so that no daemon begins in the middle
        try:
            return await visit.ledger.prune(clock.now())
        finally:
            holder.release()


def _removed(answer: Mapping[str, object]) -> Mapping[str, int]:
    removed = answer.get("removed")
    if not isinstance(removed, dict):
        raise InboxError("the daemon gave no figures: see its log")
    return {str(table): int(rows) for table, rows in removed.items()}

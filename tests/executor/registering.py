"""A process that registers one webhook, and dies where it is told to: for `test_registration_kill.py`."""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from lnwatch.clock import SystemClock
from lnwatch.executor.executor import Executor
from lnwatch.executor.opening import Hired, Shopfront
from lnwatch.executor.settings import BLOCK
from lnwatch.net import Door
from lnwatch.sources import Place
from lnwatch.store import LedgerSettings, open_ledger
from tests.executor.killed import DyingHands, DyingJournal
from tests.executor.shopfront import registration, settings_for


async def carry_out(folder: Path, *told: str) -> None:
    """Restore, and consider the registration, with a key that was lent anew."""
    ledger_url, server, store, key, wanted = told
    clock = SystemClock()
    ledger = await open_ledger(LedgerSettings(url=SecretStr(ledger_url)), folder, clock)
    place = Place("main", "pay", clock, Door(clock=clock))
    hired = Hired([], [Shopfront(place, settings_for(server, store, folder))], dry_run=False)
    crew = {key: tuple(DyingHands(hands, wanted) for hands in each) for key, each in hired.crew.items()}
    executor = Executor(DyingJournal(ledger.journal, wanted), crew, BLOCK(dry_run=False), clock)
    draft = registration(store)
    hired.keys.lend(draft.need, SecretStr(key))
    await executor.restore()
    await asyncio.sleep(1.1)  # the pause between two proposals
    await executor.consider([draft])
    await ledger.close()


if __name__ == "__main__":
    asyncio.run(carry_out(Path(sys.argv[1]), *sys.argv[2:]))

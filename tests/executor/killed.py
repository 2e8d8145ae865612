"""A process that carries out one call, and dies where it is told to: for `test_kill.py`."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from lnwatch.clock import SystemClock
from lnwatch.executor.executor import Executor
from lnwatch.executor.hands import Hands
from lnwatch.executor.opening import Hired, Workplace
from lnwatch.executor.settings import BLOCK
from lnwatch.model.action import Intent, Proposal, Receipt, Step
from lnwatch.net import Door
from lnwatch.sources import Place
from lnwatch.sources.lnd.settings import LndSettings
from lnwatch.store import LedgerSettings, open_ledger
from lnwatch.store.journal import Journal
from tests.domain.proposals import call
from tests.forks import Forks

STEPS = ["Proposal before", "Proposal after", "Intent before", "Intent after"]
STEPS += ["act before", "act after", "Receipt before", "Receipt after"]


def die_at(here: str, wanted: str) -> None:
    """As `kill -9` would."""
    if here == wanted:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingJournal(Journal):
    """Dies before or after a step of the wanted kind is stored."""

    def __init__(self, journal: Journal, wanted: str) -> None:
        super().__init__(journal._workers)
        self._wanted = wanted

    async def add(self, steps: Sequence[Step], heads: Mapping[str, int]) -> None:
        kind = type(steps[0].deed).__name__
        die_at(f"{kind} before", self._wanted)
        await super().add(steps, heads)
        die_at(f"{kind} after", self._wanted)


class DyingHands:
    """Dies before or after the deed."""

    def __init__(self, hands: Hands, wanted: str) -> None:
        self._hands = hands
        self._wanted = wanted
        self.name = hands.name

    async def prepare(self, draft: Proposal) -> Proposal:
        return await self._hands.prepare(draft)

    def intend(self, proposal: Proposal) -> Intent:
        return self._hands.intend(proposal)

    async def act(self, proposal: Proposal, intent: Intent) -> Receipt:
        die_at("act before", self._wanted)
        receipt = await self._hands.act(proposal, intent)
        die_at("act after", self._wanted)
        return receipt

    async def look_up(self, proposal: Proposal, intent: Intent) -> Receipt:
        return await self._hands.look_up(proposal, intent)


async def carry_out(ledger_url: str, folder: Path, peer: str, wanted: str) -> None:
    """Restore, and consider a call of `peer`; `folder` has `node.json` and the macaroon for the hands."""
    clock = SystemClock()
    ledger = await open_ledger(LedgerSettings(url=SecretStr(ledger_url)), folder, clock)
    settings = LndSettings.model_validate(json.loads((folder / "node.json").read_text()))
    place = Place("main", "ln1", clock, Door(clock=clock))
    hired = Hired([Workplace(place, settings, folder / "hands.macaroon")], dry_run=False)
    crew = {key: tuple(DyingHands(hands, wanted) for hands in each) for key, each in hired.crew.items()}
    executor = Executor(DyingJournal(ledger.journal, wanted), crew, BLOCK(dry_run=False), clock)
    await executor.restore()
    subject = f"peer:{peer}"
    await executor.consider([call(subject=subject, touches=(subject,), parameters={"public_key": peer}, added={})])
    await hired.close()
    await ledger.close()


def main() -> None:
    """With the words of the command line."""
    url, folder, peer, wanted = sys.argv[1:]
    asyncio.run(carry_out(url, Path(folder), peer, wanted))


LIVES = Forks("tests.executor.killed:main", "killed")

"""A daemon that does nothing but hold its ledger and serve its inbox, in a thread: the real desk over real cases."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lnwatch.clock import SystemClock
from lnwatch.desk import Desk
from lnwatch.model.silence import Silence
from lnwatch.model.view import View
from lnwatch.store import CaseChange, Ledger, LedgerSettings, open_ledger
from tests.brains import all_rules, make_office

SITES = ("main", "shop")


class Brisk(SystemClock):
    """A clock on which a second between two looks is short."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.02))


async def _open(settings: LedgerSettings, changes: Sequence[CaseChange], silences: Sequence[Silence]) -> Ledger:
    ledger = await open_ledger(settings, Path("data"), SystemClock())
    await ledger.commit(changes)
    for silence in silences:
        await ledger.put_silence(silence)
    return ledger


def leave(settings: LedgerSettings, changes: Sequence[CaseChange] = (), silences: Sequence[Silence] = ()) -> None:
    """A ledger as a daemon left it that does not run any more."""

    async def write() -> None:
        await (await _open(settings, changes, silences)).close()

    asyncio.run(write())


@contextmanager
def running(
    settings: LedgerSettings,
    changes: Sequence[CaseChange] = (),
    silences: Sequence[Silence] = (),
    *,
    deaf: bool = False,
) -> Iterator[None]:
    """One that runs until the end of the block; a deaf one looks into no inbox."""
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        clock = Brisk()
        ledger = await _open(settings, changes, silences)
        caseload = make_office(ledger, clock, sites=SITES).brain.caseload
        for site in SITES:  # before it knows any case: what is not configured here would end
            await caseload.judge(View(site, clock.now(), None, {}, {}, {}))
        await caseload.restore(clock.now())
        desk = Desk(caseload, ledger, clock, frozenset(rule.id for rule in all_rules() if rule.never_muted))
        serving = asyncio.create_task(asyncio.Event().wait() if deaf else desk.serve(lambda: None))
        ready.set()
        await asyncio.to_thread(stop.wait)
        serving.cancel()
        await ledger.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert ready.wait(30), "it did not start"
    try:
        yield
    finally:
        stop.set()
        thread.join()

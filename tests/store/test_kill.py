"""`kill -9` at any moment: what was acknowledged is there, what was not is there whole or not at all."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.model.lightning import InvoiceState
from lnwatch.store import Entry, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock
from tests.store.stories import NODE, SITE, birth, entry, forward, invoice, rows, settled

BATCH = 20
KILLS = 5


def page(number: int) -> list[Entry]:
    """What the node tells in its page of that number: the invoices of the page before are settled by now."""
    opened = [invoice(f"{number:08x}{n:04x}", add_index=number * BATCH + n) for n in range(BATCH)]
    paid = [settled(f"{number - 1:08x}{n:04x}", paid=1 + n) for n in range(BATCH)]
    return [entry(*opened, *paid, forward(float(10**9 + number)), cursors={"live": str(number)})]


async def collect(url: str, folder: Path) -> None:
    """As the daemon does: go on from the cursor, page after page, until killed."""
    ledger = await open_ledger(LedgerSettings(url=SecretStr(url)), folder, ManualClock())
    await ledger.append([birth(1.0)])
    memory = ledger.memory(SITE, NODE)
    while True:
        number = int(await memory.cursor("live") or "0") + 1
        await ledger.append(page(number))
        print(number, flush=True)  # noqa: T201 - the acknowledgement that the test reads


def acknowledged(url: str, folder: Path, lifetime: float) -> int:
    """Let a process collect for a while, kill it; returns the last page that it said was stored."""
    command = [sys.executable, "-m", "tests.store.test_kill", url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it is at work
        time.sleep(lifetime)
        process.send_signal(signal.SIGKILL)
        told = process.stdout.read().splitlines()
    return int(told[-1]) if told and told[-1] else 0


@pytest.mark.timeout(180)
async def test_killed_again_and_again(ledger_url: str, tmp_path: Path) -> None:
    """Across kills at random moments no page is lost, and none counts twice."""
    chance = random.Random(4)
    settings = LedgerSettings(url=SecretStr(ledger_url))
    last = 0
    for _ in range(KILLS):
        last = max(last, acknowledged(ledger_url, tmp_path, chance.uniform(0.0, 0.25)))
    ledger = await open_ledger(settings, tmp_path, ManualClock())
    stored = int(await ledger.memory(SITE, NODE).cursor("live") or "0")
    totals = (await ledger.totals())[SITE, NODE]
    await ledger.close()
    assert stored >= last > KILLS
    assert ledger.starts == KILLS + 1
    pages = range(stored + 1)
    assert len(rows(settings, "lightning_invoice")) == len(pages) * BATCH
    assert totals.outcomes[InvoiceState.SETTLED] == stored * BATCH
    assert totals.received_msat == stored * sum(range(1, BATCH + 1))
    assert len(rows(settings, "forward")) == stored
    sums = {(row["series"], row["width"]): 0 for row in rows(settings, "bucket")}
    for row in rows(settings, "bucket"):
        sums[row["series"], row["width"]] += row["n"]
    assert sums["lightning_invoice_settled", 3_600] == stored * BATCH
    assert sums["lightning_forward", 3_600] == stored


if __name__ == "__main__":
    asyncio.run(collect(sys.argv[1], Path(sys.argv[2])))

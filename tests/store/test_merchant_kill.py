"""`kill -9` between what is told and what is made of it: nothing is lost, and nothing counts twice."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.model.merchant import InvoiceStatus
from lnwatch.store import GroupChange, Ledger, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock
from tests.store.merchant_stories import BTCPAY, SHOP, birth_of_shop, kept, lightning, shop_invoice, told
from tests.store.stories import SITE, rows

PAGE = 10
KILLS = 4


async def work(url: str, folder: Path) -> None:
    """As the daemon does: make orders of what is stale, then tell the next page, until killed."""
    ledger = await open_ledger(LedgerSettings(url=SecretStr(url)), folder, ManualClock())
    await ledger.append([birth_of_shop()])
    memory = ledger.memory(SITE, BTCPAY)
    while True:
        await make_orders(ledger)
        number = int(await memory.cursor("live") or "0") + 1
        names = [f"{number:06}-{n}" for n in range(PAGE)]
        page = [shop_invoice(name, InvoiceStatus.SETTLED, methods=(lightning(payment_hash=name),)) for name in names]
        await ledger.append([told(*page, cursors={"live": str(number)})])
        print(number, flush=True)  # noqa: T201 - the acknowledgement that the test reads


async def make_orders(ledger: Ledger) -> None:
    """Of each invoice an order."""
    while groups := await ledger.orders.stale(4):
        await ledger.orders.commit(
            [
                GroupChange(found.group, found.token, tuple(kept(story.invoice.id) for story in found.stories))
                for found in await ledger.orders.gather(groups)
            ]
        )


def acknowledged(url: str, folder: Path, lifetime: float) -> int:
    """Let a process work for a while, kill it; returns the last page that it said was stored."""
    command = [sys.executable, "-m", "tests.store.test_merchant_kill", url, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = next((line for line in process.stdout if line.strip().isdigit()), "0")  # now it is at work
        time.sleep(lifetime)
        process.send_signal(signal.SIGKILL)
        said = [first, *process.stdout]
    return max(int(line) for line in said if line.strip().isdigit())


@pytest.mark.timeout(180)
async def test_killed_between_append_and_commit(ledger_url: str, tmp_path: Path) -> None:
    """Across kills at random moments every order is made, counted once, and the sequence has no gaps."""
    chance = random.Random(6)
    settings = LedgerSettings(url=SecretStr(ledger_url))
    last = 0
    for _ in range(KILLS):
        last = max(last, acknowledged(ledger_url, tmp_path, chance.uniform(0.0, 0.3)))
    ledger = await open_ledger(settings, tmp_path, ManualClock())
    await make_orders(ledger)
    stored = int(await ledger.memory(SITE, BTCPAY).cursor("live") or "0")
    counters = (await ledger.orders.counters())[SITE, SHOP]
    await ledger.close()
    assert stored >= last >= 1
    orders = rows(settings, "merchant_order")
    assert len(orders) == len(rows(settings, "merchant_invoice")) == stored * PAGE
    assert sorted(row["sequence"] for row in orders) == list(range(1, len(orders) + 1))
    assert counters == {"orders": len(orders)}
    assert sum(row["n"] for row in rows(settings, "bucket") if row["width"] == 3_600) == len(orders)


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], Path(sys.argv[2])))

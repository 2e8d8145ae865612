"""`kill -9` at each step of a registration, over both backends: one webhook in the end, whose secret we know."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.domain.book import Book
from lnwatch.store import LedgerSettings, open_ledger
from tests.executor.killed import STEPS
from tests.executor.shopfront import Front, front
from tests.manual_clock import ManualClock


async def run(url: str, shop: Front, key: str, step: str) -> int:
    """One life of the process; its exit status."""
    place = [str(shop.folder), url, shop.world.btcpay.url, shop.world.store.id, key, step]
    command = [sys.executable, "-m", "tests.executor.registering", *place]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, words = await process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, words.decode()
    return process.returncode


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", ["", *STEPS])
async def test_killed_at_each_step(ledger_url: str, tmp_path: Path, step: str) -> None:
    """Wherever it dies, the next life finds what there is: nothing is created twice, and nothing is left unknown."""
    async with front(tmp_path) as shop:
        key = shop.lend()
        assert await run(ledger_url, shop, key, step) == (-signal.SIGKILL if step else 0)
        assert await run(ledger_url, shop, key, "") == 0
        (made,) = shop.webhooks
        assert len(shop.asked("POST")) == 1
        assert made.secret == shop.secret_file.read_text().strip()
        ledger = await open_ledger(LedgerSettings(url=SecretStr(ledger_url)), tmp_path, ManualClock())
        steps = await ledger.journal.read()
        await ledger.close()
        book = Book().after(steps)
        assert not book.open
        assert list(book.records.values())[-1].state == "done"
        assert key not in repr(steps)
        assert made.secret not in repr(steps)

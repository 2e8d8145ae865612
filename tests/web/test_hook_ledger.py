"""Webhooks and the ledger as they are, over both backends: many at once, again after a restart, read and let go of."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from lnwatch.clock import SystemClock
from lnwatch.store import Ledger, LedgerSettings, open_ledger
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures are found by their names
from tests.store.conftest import ledger_url  # noqa: F401 - it is over both backends
from tests.web.hooks import SECRET, Porch, body_of

MANY = 150


async def opened(url: str, folder: Path) -> Ledger:
    return await open_ledger(LedgerSettings(url=SecretStr(url)), folder, SystemClock())


def told(number: int, **fields: object) -> bytes:
    ids = {"deliveryId": f"D{number}", "originalDeliveryId": f"D{number}", "timestamp": 1_795_000_000 + number}
    return body_of(**(ids | fields))


@pytest.mark.timeout(120)
async def test_a_burst_is_stored_and_known_again(ledger_url: str, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    """What was answered with 200 waits in the ledger as it came; another life knows each of them, read or not."""
    clock = SystemClock()
    ledger = await opened(ledger_url, tmp_path)
    porch = Porch(ledger.hooks, clock, webhook_secret=SECRET)
    answers = await asyncio.gather(*(porch.send(told(number)) for number in range(MANY)))
    assert {answer.status_code for answer in answers} == {200}
    await ledger.close()

    ledger = await opened(ledger_url, tmp_path)
    waiting = await ledger.hooks.waiting(2 * MANY)
    assert sorted(row.body for row in waiting) == sorted(told(number) for number in range(MANY))
    await ledger.hooks.read(waiting[:100])
    assert len(await ledger.hooks.waiting(2 * MANY)) == MANY - 100
    porch = Porch(ledger.hooks, clock, webhook_secret=SECRET)
    again = [told(number, deliveryId=f"E{number}", isRedelivery=True) for number in range(MANY)]
    await asyncio.gather(*map(porch.send, again))
    assert porch.counted() == {"duplicate": MANY}
    assert len(await ledger.hooks.waiting(2 * MANY)) == MANY - 100
    await ledger.close()

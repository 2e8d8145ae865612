import asyncio
from collections import Counter

from sqlalchemy import event

from lnwatch.store import Ledger, LedgerSettings, RawHook
from tests.store.stories import NOW, SITE, rows

DAY = 86_400


async def test_first_of_its_delivery(ledger: Ledger) -> None:
    """Of one delivery the first body is kept, also among many that come at once; sources are apart."""
    puts = [("btcpay", "d1", b"1"), ("btcpay", "d2", b"2"), ("btcpay", "d1", b"3"), ("other", "d1", b"4")]
    new = await asyncio.gather(*(ledger.hooks.put(SITE, source, name, NOW, body) for source, name, body in puts))
    assert new == [True, True, False, True]
    assert not await ledger.hooks.put(SITE, "btcpay", "d2", NOW + 9.0, b"5")
    assert {(each.source, each.delivery): each.body for each in await ledger.hooks.waiting(9)} == {
        ("btcpay", "d1"): b"1",
        ("btcpay", "d2"): b"2",
        ("other", "d1"): b"4",
    }


async def test_read_in_the_order_of_time(ledger: Ledger, settings: LedgerSettings) -> None:
    """What waits is read oldest first; read once it is done with, and still known; its body is never exported."""
    for number in (3, 1, 2):
        await ledger.hooks.put(SITE, "btcpay", f"d{number}", NOW + number, b"{}")
    (first, second) = await ledger.hooks.waiting(2)
    assert first == RawHook(SITE, "btcpay", "d1", NOW + 1, b"{}")
    await ledger.hooks.read([first, second])
    assert [each.delivery for each in await ledger.hooks.waiting(9)] == ["d3"]
    exported = rows(settings, "webhook_received")
    assert [(row["body"], row["parsed_at"] is None) for row in exported] == [(None, False), (None, False), (None, True)]
    assert not await ledger.hooks.put(SITE, "btcpay", "d1", NOW + 9, b"{}")


async def test_many_in_one_transaction(ledger: Ledger) -> None:
    """What comes while others are written is written together."""
    transactions = Counter[str]()
    event.listen(ledger._workers.database.writer, "begin", lambda _: transactions.update(["begun"]))
    puts = [ledger.hooks.put(SITE, "btcpay", f"d{n}", NOW, b"{}" * 500) for n in range(200)]
    assert all(await asyncio.gather(*puts))
    assert transactions["begun"] <= 2


async def test_forgotten_in_time(ledger: Ledger) -> None:
    """That a webhook came is known for a week after it was read; one that nobody read stays."""
    for name in ("d1", "d2"):
        await ledger.hooks.put(SITE, "btcpay", name, NOW, b"{}")
    (first, _) = await ledger.hooks.waiting(9)
    await ledger.hooks.read([first])
    assert (await ledger.prune(NOW + 100 * DAY))["webhook_received"] == 1
    assert [each.delivery for each in await ledger.hooks.waiting(9)] == ["d2"]

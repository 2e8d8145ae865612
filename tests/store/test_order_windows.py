"""Large groups: a donation button that reuses one order id for ever."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from lnwatch.model.merchant import BtcpayInvoice
from lnwatch.model.order import InvoiceStory, Outcome
from lnwatch.store import Gathered, Kept, Ledger, LedgerSettings
from lnwatch.store.orders import windows
from tests.store.merchant_stories import MADE, adds, birth_of_shop, group, kept, settle, shop_invoice, take, told
from tests.store.stories import BORN, rows

SIZE = 3  # invoices of one order, as these tests make them
MANY = 1_300


@pytest.fixture(params=["together", "one by one"], autouse=True)
def _reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small groups are read together, large ones one by one: both come to the same."""
    if request.param == "one by one":
        monkeypatch.setattr(windows, "WHOLE", 0)  # the bound is about memory: to exceed it takes thousands of rows


def made(number: int) -> int:
    """Three invoices a second: ids tell apart what was made in one."""
    return MADE + number // 3


def donations(numbers: Sequence[int], seen_at: float = MADE + 1.5) -> list[BtcpayInvoice]:
    return [shop_invoice(f"i{n:05}", seen_at=seen_at, order_id="donation", created_at=made(n)) for n in numbers]


def fold(found: Gathered) -> list[Kept]:
    """Orders of SIZE invoices each; what has a number keeps its invoices."""
    pinned = [each for each in found.kept if each.order.sequence is not None]
    taken = {name for each in pinned for name in each.order.invoices}
    free = [story for story in found.stories if story.invoice.id not in taken]
    return [*pinned, *(order(free[n : n + SIZE]) for n in range(0, len(free), SIZE))]


def order(stories: Sequence[InvoiceStory]) -> Kept:
    first = stories[0]
    final = len(stories) == SIZE
    outcome = Outcome.SETTLED if final else Outcome.OPEN
    brought = kept(first.invoice.id, outcome, history=first.history, created_at=first.invoice.created_at)
    names = tuple(story.invoice.id for story in stories)
    return replace(
        brought, order=replace(brought.order, invoices=names), contribution=adds(("a", first.invoice.created_at))
    )


async def work(ledger: Ledger) -> int:
    """Make orders until nothing is stale; returns how many stories that took."""
    told_of = 0
    for _ in range(99):
        found = await take(ledger)
        if not found:
            return told_of
        for each in found:
            told_of += len(each.stories)
            orders = fold(each)
            dropped = {kept.order.id for kept in each.kept} - {kept.order.id for kept in orders}
            await settle(ledger, each, *orders, dropped=sorted(dropped))
    pytest.fail("it never ends")


def members(settings: LedgerSettings) -> list[str]:
    return [row["invoices"] for row in rows(settings, "merchant_order")]


def expected(count: int) -> list[str]:
    names = [f'"i{n:05}"' for n in range(count)]
    return [f"[{', '.join(names[n : n + SIZE])}]" for n in range(0, count, SIZE)]


async def test_more_than_a_window(ledger: Ledger, settings: LedgerSettings) -> None:
    """A group beyond any window comes in several, and no order is cut where a window ends."""
    await ledger.append([birth_of_shop(), told(*donations(range(MANY)))])
    assert await work(ledger) < MANY + 4 * SIZE
    assert members(settings) == expected(MANY)
    assert [row["sequence"] for row in rows(settings, "merchant_order")] == [*range(1, MANY // SIZE + 1), None]
    assert sum(row["n"] for row in rows(settings, "bucket") if row["width"] == 3_600) == len(expected(MANY))


async def test_news_of_a_large_group(ledger: Ledger, settings: LedgerSettings) -> None:
    """News takes no more than the order that it may belong to, and news of an old one no more than a window."""
    await ledger.append([birth_of_shop(), told(*donations(range(MANY)))])
    await work(ledger)
    await ledger.append([told(*donations([MANY]))])
    assert await work(ledger) == MANY % SIZE + 1
    await ledger.append([told(*donations([9], seen_at=MADE + 99.0))])
    assert await work(ledger) == windows.WINDOW
    assert members(settings) == expected(MANY + 1)


async def test_back_fill_of_a_large_group(ledger: Ledger, settings: LedgerSettings) -> None:
    """Pages of history, the newest first, end in the orders that one page would have made."""
    await ledger.append([birth_of_shop()])
    old = [replace(each, created_at=each.created_at - MADE + BORN - 9_999) for each in donations(range(900))]
    for start in (600, 300, 0):
        page = told(*old[start : start + 300], history=True, cursors={"history_shop": str(start)})
        await ledger.append([page])
        await work(ledger)
    assert members(settings) == expected(900)
    assert {row["sequence"] for row in rows(settings, "merchant_order")} == {None}
    assert sum(row["n"] for row in rows(settings, "bucket") if row["width"] == 3_600) == len(expected(900))


async def test_gathered_from_the_order_on(ledger: Ledger) -> None:
    """What is gathered begins with the order that the oldest news belongs to."""
    await ledger.append([birth_of_shop(), told(*donations(range(30)))])
    await work(ledger)
    await ledger.append([told(*donations([13, 25], seen_at=MADE + 99.0))])
    (found,) = await take(ledger)
    assert found.stories[0].invoice.id == "i00012"
    assert len(found.stories) == 18
    assert [each.order.id for each in found.kept] == [f"i{n:05}" for n in range(12, 30, SIZE)]
    assert found.group == group("order:donation")

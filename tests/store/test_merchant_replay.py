"""Whatever the order, repetition and batching in which things are told, the ledger ends the same."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from lnwatch.model.merchant import (
    AdditionalStatus,
    BtcpayInvoice,
    InvoiceGone,
    InvoiceStatus,
    PaymentStatus,
    PayoutState,
)
from lnwatch.model.order import Outcome
from lnwatch.model.snapshot import Event
from lnwatch.store import Entry, GroupChange, Kept, Ledger, LedgerSettings, open_ledger
from tests.manual_clock import ManualClock
from tests.store.merchant_stories import (
    LINK,
    MADE,
    SHOP,
    birth_of_shop,
    delivery,
    hook,
    kept,
    lightning,
    onchain,
    paid_onchain,
    paid_over_lightning,
    payout,
    refund_link,
    shop_invoice,
    told,
)
from tests.store.stories import birth, entry, invoice, rows, settled

MANY = hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
TABLES = (
    "merchant_invoice",
    "merchant_payment",
    "merchant_term",
    "merchant_gone",
    "payout",
    "pull_payment",
    "webhook_event",
    "webhook_delivery",
    "watched_transaction",
    "lightning_invoice",
    "stale_group",
)
_sites = itertools.count()

NAMES = st.sampled_from(["i1", "i2", "i3"])
TIMES = st.sampled_from([MADE + 1.5, MADE + 2.0, MADE + 2.5, MADE + 60.25, MADE + 950.0])
METHODS = st.sampled_from(
    [
        None,
        (onchain(), lightning()),
        (onchain(), lightning(payment_hash="a2" * 32)),
        (onchain(paid_onchain()), lightning(payment_hash="a3" * 32)),
        (onchain(paid_onchain()),),
        (onchain(paid_onchain(PaymentStatus.INVALID)), lightning()),
        (onchain(paid_onchain(PaymentStatus.SETTLED)), lightning(paid_over_lightning())),
    ]
)


@st.composite
def invoices(draw: st.DrawFn) -> BtcpayInvoice:
    """A state of an invoice; at one instant two answers may differ."""
    return shop_invoice(
        draw(NAMES),
        draw(st.sampled_from(list(InvoiceStatus))),
        draw(TIMES),
        draw(METHODS),
        additional=draw(st.sampled_from(list(AdditionalStatus))),
        paid=draw(st.sampled_from([None, Decimal(0), Decimal("10.00")])),
        order_id="together",
    )


@st.composite
def hooks(draw: st.DrawFn) -> Event:
    """What a webhook said, told by any of its deliveries."""
    kind = draw(st.sampled_from(["InvoiceSettled", "InvoiceExpired", "InvoiceRefund"]))
    said = hook(kind, MADE + draw(st.sampled_from([1, 41, 900])), invoice_id=draw(NAMES))
    said = replace(said, pull_payment=LINK if kind == "InvoiceRefund" else None)
    if draw(st.booleans()):
        number = draw(st.integers(1, 3))
        said = replace(said, delivery_id=f"r{number}", redelivery=True, seen_at=said.seen_at + number)
    return delivery(said, f"d-{said.at}") if draw(st.booleans()) else said


EVENTS = st.one_of(
    invoices(),
    invoices(),
    hooks(),
    st.builds(InvoiceGone, st.just(SHOP), NAMES, TIMES),
    st.builds(refund_link, st.sampled_from([None, "i1", "i2"]), TIMES),
    st.builds(payout, st.sampled_from(list(PayoutState)), TIMES),
)
NODE_EVENTS = st.sampled_from([invoice("a1" * 32), settled("a1" * 32, MADE + 40)])


def _reading(event: Event, site: str) -> Entry:
    made = entry(event) if hasattr(event, "add_index") else told(event)
    return replace(made, site=site)


def _split(entries: Sequence[Entry], cuts: Sequence[int]) -> list[list[Entry]]:
    edges = [0, *sorted(cut % (len(entries) + 1) for cut in cuts), len(entries)]
    return [list(entries[a:b]) for a, b in itertools.pairwise(edges) if a < b]


async def _store(ledger: Ledger, site: str, events: Sequence[Event], cuts: Sequence[int]) -> None:
    await ledger.append([replace(birth(), site=site), replace(birth_of_shop(), site=site)])
    for batch in _split([_reading(event, site) for event in events], cuts):
        await ledger.append(batch)


async def _opened(settings: LedgerSettings, folder: Path) -> Ledger:
    return await open_ledger(settings, folder, ManualClock())


def _held(settings: LedgerSettings, site: str) -> dict[str, list[dict[str, Any]]]:
    """The rows, but for how often a group was touched."""
    return {
        table: [
            {name: value for name, value in row.items() if name not in {"site", "touches"}}
            for row in rows(settings, table, site)
        ]
        for table in TABLES
    }


@MANY
@given(
    events=st.lists(EVENTS | NODE_EVENTS, min_size=1, max_size=12),
    data=st.data(),
    cuts=st.lists(st.integers(0, 30), max_size=6),
)
def test_any_order(
    settings: LedgerSettings, tmp_path: Path, events: list[Event], data: st.DataObject, cuts: list[int]
) -> None:
    """Shuffled, repeated and batched otherwise, what is told leaves the same rows and marks, and the same stories."""
    again = data.draw(st.lists(st.sampled_from(events), max_size=4))
    shuffled = data.draw(st.permutations([*events, *again]))

    async def both() -> None:
        ledger = await _opened(settings, tmp_path)
        found = []
        for order, parts in ((events, []), (shuffled, cuts)):
            site = f"s{next(_sites)}"
            await _store(ledger, site, order, parts)
            groups = [each for each in await ledger.orders.stale(99) if each.site == site]
            found.append((_held(settings, site), [each.stories for each in await ledger.orders.gather(groups)]))
        await ledger.close()
        assert found[0] == found[1]

    asyncio.run(both())


def _orders(ledger_kept: Sequence[Kept], names: Sequence[str]) -> list[Kept]:
    final = {each.order.id for each in ledger_kept if each.order.sequence is not None}
    return [kept(name, Outcome.SETTLED if name in final or name != "i2" else Outcome.OPEN) for name in names]


@MANY
@given(events=st.lists(EVENTS | NODE_EVENTS, min_size=1, max_size=10), data=st.data())
def test_whenever_it_is_looked_at(
    settings: LedgerSettings, tmp_path: Path, events: list[Event], data: st.DataObject
) -> None:
    """Looked at after any batch, or cut off in between, each order counts once, and numbers have no gaps."""
    looks = data.draw(st.lists(st.sampled_from(["look", "die", "wait"]), min_size=len(events), max_size=len(events)))

    async def live() -> None:
        site = f"s{next(_sites)}"
        ledger = await _opened(settings, tmp_path)
        await _store(ledger, site, (), ())
        for event, look in zip(events, looks, strict=True):
            await ledger.append([_reading(event, site)])
            if look == "die":  # between append and commit: what was gathered is gone, its marks are not
                await ledger.orders.gather(await ledger.orders.stale(99))
                await ledger.close()
                ledger = await _opened(settings, tmp_path)
            elif look == "look":
                await _look(ledger, site)
        await _look(ledger, site)
        assert [each for each in await ledger.orders.stale(99) if each.site == site] == []
        counters = (await ledger.orders.counters()).get((site, SHOP), {})
        await ledger.close()
        held = rows(settings, "merchant_order", site)
        assert {row["id"] for row in held} == {row["id"] for row in rows(settings, "merchant_invoice", site)}
        numbers = sorted(row["sequence"] for row in held if row["sequence"] is not None)
        assert numbers == list(range(1, len(numbers) + 1))
        assert counters.get("orders", 0) == len(numbers)
        hours = [row for row in rows(settings, "bucket", site) if row["width"] == 3_600]
        ours = [row for row in hours if row["subject"] == f"store:{SHOP}"]
        assert sum(row["n"] for row in ours) == len(held)

    asyncio.run(live())


async def _look(ledger: Ledger, site: str) -> None:
    """What the maker of orders does: an order of each invoice, one of them still open."""
    groups = [each for each in await ledger.orders.stale(99) if each.site == site]
    changes = [
        GroupChange(found.group, found.token, tuple(_orders(found.kept, [each.invoice.id for each in found.stories])))
        for found in await ledger.orders.gather(groups)
    ]
    await ledger.orders.commit(changes)

"""From bodies that wait in the ledger to events: in order, once each, and proved by polls."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from lnwatch.errors import LedgerError, LedgerTrouble
from lnwatch.intake import COLLECTOR, PAGE, PATIENCE, SLICE, SPACING, Intake
from lnwatch.model.merchant import WebhookEvent
from lnwatch.sources.btcpay import Btcpay
from lnwatch.store import Entry, StateChange
from lnwatch.store.hooks import RawHook
from tests.manual_clock import ManualClock, settle
from tests.web.hooks import STORE, body_of, open_source

FULL = LedgerError(LedgerTrouble.FULL, "the disk is full")


@dataclass
class Desk:
    """Bodies that wait, the engine that takes events, and the loops that are woken; `broken` refuses everything."""

    clock: ManualClock
    rows: list[RawHook] = field(default_factory=list)
    told: list[WebhookEvent] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)
    broken: bool = False
    dying: bool = False  # takes the events, and does not live to note that they were read

    async def waiting(self, limit: int) -> Sequence[RawHook]:
        if self.broken:
            raise FULL
        return self.rows[:limit]

    async def read(self, rows: Sequence[RawHook]) -> None:
        if self.dying:
            raise FULL
        self.rows = [row for row in self.rows if row not in rows]

    async def deliver(self, items: Sequence[Entry | StateChange]) -> None:
        if self.broken:
            raise FULL
        for item in items:
            assert isinstance(item, Entry)
            self.entries.append(item)
            self.told += [event for event in item.reading.events if isinstance(event, WebhookEvent)]

    def wake(self, names: Iterable[str], spacing: float) -> None:
        self.woken += names

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.told]


def row(delivery: str, **fields: object) -> RawHook:
    return waiting(delivery, body_of(deliveryId=delivery, originalDeliveryId=delivery, **fields))


def waiting(delivery: str, body: bytes, source: str = "pay") -> RawHook:
    return RawHook("main", source, delivery, 1_800_000_000.0, body)


@asynccontextmanager
async def reading(desk: Desk) -> AsyncIterator[tuple[Intake, Btcpay]]:
    """An intake at work."""
    source = open_source(desk.clock, {"webhook_secret": "x"})
    intake = Intake(desk, {("main", "pay"): (source, desk)}, desk.clock)
    task = asyncio.create_task(intake.run(desk.deliver))
    await settle()
    try:
        yield intake, source
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_an_earlier_life_left_is_taken_up() -> None:
    """Before anything comes, what was stored and not read is read, in order and page by page, and proved."""
    left = [row(f"D{number}", type=f"T{number}") for number in range(2 * PAGE + 5)]
    desk = Desk(ManualClock(), rows=list(left))
    async with reading(desk):
        assert desk.types == [f"T{number}" for number in range(len(left))]
        assert not desk.rows
        assert set(desk.woken) == {"invoices_shop"}
        assert max(len(entry.reading.events) for entry in desk.entries) == SLICE
        entry = desk.entries[0]
        assert (entry.site, entry.source, entry.collector, entry.leads) == ("main", "pay", COLLECTOR, False)
        assert {event.seen_at for event in desk.told} == {left[0].at}


async def test_a_new_one_is_read_and_proved_once() -> None:
    """What comes wakes its poll at once, and is read without another."""
    desk = Desk(ManualClock())
    async with reading(desk) as (intake, source):
        event = source.hear(row("D1").body, 1.0)
        assert event is not None
        desk.rows.append(row("D1"))
        intake.heard("main", "pay", event)
        assert desk.woken == ["invoices_shop"]
        await desk.clock.advance(SPACING)
        assert desk.types == ["InvoiceSettled"]
        assert desk.woken == ["invoices_shop"]


PROOFS = [
    ({}, ["invoices_shop"]),
    ({"invoiceId": None}, []),
    ({"invoiceId": "../no-id"}, []),
    ({"type": "InvoiceRefund", "pullPaymentId": "P1"}, ["invoices_shop", "refunds_shop"]),
    ({"invoiceId": None, "payoutId": "O1", "payoutState": "Completed"}, ["payouts_shop"]),
    ({"invoiceId": None, "payoutId": "O1", "pullPaymentId": "P1"}, ["payouts_shop", "refunds_shop"]),
    ({"invoiceId": None, "paymentRequestId": "R1"}, ["requests_shop"]),
    ({"type": "SomethingNew", "invoiceId": None}, []),
]


@pytest.mark.parametrize(("fields", "names"), PROOFS)
async def test_each_is_proved_by_what_it_is_about(fields: dict[str, object], names: list[str]) -> None:
    """The collector that can prove it is woken, and no other; what nothing can prove is kept all the same."""
    desk = Desk(ManualClock(), rows=[row("D1", **fields)])
    async with reading(desk) as (_, source):
        assert desk.woken == names
        assert len(desk.told) == 1
        assert {collector.name for collector in source.collectors} >= set(names)


async def test_what_can_t_be_read_holds_nothing_up() -> None:
    """A store or source that is configured no more, or a body of another age, is let go of; the others are read."""
    lost = [waiting("X1", b"{}"), row("X2", storeId="Gone"), waiting("X3", body_of(), source="gone")]
    desk = Desk(ManualClock(), rows=[*lost, row("D1", type="Kept")])
    async with reading(desk):
        assert desk.types == ["Kept"]
        assert not desk.rows


@pytest.mark.parametrize("way", ["broken", "dying"])
async def test_a_ledger_in_trouble_is_tried_again(way: str) -> None:
    """What waits is read as soon as the ledger can be used, also when it was delivered once already."""
    desk = Desk(ManualClock(), rows=[row("D1")])
    setattr(desk, way, True)
    async with reading(desk):
        assert len(desk.rows) == 1
        setattr(desk, way, False)
        await desk.clock.advance(PATIENCE + SPACING)
        assert not desk.rows
        assert set(desk.types) == {"InvoiceSettled"}


async def test_the_store_is_told_by_its_slug() -> None:
    """An event bears our name of the store, whatever BTCPay calls it."""
    desk = Desk(ManualClock(), rows=[row("D1", storeId=STORE)])
    async with reading(desk):
        assert [event.store for event in desk.told] == ["shop"]

from lnwatch.model.lightning import (
    INVOICE_FINAL,
    Forward,
    InvoiceState,
    LightningInvoice,
    LightningPayment,
    PaymentState,
)
from lnwatch.model.snapshot import Backfill
from tests.sources.lnd.bench import Builder

HISTORY = 1_730


async def test_invoices_newest_first(build: Builder) -> None:
    """All of the history comes once, newest first; finals go to the roll-ups, open ones become rows."""
    bench = await build(invoices=HISTORY)
    await bench.read("invoices")
    readings = await bench.drain("invoice_history")
    assert all(reading.history for reading in readings)
    pages = [[one.add_index for one in reading.events if isinstance(one, LightningInvoice)] for reading in readings]
    assert [page[0] for page in pages] == sorted((page[0] for page in pages), reverse=True)
    seen = [one.add_index for one in bench.ledger.rolled_up] + [one.add_index for one in bench.ledger.invoices.values()]
    assert sorted(seen) == list(range(1, HISTORY + 1))
    assert {one.state for one in bench.ledger.invoices.values()} == {InvoiceState.OPEN}
    assert all(one.state in INVOICE_FINAL for one in bench.ledger.rolled_up)
    assert readings[-1].backfill == Backfill(HISTORY, HISTORY, finished=True)
    assert readings[0].backfill == Backfill(500, HISTORY, finished=False)


async def test_resumes_after_a_kill(build: Builder) -> None:
    """A process that is killed between pages, or before a page was stored, loses and repeats nothing."""
    bench = await build(invoices=HISTORY)
    await bench.read("invoices")
    await bench.read("invoice_history")
    await bench.read("invoice_history", store=False)  # killed before the ledger had it
    bench.restart()
    await bench.drain("invoice_history")
    seen = [one.add_index for one in bench.ledger.rolled_up] + [one.add_index for one in bench.ledger.invoices.values()]
    assert sorted(seen) == list(range(1, HISTORY + 1))


async def test_told_history_asks_nothing(build: Builder) -> None:
    """Once the history is told, and before it may begin, the node is left alone."""
    bench = await build(invoices=10)
    waiting = await bench.read("invoice_history")
    assert waiting.backfill == Backfill(0, None, finished=False)
    assert bench.asked("ListInvoices") == 0
    await bench.read("invoices")
    await bench.drain("invoice_history")
    asked = bench.asked("ListInvoices")
    told = await bench.read("invoice_history")
    assert (told.events, told.more, told.backfill) == ((), False, Backfill(10, 10, finished=True))
    assert bench.asked("ListInvoices") == asked


async def test_node_without_history(build: Builder) -> None:
    """A node that never made anything has told its history at once."""
    bench = await build()
    for name in ("invoices", "payments", "forwards"):
        await bench.read(name)
    for name in ("invoice_history", "payment_history", "forward_history"):
        backfill = (await bench.read(name)).backfill
        assert backfill is not None
        assert backfill.finished


async def test_settled_between_birth_and_page_is_live(build: Builder) -> None:
    """An invoice that was open at birth and settled before its page is read counts as live, not as history."""
    bench = await build(invoices=8)
    await bench.read("invoices")
    bench.clock.shift += 2
    bench.node.invoices.settle(7)
    await bench.drain("invoice_history")
    live = {one.add_index: one.state for one in bench.ledger.invoices.values()}
    assert live[7] is InvoiceState.SETTLED
    assert 7 not in {one.add_index for one in bench.ledger.rolled_up}


async def test_cancelled_before_birth_is_history(build: Builder) -> None:
    """A cancellation whose time nobody knows, found in the history, counts as one from before birth."""
    bench = await build(invoices=8)
    bench.node.invoices.cancel(7)
    await bench.read("invoices")
    bench.clock.shift += 5
    await bench.drain("invoice_history")
    assert {one.add_index: one.state for one in bench.ledger.rolled_up}[7] is InvoiceState.CANCELED


async def test_open_at_birth_is_followed(build: Builder) -> None:
    """What the history found open is read again by the polls until it ends."""
    bench = await build(invoices=8)
    await bench.read("invoices")
    await bench.drain("invoice_history")
    assert [one.add_index for one in bench.ledger.invoices.values()] == [3, 7]
    bench.clock.shift += 4_000
    await bench.read("invoices")
    assert {one.state for one in bench.ledger.invoices.values()} == {InvoiceState.EXPIRED}


async def test_payments(build: Builder) -> None:
    """Payments before birth are history too, without routes where release and database can leave them out."""
    for release, on_sql in (("0.21.2", True), ("0.21.2", False), ("0.20.1", True)):
        destination = not on_sql or release != "0.21.2"
        bench = await build(payments=230, release=release)
        bench.node.payments.on_sql = on_sql
        await bench.read("node")
        await bench.read("payments")
        readings = await bench.drain("payment_history")
        assert [len(reading.events) for reading in readings] == [100, 100, 30]
        assert len(bench.ledger.payments) == 230
        told = bench.ledger.payments.values()
        assert {one.state for one in told} == {PaymentState.SUCCEEDED, PaymentState.FAILED}
        assert all((one.destination is not None) is destination for one in told)
        assert all(isinstance(event, LightningPayment) for reading in readings for event in reading.events)


async def test_forwards(build: Builder) -> None:
    """Forwards before birth come oldest first, once, and a kill between pages repeats none."""
    bench = await build(forwards=1_100)
    await bench.read("forwards")
    await bench.read("forward_history")
    bench.node.forwards.forward()
    bench.restart()
    readings = await bench.drain("forward_history")
    assert readings[-1].backfill == Backfill(1_100, 1_100, finished=True)
    told = [event.htlc_in for event in bench.ledger.others if isinstance(event, Forward)]
    assert told == list(range(1_100))
    assert (await bench.read("forward_history")).events == ()

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.model.snapshot import Reading
from tests.sources.lnd.bench import Bench, Builder


async def until(bench: Bench, readings: AsyncGenerator[Reading, None], index: int, state: InvoiceState) -> int:
    """Store readings until the invoice with this add index is in that state; how many readings it took."""
    taken = 0
    while True:
        held = {one.add_index: one.state for one in bench.ledger.invoices.values()}
        if held.get(index) is state:
            return taken
        async with asyncio.timeout(10):
            bench.ledger.take(await anext(readings))
        await asyncio.sleep(0.01)  # storing takes its time, too
        taken += 1


async def test_follows_invoices(bench: Bench) -> None:
    """New and settled invoices arrive with the cursors that they move; a settlement alone moves the second."""
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        assert (await anext(readings)).events == ()
        bench.node.invoices.add(5_000_000)
        bench.node.invoices.add(5_000_000)
        await until(bench, readings, 2, InvoiceState.OPEN)
        assert bench.ledger.cursors == {"invoices.stream_add_index": "2", "invoices.settle_index": "0"}
        bench.node.receive(1)
        await until(bench, readings, 1, InvoiceState.SETTLED)
        assert bench.ledger.cursors == {"invoices.stream_add_index": "2", "invoices.settle_index": "1"}


async def test_replays_what_was_missed(bench: Bench) -> None:
    """After a restart LND tells again from the stored cursors what was added and settled meanwhile."""
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        await anext(readings)
        for _ in range(3):
            bench.node.invoices.add(5_000_000)
        bench.node.receive(1)
        await until(bench, readings, 1, InvoiceState.SETTLED)
    bench.node.receive(2)
    for _ in range(600):
        bench.node.invoices.add(1_000_000)
    bench.restart()
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        taken = await until(bench, readings, 2, InvoiceState.SETTLED)
        assert taken < 200  # what has piled up comes together
    assert len(bench.ledger.invoices) == 603
    assert bench.ledger.cursors["invoices.settle_index"] == "2"


async def test_new_and_settled_in_the_backlog(bench: Bench) -> None:
    """A new invoice that comes settled leaves the cursor alone: an older settlement still follows it."""
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        await anext(readings)
        bench.node.invoices.add(5_000_000)
        bench.node.invoices.add(5_000_000)
        bench.node.receive(2)
        await until(bench, readings, 2, InvoiceState.SETTLED)
    bench.node.receive(1)
    bench.node.invoices.add(5_000_000)
    bench.node.receive(3)
    bench.restart()
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        reading = await anext(readings)
        assert isinstance(reading.events[0], LightningInvoice)
        told = [(one.add_index, one.state.value) for one in reading.events if isinstance(one, LightningInvoice)]
        assert told[0] == (3, "settled")
        if len(told) == 1:  # what piled up may have come together
            assert reading.cursors["invoices.settle_index"] == "1"
        bench.ledger.take(reading)
        await until(bench, readings, 1, InvoiceState.SETTLED)
        while bench.ledger.cursors["invoices.settle_index"] != "3":
            bench.ledger.take(await anext(readings))


async def test_begins_at_birth(build: Builder) -> None:
    """A first start asks for no old settlements: the cursor begins at the newest one among the newest invoices."""
    bench = await build(invoices=1_000)
    await bench.read("invoices")
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        first = bench.ledger.take(await anext(readings))
    assert first.events == ()
    assert first.cursors["invoices.settle_index"] == str(bench.node.invoices.last_settle_index)
    assert first.cursors["invoices.stream_add_index"] == "1000"


async def test_settled_before_birth_is_left_to_the_history(build: Builder) -> None:
    """A settlement from before birth that the stream tells again is not stored as live."""
    bench = await build(invoices=1_000)
    await bench.read("invoices")
    bench.ledger.cursors["invoices.settle_index"] = str(bench.node.invoices.last_settle_index - 5)
    bench.clock.shift += 2
    bench.node.invoices.settle(3)
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        await until(bench, readings, 3, InvoiceState.SETTLED)
    assert len(bench.ledger.invoices) == 1


async def test_uses_the_polls_cursor_where_it_is_ahead(build: Builder) -> None:
    """After a long absence the backlog that LND must read is what the polls have not read."""
    bench = await build()
    for _ in range(50):
        bench.node.invoices.add(1_000_000)
    bench.ledger.cursors |= {"invoices.add_index": "48", "invoices.stream_add_index": "3", "invoices.settle_index": "0"}
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        await until(bench, readings, 50, InvoiceState.OPEN)
    assert sorted(one.add_index for one in bench.ledger.invoices.values()) == [49, 50]


async def test_waits_for_birth(bench: Bench) -> None:
    """Before the site's birth is known nothing is told: what comes before it is history."""
    bench.ledger.born = None
    readings = bench.stream("invoices").listen(bench.ledger)
    first = asyncio.ensure_future(anext(readings))
    await asyncio.sleep(0.1)
    assert not first.done()
    assert bench.asked("SubscribeInvoices") == 0
    bench.ledger.born = bench.clock.now()
    async with asyncio.timeout(10):
        assert (await first).events == ()
    await readings.aclose()


async def test_amp_moves_the_cursor(bench: Bench) -> None:
    """An AMP payment, which has its settle index in its parts alone, is settled and moves the cursor."""
    async with aclosing(bench.stream("invoices").listen(bench.ledger)) as readings:
        await anext(readings)
        bench.node.invoices.add(5_000_000, amp=True)
        await until(bench, readings, 1, InvoiceState.OPEN)
        bench.node.invoices.settle(1)
        await until(bench, readings, 1, InvoiceState.SETTLED)
    assert bench.ledger.cursors["invoices.settle_index"] == "1"

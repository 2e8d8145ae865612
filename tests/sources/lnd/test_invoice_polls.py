from dataclasses import replace

import pytest

from lnwatch.errors import FailureReason, SourceError
from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.sources.lnd.invoice_polls import PAGE
from tests.sources.lnd.bench import Bench, Builder


def states(bench: Bench) -> dict[int, str]:
    """What the ledger holds, by add index."""
    return {invoice.add_index: invoice.state.value for invoice in bench.ledger.invoices.values()}


def told(events: tuple[object, ...]) -> list[tuple[int, str]]:
    return [(event.add_index, event.state.value) for event in events if isinstance(event, LightningInvoice)]


async def test_birth(build: Builder) -> None:
    """At birth the cursor stands at the newest invoice, and what is there already is left to the history."""
    bench = await build(invoices=250)
    reading = await bench.read("invoices")
    assert reading.events == ()
    assert bench.ledger.cursors == {
        "invoices.add_index": "250",
        "invoice_history.index": "251",
        "invoice_history.birth": "251",
    }
    assert reading.wakes == {"invoice_history"}


async def test_birth_of_a_node_without_invoices(bench: Bench) -> None:
    """A node that never made an invoice begins at 0, and the first one is new."""
    await bench.read("invoices")
    assert bench.ledger.cursors["invoices.add_index"] == "0"
    bench.node.invoices.add(1_000)
    await bench.read("invoices")
    assert states(bench) == {1: "open"}


async def test_a_life_in_polls(bench: Bench) -> None:
    """Settled, expired, cancelled, held: each end is found, by one call a run."""
    await bench.read("invoices")
    for _ in range(4):
        bench.node.invoices.add(50_000, expiry=600)
    await bench.read("invoices")
    assert states(bench) == dict.fromkeys(range(1, 5), "open")
    bench.node.receive(1)
    bench.node.invoices.cancel(2)
    bench.node.hold(3)
    await bench.read("invoices")
    assert states(bench) == {1: "settled", 2: "canceled", 3: "accepted", 4: "open"}
    bench.clock.shift += 700
    await bench.read("invoices")
    assert states(bench) == {1: "settled", 2: "canceled", 3: "accepted", 4: "expired"}
    bench.node.release_held(3)
    reading = await bench.read("invoices")
    assert states(bench) == {1: "settled", 2: "canceled", 3: "settled", 4: "expired"}
    assert told(reading.events) == [(3, "settled")]
    assert (await bench.read("invoices")).events == ()
    assert bench.asked("ListInvoices") == 6
    finals = {one.add_index: one.final_at for one in bench.ledger.invoices.values()}
    expired = next(one for one in bench.ledger.invoices.values() if one.add_index == 4)
    assert finals[4] == expired.created_at + 600
    assert finals[3] == pytest.approx(bench.clock.now(), abs=5)


async def test_pages(bench: Bench) -> None:
    """A backlog comes in full pages, each asking for the next, and nothing is left out."""
    await bench.read("invoices")
    for _ in range(3 * PAGE):
        bench.node.invoices.add(1_000, expiry=86_400)
    readings = await bench.drain("invoices")
    assert set(states(bench)) == set(range(1, 3 * PAGE + 1))
    assert max(len(reading.events) for reading in readings) <= PAGE
    assert bench.ledger.cursors["invoices.add_index"] == str(3 * PAGE)


async def test_full_page_waits_for_no_slot(bench: Bench) -> None:
    """After a full page the next run asks at once: there is something to catch up with."""
    await bench.read("invoices")
    for _ in range(PAGE):
        bench.node.invoices.add(1_000)
    assert (await bench.read("invoices")).more
    assert bench.source._node.hints.take("invoices")


async def test_old_open_invoices_are_swept_in_turns(bench: Bench) -> None:
    """Open invoices far behind are read a page a run, in turns, and none is asked for by itself."""
    await bench.read("invoices")
    for index in range(1, 6 * PAGE + 1):
        bench.node.invoices.add(1_000, expiry=10**6 if index % PAGE == 1 else 60)
        if index % PAGE != 1:
            bench.node.invoices.settle(index)
    await bench.drain("invoices")
    openings = [index for index, state in states(bench).items() if state == "open"]
    assert openings == [1 + PAGE * number for number in range(6)]
    bench.node.invoices.settle(openings[-2])
    before = bench.asked("ListInvoices")
    for _ in range(6):
        await bench.read("invoices")
    assert states(bench)[openings[-2]] == "settled"
    assert states(bench)[openings[0]] == "open"
    assert bench.asked("ListInvoices") - before <= 2 * 6


async def test_what_is_due_is_swept_first(bench: Bench) -> None:
    """An old invoice whose life is over is confirmed in the next run, wherever the turns stand."""
    await bench.read("invoices")
    for index in range(1, 4 * PAGE + 1):
        bench.node.invoices.add(1_000, expiry=600 if index == 2 * PAGE else 10**6)
    await bench.drain("invoices")
    bench.clock.shift += 700
    await bench.read("invoices")
    assert states(bench)[2 * PAGE] == "expired"


async def test_old_invoice_with_an_htlc_is_read(bench: Bench) -> None:
    """An HTLC that stays at the node leads to its invoice at once, however old."""
    await bench.read("invoices")
    for _ in range(3 * PAGE):
        bench.node.invoices.add(1_000_000, expiry=10**6)
    await bench.drain("invoices")
    bench.ledger.cursors["invoices.sweep"] = str(PAGE)  # the turns are elsewhere
    bench.node.hold(1)
    await bench.read("channels")
    await bench.read("invoices")
    assert states(bench)[1] == "accepted"


async def test_collected_garbage(bench: Bench) -> None:
    """Where LND deletes what it cancels, a missing row is an end: expired after its time, cancelled before."""
    bench.node.invoices.collect_garbage = True
    await bench.read("invoices")
    for _ in range(3):
        bench.node.invoices.add(1_000, expiry=600)
    await bench.read("invoices")
    bench.node.invoices.cancel(1)
    bench.node.receive(2)
    await bench.read("invoices")
    assert states(bench) == {1: "canceled", 2: "settled", 3: "open"}
    bench.clock.shift += 700
    await bench.read("invoices")
    assert states(bench)[3] == "expired"
    bench.node.invoices.add(1_000)
    await bench.read("invoices")
    assert states(bench)[4] == "open"


async def test_node_set_back(bench: Bench) -> None:
    """A node restored from an older state counts on from there: the cursor follows, and new ones are seen."""
    await bench.read("invoices")
    bench.node.invoices.add(1_000)
    bench.ledger.cursors["invoices.add_index"] = "90"
    await bench.read("invoices")
    assert bench.ledger.cursors["invoices.add_index"] == "1"
    bench.node.invoices.add(1_000)
    await bench.read("invoices")
    assert states(bench)[2] == "open"


async def test_stream_ahead_of_the_polls(bench: Bench) -> None:
    """What the stream told of a later invoice does not make the polls jump over those before it."""
    await bench.read("invoices")
    for _ in range(2 * PAGE + 10):
        bench.node.invoices.add(1_000, expiry=86_400)
    await bench.read("invoices")
    known = next(iter(bench.ledger.invoices.values()))
    told = bench.node.invoices.get(2 * PAGE + 5)
    assert told is not None
    ahead = replace(known, add_index=told.add_index, payment_hash=told.r_hash.hex())
    bench.ledger.invoices[ahead.payment_hash] = ahead
    await bench.read("invoices")
    await bench.drain("invoices")
    assert set(states(bench)) == set(range(1, 2 * PAGE + 11))


async def test_slow_node_is_asked_for_less(bench: Bench) -> None:
    """A page that takes too long is halved until the node can answer in time."""
    bench.restart(slow_timeout="1s")
    await bench.read("invoices")
    bench.double.faults.hanging.add("ListInvoices")
    with pytest.raises(SourceError) as raised:
        await bench.read("invoices")
    assert raised.value.reason is FailureReason.TIMEOUT
    bench.double.faults.hanging.clear()
    for _ in range(PAGE):
        bench.node.invoices.add(1_000)
    assert len((await bench.read("invoices")).events) == PAGE // 2
    assert set((await bench.drain("invoices"))[-1].cursors) >= {"invoices.add_index"}
    assert len(bench.ledger.invoices) == PAGE


async def test_keysend_and_amp(bench: Bench) -> None:
    """Payments without an invoice of ours are settled ones; an AMP payment without a hash is still told apart."""
    await bench.read("invoices")
    bench.node.invoices.keysend(5_000, channel=1 << 40)
    bench.node.invoices.keysend(6_000, channel=1 << 40, amp=True)
    bench.node.invoices.keysend(7_000, channel=1 << 40, amp=True)
    await bench.read("invoices")
    assert len(bench.ledger.invoices) == 3
    assert all(one.state is InvoiceState.SETTLED and one.final_at for one in bench.ledger.invoices.values())

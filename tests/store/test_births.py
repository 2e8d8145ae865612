from lnwatch.model.lightning import InvoiceState
from lnwatch.model.money import Msat
from lnwatch.model.view import NodeTotals
from lnwatch.sources import Memory
from lnwatch.store import Ledger
from tests.store.stories import NODE, SITE, birth, entry, invoice

ZERO = NodeTotals({InvoiceState.SETTLED: 0, InvoiceState.EXPIRED: 0, InvoiceState.CANCELED: 0}, received_msat=Msat(0))


async def test_first_leading_success(ledger: Ledger) -> None:
    """A site and its source are born with the first success of the leading collector, in whole seconds."""
    await ledger.append([entry(invoice(), at=90.0)])
    assert await ledger.births() == {}
    await ledger.append([birth(100.75), birth(200.0)])
    assert await ledger.births() == {(SITE, ""): 100.0, (SITE, NODE): 100.0}
    await ledger.append([birth(50.0)])
    assert (await ledger.births())[SITE, NODE] == 100.0


async def test_later_source(ledger: Ledger) -> None:
    """A source that comes later has its own birth, and its site keeps its own; other sites know of neither."""
    await ledger.append([birth(100.0)])
    await ledger.append([birth(300.0, source="core"), birth(400.0, site="other")])
    births = await ledger.births()
    assert births[SITE, "core"] == 300.0
    assert births[SITE, ""] == 100.0
    assert births["other", ""] == births["other", NODE] == 400.0


async def test_counters_are_there_from_birth(ledger: Ledger) -> None:
    """A Lightning node's counters stand at 0 from its birth on."""
    assert await ledger.totals() == {}
    await ledger.append([birth()])
    assert await ledger.totals() == {(SITE, NODE): ZERO}


async def test_memory_tells_birth(ledger: Ledger) -> None:
    """A source may ask when it was born."""
    memory: Memory = ledger.memory(SITE, NODE)
    assert await memory.born_at() is None
    await ledger.append([birth(100.75)])
    assert await memory.born_at() == 100.0

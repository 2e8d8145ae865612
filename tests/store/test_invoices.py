from dataclasses import replace

import pytest

from lnwatch.model.lightning import InvoiceState, LightningInvoice
from lnwatch.store import Entry, Ledger, LedgerSettings
from tests.store.stories import BORN, NODE, NOW, SITE, birth, buckets, entry, invoice, rows, settled

OPEN, ACCEPTED = InvoiceState.OPEN, InvoiceState.ACCEPTED
SETTLED, CANCELED, EXPIRED = InvoiceState.SETTLED, InvoiceState.CANCELED, InvoiceState.EXPIRED
BEFORE = BORN - 10 * 86_400
DAY = 86_400


async def counted(ledger: Ledger) -> tuple[int, int, int, int]:
    """Settled, expired, canceled, received msat."""
    totals = (await ledger.totals())[SITE, NODE]
    outcomes = totals.outcomes
    return outcomes[SETTLED], outcomes[EXPIRED], outcomes[CANCELED], totals.received_msat


def series(settings: LedgerSettings, width: int = 3_600) -> dict[str, tuple[int, int]]:
    """Of the windows of that width: n and sum by series, over all of them."""
    sums: dict[str, tuple[int, int]] = {}
    for (name, of, _), (n, total) in buckets(settings).items():
        if of == width:
            before = sums.get(name, (0, 0))
            sums[name] = (before[0] + n, before[1] + total)
    return sums


async def test_settled_counts_once(ledger: Ledger, settings: LedgerSettings) -> None:
    """An invoice counts when it becomes final: in the counters, and in the windows of its final time."""
    await ledger.append([birth(), entry(invoice("aa"))])
    assert await counted(ledger) == (0, 0, 0, 0)
    told = entry(settled("aa", final_at=NOW - 5, paid=250_001))
    await ledger.append([told, told])
    await ledger.append([told])
    assert await counted(ledger) == (1, 0, 0, 250_001)
    assert buckets(settings) == {
        ("lightning_invoice_settled", 300, NOW - 300): (1, 250_001),
        ("lightning_invoice_settled", 3_600, NOW - 3_600): (1, 250_001),
    }


async def test_row_is_what_was_told(ledger: Ledger, settings: LedgerSettings) -> None:
    """The row holds the invoice as the node told it last."""
    await ledger.append([birth(), entry(invoice("aa", htlcs=settled().htlcs, add_index=41))])
    assert await ledger.memory(SITE, NODE).open_invoices(10) == (invoice("aa", htlcs=settled().htlcs, add_index=41),)
    await ledger.append([entry(settled("aa", keysend=True, private=True, settle_index=9))])
    assert await ledger.memory(SITE, NODE).open_invoices(10) == ()
    (row,) = rows(settings, "lightning_invoice")
    assert (row["state"], row["settle_index"], row["final_at"]) == ("settled", 9, NOW - 5)
    assert (row["keysend"], row["private"], row["amp"]) == (True, True, False)


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        ([OPEN, ACCEPTED], ACCEPTED),
        ([ACCEPTED, OPEN], ACCEPTED),
        ([SETTLED, OPEN], SETTLED),
        ([EXPIRED, OPEN], EXPIRED),
        ([EXPIRED, ACCEPTED], EXPIRED),
        ([CANCELED, EXPIRED], CANCELED),
        ([SETTLED, EXPIRED], SETTLED),
        ([SETTLED, CANCELED], SETTLED),
        ([CANCELED, SETTLED], CANCELED),
        ([EXPIRED, SETTLED], SETTLED),
        ([EXPIRED, CANCELED], CANCELED),
        ([EXPIRED, SETTLED, EXPIRED, SETTLED], SETTLED),
    ],
)
@pytest.mark.parametrize("split", [False, True], ids=["one batch", "many"])
async def test_final_stands(
    ledger: Ledger, settings: LedgerSettings, told: list[InvoiceState], stands: InvoiceState, split: bool
) -> None:
    """A final outcome never changes, but that what was thought expired may prove settled or canceled."""
    entries = [entry(_in_state(state)) for state in told]
    await ledger.append([birth()])
    for batch in [[each] for each in entries] if split else [entries]:
        await ledger.append(batch)
    assert [row["state"] for row in rows(settings, "lightning_invoice")] == [stands.value]


def _in_state(state: InvoiceState) -> LightningInvoice:
    if state is SETTLED:
        return settled("aa")
    return invoice("aa", state, None if state in {OPEN, ACCEPTED} else NOW - 9)


async def test_late_settle_corrects(ledger: Ledger, settings: LedgerSettings) -> None:
    """What was thought expired and was settled: windows are corrected, counters only go on."""
    await ledger.append([birth(), entry(invoice("aa", EXPIRED, NOW - 4_000))])
    assert series(settings) == {"lightning_invoice_expired": (1, 0)}
    await ledger.append([entry(settled("aa", final_at=NOW - 30, paid=7))])
    assert series(settings) == series(settings, 300) == {"lightning_invoice_settled": (1, 7)}
    assert await counted(ledger) == (1, 1, 0, 7)


async def test_overpaid_and_free_amounts(ledger: Ledger, settings: LedgerSettings) -> None:
    """Received is what was paid, whatever was asked for; what was never paid is no money."""
    asked_for = invoice("bb", EXPIRED, NOW - 9, value_msat=2**63 - 1)
    await ledger.append([birth(), entry(settled("aa", paid=300_000, value_msat=0), asked_for)])
    await ledger.append([entry(replace(asked_for, payment_hash="cc"), replace(asked_for, payment_hash="dd"))])
    assert await counted(ledger) == (1, 3, 0, 300_000)
    assert series(settings)["lightning_invoice_expired"] == (3, 0)


async def test_second_of_birth_is_live(ledger: Ledger) -> None:
    """Nodes date by whole seconds: what became final in the very second of birth counts."""
    await ledger.append([birth(BORN + 0.9), entry(settled("aa", final_at=BORN), settled("bb", final_at=BORN - 1))])
    assert (await counted(ledger))[0] == 1


async def test_history_is_a_sum_alone(ledger: Ledger, settings: LedgerSettings) -> None:
    """What was final before birth fills the hours once per page, and makes no row and no count."""
    page = entry(
        settled("aa", final_at=BEFORE, paid=5),
        invoice("bb", EXPIRED, BEFORE),
        history=True,
        cursors={"invoices.history": "400"},
    )
    await ledger.append([birth(), page])
    await ledger.append([page])
    await ledger.append([replace(page, at=NOW + 60)])
    assert rows(settings, "lightning_invoice") == []
    assert await counted(ledger) == (0, 0, 0, 0)
    assert series(settings) == {"lightning_invoice_settled": (1, 5), "lightning_invoice_expired": (1, 0)}
    assert series(settings, 300) == {}, "older than 5-minute windows are kept"
    await ledger.append([replace(page, reading=replace(page.reading, cursors={"invoices.history": "300"}))])
    assert series(settings)["lightning_invoice_settled"] == (2, 10), "another page"


async def test_fresh_history_fills_five_minutes(ledger: Ledger, settings: LedgerSettings) -> None:
    """History that is younger than 5-minute windows are kept goes into them too."""
    await ledger.append([birth(), entry(settled("aa", final_at=BORN - 60), history=True, cursors={"h": "1"})])
    assert series(settings, 300) == series(settings) == {"lightning_invoice_settled": (1, 250_000)}


async def test_old_without_history_is_left_out(ledger: Ledger, settings: LedgerSettings) -> None:
    """What was final before birth and comes from the live side is left to back-fill."""
    await ledger.append([birth(), entry(settled("aa", final_at=BEFORE))])
    assert rows(settings, "lightning_invoice") == []
    assert buckets(settings) == {}


async def test_before_any_birth(ledger: Ledger, settings: LedgerSettings) -> None:
    """Before its source is born nothing counts, but what is open is kept."""
    await ledger.append([entry(settled("aa"), invoice("bb"))])
    assert [row["payment_hash"] for row in rows(settings, "lightning_invoice")] == ["bb"]
    assert buckets(settings) == {}
    assert await ledger.totals() == {}


@pytest.mark.parametrize("history", [True, False])
async def test_row_that_ended_before_birth(ledger: Ledger, settings: LedgerSettings, history: bool) -> None:
    """An invoice with a row that proves to have ended before birth is a sum and a row, and no count."""
    await ledger.append([birth(), entry(invoice("aa"))])
    told = entry(settled("aa", final_at=BEFORE, paid=3), history=history, cursors={"h": "1"})
    await ledger.append([told])
    await ledger.append([replace(told, reading=replace(told.reading, cursors={"h": "2"}))])
    assert [row["state"] for row in rows(settings, "lightning_invoice")] == ["settled"]
    assert series(settings) == {"lightning_invoice_settled": (1, 3)}
    assert await counted(ledger) == (0, 0, 0, 0)


@pytest.mark.parametrize("history_first", [True, False])
async def test_history_and_live_overlap(ledger: Ledger, settings: LedgerSettings, history_first: bool) -> None:
    """What ended after birth counts once, though both back-fill and the live side tell of it."""
    both = [entry(settled("aa"), history=True, cursors={"h": "1"}), entry(settled("aa"), cursors={"live": "1"})]
    await ledger.append([birth()])
    for each in both if history_first else reversed(both):
        await ledger.append([each])
    assert await counted(ledger) == (1, 0, 0, 250_000)
    assert series(settings) == {"lightning_invoice_settled": (1, 250_000)}


async def test_nodes_are_apart(ledger: Ledger, settings: LedgerSettings) -> None:
    """The same hash at two nodes is two invoices (a hold invoice may be at both)."""
    await ledger.append([birth(), birth(source="ln2"), entry(settled("aa"), at=NOW)])
    await ledger.append([entry(settled("aa", paid=9), source="ln2")])
    totals = await ledger.totals()
    assert {node: each.received_msat for (_, node), each in totals.items()} == {NODE: 250_000, "ln2": 9}
    assert len(rows(settings, "lightning_invoice")) == 2


async def test_final_without_a_time(ledger: Ledger, settings: LedgerSettings) -> None:
    """A final invoice whose end the node does not date ended when we were told."""
    await ledger.append([birth(), entry(invoice("aa", CANCELED), at=NOW + 0.7)])
    assert [row["final_at"] for row in rows(settings, "lightning_invoice")] == [NOW]
    assert await counted(ledger) == (0, 0, 1, 0)


async def test_cursor_moves_with_its_events(ledger: Ledger) -> None:
    """Cursors are stored with what they cover, per source."""
    memory = ledger.memory(SITE, NODE)
    assert await memory.cursor("live") is None
    told: list[Entry] = [entry(settled("aa"), cursors={"live": "7"}), entry(cursors={"live": "8", "other": "x"})]
    await ledger.append(told)
    assert await memory.cursor("live") == "8"
    assert await memory.cursor("other") == "x"
    assert await ledger.memory(SITE, "ln2").cursor("live") is None

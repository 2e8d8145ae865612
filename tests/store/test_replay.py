import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from lnwatch.model.chain import MempoolSighting
from lnwatch.model.lightning import (
    InvoiceState,
    LightningInvoice,
    LightningPayment,
    PaymentState,
    PendingChannels,
    PendingState,
    Wallet,
)
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, Reading
from lnwatch.store import Entry, LedgerSettings, open_ledger, tables
from tests.manual_clock import ManualClock
from tests.store.oracle import Oracle
from tests.store.stories import BORN, NOW, block, forward, invoice, payment, pending, settled

Held = dict[str, list[dict[str, Any]]]  # rows by table, of one site
TABLES = (
    *("site", "source_birth", "cursor", "snapshot", "lightning_invoice", "lightning_payment", "forward", "block"),
    *("watched_transaction", "balance_change", "bucket", "counter"),
)

_sites = itertools.count()  # each example has a site of its own, so that all may share a ledger
MANY = examples(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TIMES = st.sampled_from([BORN - 30 * 86_400, BORN - 60, BORN - 1, BORN, NOW - 5_000, NOW - 5])
FINALS = {InvoiceState.SETTLED, InvoiceState.CANCELED, InvoiceState.EXPIRED}
PARTS = settled().htlcs


@st.composite
def invoices(draw: st.DrawFn) -> LightningInvoice:
    state = draw(st.sampled_from(InvoiceState))
    return invoice(
        draw(st.sampled_from(["h1", "h2", "h3"])),
        state,
        draw(TIMES) if state in FINALS else None,
        paid_msat=Msat(draw(st.sampled_from([0, 7, 250_000]))),
        htlcs=draw(st.sampled_from([(), PARTS, PARTS * 2])),
    )


@st.composite
def payments(draw: st.DrawFn) -> LightningPayment:
    state = draw(st.sampled_from(PaymentState))
    final = None if state is PaymentState.IN_FLIGHT else float(draw(TIMES))
    index, attempts = draw(st.tuples(st.integers(1, 3), st.integers(1, 2)))
    return payment(draw(st.sampled_from(["p1", "p2"])), state, final, index=index, attempts=attempts)


BLOCKS = st.builds(
    lambda height, branch, parent, txids: block(height, branch, f"{parent}{height - 1}", tuple(txids)),
    st.integers(100, 102),
    st.sampled_from("ab"),
    st.sampled_from("ab"),
    st.lists(st.sampled_from(["t1", "t2", "t3"]), max_size=2, unique=True),
)
SIGHTINGS = st.builds(MempoolSighting, st.sampled_from(["t1", "t2"]), st.integers(NOW, NOW + 3))
FORWARDS = st.builds(lambda at, htlc: forward(at + 0.25, htlc), TIMES, st.integers(1, 2))
EVENTS = st.lists(st.one_of(invoices(), payments(), FORWARDS, BLOCKS, SIGHTINGS), max_size=5)
FACTS = st.one_of(
    st.none(),
    st.builds(lambda msat: Wallet(Msat(msat), Msat(0), Msat(1), Msat(0)), st.integers(0, 2)),
    st.builds(
        lambda txid: PendingChannels((pending(f"{txid}:0", PendingState.CLOSING, txid),), Msat(0)),
        st.sampled_from(["t1", "t2", "t3"]),
    ),
)
CURSORS = st.dictionaries(st.sampled_from(["live", "history"]), st.sampled_from(["1", "2", "3"]), max_size=2)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    reading = Reading(facts=draw(FACTS), events=tuple(draw(EVENTS)), cursors=draw(CURSORS), history=draw(st.booleans()))
    at = draw(st.sampled_from([BORN + 0.5, NOW, NOW + 15, NOW + 30]))
    source, collector = draw(st.sampled_from([("ln1", "one"), ("ln1", "two"), ("ln2", "one")]))
    return Entry("", source, True, collector, at, reading, draw(st.integers(0, 3)) == 0)


async def _store(
    settings: LedgerSettings, folder: Path, batches: Sequence[Sequence[Entry]], reopen: set[int], site: str
) -> Held:
    """Append the batches, opening the ledger anew before some; returns what it holds of the site in the end."""
    ledger = await open_ledger(settings, folder, ManualClock())
    for number, batch in enumerate(batches):
        if number in reopen:
            await ledger.close()
            ledger = await open_ledger(settings, folder, ManualClock())
        await ledger.append(batch)
    held = await ledger._workers.read(lambda connection: {name: _rows(connection, name, site) for name in TABLES})
    await ledger.close()
    return held


def _rows(connection: Connection, name: str, site: str) -> list[dict[str, Any]]:
    table = tables.metadata.tables[name]
    query = select(table).where(table.c.site == site).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(query).mappings()]


def _split(told: Sequence[Entry], cuts: Sequence[int]) -> list[Sequence[Entry]]:
    edges = [0, *sorted({cut % (len(told) + 1) for cut in cuts}), len(told)]
    return [told[start:end] for start, end in itertools.pairwise(edges) if end > start]


def _of(held: Held, table: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in columns) for row in held[table]]


def _sums(held: Held) -> dict[tuple[Any, ...], int]:
    stored = _of(held, "bucket", "subject", "series", "width", "start", "n", "sum")
    return {(*key, name): value for *key, n, total in stored for name, value in (("n", n), ("sum", total)) if value}


def _compare(held: Held, site: str, oracle: Oracle) -> None:
    assert _sums(held) == {key[1:]: value for key, value in oracle.buckets.items() if value}
    counters = {tuple(key): value for *key, value in _of(held, "counter", "site", "source", "name", "value")}
    assert {key: value for key, value in counters.items() if value} == {
        key: value for key, value in oracle.counters.items() if value
    }
    assert _of(held, "lightning_invoice", "source", "payment_hash", "state", "final_at", "paid_msat") == [
        (source, name, told.state.value, told.final_at, told.paid_msat)
        for (_, source, name), told in sorted(oracle.invoices.items())
    ]
    assert _of(held, "lightning_payment", "source", "payment_hash", "payment_index", "state", "final_at") == [
        (source, name, told.index, told.state.value, told.final_at)
        for (_, source, name), told in sorted(oracle.payments.items())
    ]
    assert _of(held, "forward", "source", "at", "channel_in", "htlc_in") == sorted(key[1:] for key in oracle.forwards)
    assert _of(held, "cursor", "source", "name", "value") == sorted(
        (*key[1:], value) for key, value in oracle.cursors.items()
    )
    assert _of(held, "block", "source", "height", "hash") == sorted(
        (source, height, told.hash) for (_, source), chain in oracle.chains.items() for height, told in chain.items()
    )
    assert _of(held, "watched_transaction", "txid", "since", "first_seen_at", "block_height", "block_hash") == [
        (told.txid, told.since, told.first_seen_at, told.block_height, told.block_hash)
        for _, told in sorted(oracle.watched.items())
    ]
    assert _of(held, "snapshot", "source", "collector", "at", "kind") == sorted(
        (source, collector, at, type(facts).__name__)
        for (_, source, collector), (at, facts) in oracle.snapshots.items()
    )
    assert _of(held, "balance_change", "source", "name", "at", "amount_msat") == sorted(
        (*key[1:], *row) for key, told in oracle.balances.items() for row in told
    )
    births = dict(_of(held, "source_birth", "source", "born_at")) | dict.fromkeys(
        [""] if (site, "") in oracle.births else [], dict(_of(held, "site", "site", "born_at")).get(site)
    )
    assert births == {source: at for (_, source), at in oracle.births.items()}


@MANY
@given(
    told=st.lists(entries(), max_size=12),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    kills=st.sets(st.integers(0, 4)),
)
def test_oracle(settings: LedgerSettings, tmp_path: Path, told: list[Entry], cuts: list[int], kills: set[int]) -> None:
    """Whatever is told, in whatever batches, across restarts: the ledger holds what a plain reckoning holds."""
    site = f"s{next(_sites)}"
    told = [replace(each, site=site) for each in told]
    oracle = Oracle()
    for each in told:
        oracle.tell(each)
    _compare(asyncio.run(_store(settings, tmp_path, _split(told, cuts), kills, site)), site, oracle)


@st.composite
def lives(draw: st.DrawFn) -> list[Entry]:
    """What a sound node tells: each invoice has one story, and history is read page by page."""
    told = []
    for number in range(draw(st.integers(1, 6))):
        told += draw(_life(f"h{number}"))
    told += [
        _live(each) for each in draw(st.lists(FORWARDS, max_size=3, unique_by=lambda each: (each.at, each.htlc_in)))
    ]
    pages = draw(st.lists(st.lists(st.tuples(TIMES, st.sampled_from(sorted(FINALS))), max_size=3), max_size=3))
    for page, finals in enumerate(pages):
        old = tuple(invoice(f"o{page}-{n}", state, at - 10**7) for n, (at, state) in enumerate(finals))
        told.append(replace(_live(), reading=Reading(events=old, cursors={"history": str(page)}, history=True)))
    return told


@st.composite
def _life(draw: st.DrawFn, name: str) -> list[Entry]:
    end = draw(st.sampled_from([None, NOW - 5_000, NOW - 5]))
    stages = [invoice(name)]
    if draw(st.booleans()):
        stages.append(invoice(name, InvoiceState.ACCEPTED, htlcs=PARTS))
    if end is not None:
        if draw(st.booleans()):
            stages.append(invoice(name, InvoiceState.EXPIRED, end - 7))
        stages.append(draw(st.sampled_from([settled(name, end, 9), invoice(name, InvoiceState.CANCELED, end)])))
    history = draw(st.booleans())
    live = [_live(each) for each in stages]
    if history:  # back-fill comes across it too: it is the row's all the same
        live.append(replace(live[-1], reading=replace(live[-1].reading, history=True, cursors={"history": name})))
    return live


def _live(*events: Event) -> Entry:
    return Entry("", "ln1", True, "invoices", NOW, Reading(events=events), leads=False)


@MANY
@given(told=lives(), cuts=st.lists(st.integers(0, 20), max_size=6))
def test_told_twice(settings: LedgerSettings, tmp_path: Path, told: list[Entry], cuts: list[int]) -> None:
    """Every batch told again (the daemon died before it knew that it was stored) changes nothing."""
    held = []
    for times in (1, 2):
        site = f"s{next(_sites)}"
        here = [replace(each, site=site) for each in told]
        # As the engine does: a page of history is a batch of its own.
        pages = [n + after for n, each in enumerate(here) if each.reading.history for after in (0, 1)]
        batches = [[replace(_live(), site=site, leads=True, at=BORN)], *_split(here, [*cuts, *pages])]
        told_so_often = [batch for batch in batches for _ in range(times)]
        held.append(asyncio.run(_store(settings, tmp_path, told_so_often, {2, 5}, site)))
    assert _everything(held[0]) == _everything(held[1])


@MANY
@given(told=lives(), data=st.data(), cuts=st.lists(st.integers(0, 20), max_size=6))
def test_any_order(
    settings: LedgerSettings, tmp_path: Path, told: list[Entry], data: st.DataObject, cuts: list[int]
) -> None:
    """Told in any order, the windows and the rows are the same (counters keep what they once counted)."""
    shuffled = data.draw(st.permutations(told))
    held = []
    for order in (told, shuffled):
        site = f"s{next(_sites)}"
        here = [replace(each, site=site) for each in order]
        birth = replace(_live(), site=site, leads=True, at=BORN)
        held.append(asyncio.run(_store(settings, tmp_path, [[birth], *_split(here, cuts)], set(), site)))
    assert _everything(held[0], but=("counter", "cursor")) == _everything(held[1], but=("counter", "cursor"))


def _everything(held: Held, but: Sequence[str] = ()) -> dict[str, Any]:
    compared = {"lightning_invoice", "lightning_payment", "forward", "counter", "cursor", "source_birth"} - set(but)
    whole: dict[str, Any] = {
        table: [{name: value for name, value in row.items() if name != "site"} for row in held[table]]
        for table in compared
    }
    return whole | {"bucket": _sums(held)}

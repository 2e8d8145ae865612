"""A node's own invoices: one row per payment hash; each final outcome counts once, when it becomes final."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, select

from lnwatch.model.lightning import INVOICE_FINAL, InvoiceHtlc, InvoiceState, LightningInvoice
from lnwatch.store import tables
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.order_tables import node_receipt
from lnwatch.store.rollups import OUTCOMES, RECEIVED, Rollups, Summand
from lnwatch.store.upsert import Row, insert_new, put

HTLCS = TypeAdapter(tuple[InvoiceHtlc, ...])
SERIES = {state: f"lightning_invoice_{state.value}" for state in OUTCOMES}

_RANK = {InvoiceState.OPEN: 0, InvoiceState.ACCEPTED: 1}
_CORRECTIONS = frozenset({InvoiceState.SETTLED, InvoiceState.CANCELED})

_Hash = tuple[str, str, str]  # site, source, payment hash

_row_of = tables.lightning_invoice.c
# Made once: to make it of hundreds of hashes anew each time takes longer than to ask.
_OF_HASHES = select(_row_of.payment_hash, _row_of.state, _row_of.final_at, _row_of.paid_msat, _row_of.htlcs).where(
    _row_of.site == bindparam("site"),
    _row_of.source == bindparam("source"),
    _row_of.payment_hash.in_(bindparam("wanted", expanding=True)),
)


class _Standing(NamedTuple):
    """What decides whether another telling of the same invoice says more."""

    state: InvoiceState
    final_at: int | None
    paid_msat: int
    htlcs: str


def apply_invoices(
    connection: Connection, told: Sequence[tuple[Turn, LightningInvoice]], rollups: Rollups, touches: Touches
) -> None:
    """Fold the invoices in the order in which they were told; of those from before birth only receipts have a row."""
    known = _standing(connection, told)
    changed: dict[_Hash, Row] = {}
    receipts: dict[_Hash, Row] = {}
    for turn, invoice in told:
        key = (*turn.key, invoice.payment_hash)
        htlcs = HTLCS.dump_json(invoice.htlcs).decode() if invoice.htlcs else "[]"
        new = _Standing(invoice.state, _final_at(turn, invoice), invoice.paid_msat, htlcs)
        old = known.get(key)
        if old is None and new.final_at is not None and new.final_at < turn.born_at:
            if turn.counts_history:
                _count(rollups, turn, new)
            if new.state is InvoiceState.SETTLED:
                receipts[key] = _receipt(key, new)
                touches.term(turn.entry.site, invoice.payment_hash, turn.entry.at)
            continue
        if old is not None and not _says_more(old, new):
            continue
        known[key] = new
        changed[key] = _row(key, invoice, new)
        if invoice.state is not InvoiceState.OPEN:  # that one waits is no news for its order
            touches.term(turn.entry.site, invoice.payment_hash, turn.entry.at)
        if new.final_at is not None:
            _became_final(rollups, turn, old, new)
    put(connection, tables.lightning_invoice, list(changed.values()))
    insert_new(connection, node_receipt, list(receipts.values()))


def _standing(connection: Connection, told: Sequence[tuple[Turn, LightningInvoice]]) -> dict[_Hash, _Standing]:
    hashes = defaultdict(set)
    for turn, invoice in told:
        hashes[turn.key].add(invoice.payment_hash)
    known = {}
    for (site, source), wanted in hashes.items():
        given = {"site": site, "source": source, "wanted": list(wanted)}
        for payment_hash, state, *rest in connection.execute(_OF_HASHES, given):
            known[site, source, payment_hash] = _Standing(InvoiceState(state), *rest)
    return known


def _final_at(turn: Turn, invoice: LightningInvoice) -> int | None:
    if invoice.state not in INVOICE_FINAL:
        return None
    return int(turn.entry.at) if invoice.final_at is None else invoice.final_at


def _says_more(old: _Standing, new: _Standing) -> bool:
    """A final outcome stands, but that `expired` is our own inference: what the node says later corrects it."""
    if old.state in INVOICE_FINAL:
        return old.state is InvoiceState.EXPIRED and new.state in _CORRECTIONS
    # Of two tellings of an invoice that is not final, the one with more of its story is the later one.
    return _progress(new) > _progress(old)


def _progress(standing: _Standing) -> tuple[int, int, int, str]:
    return _RANK.get(standing.state, 2), standing.paid_msat, len(standing.htlcs), standing.htlcs


def _became_final(rollups: Rollups, turn: Turn, old: _Standing | None, new: _Standing) -> None:
    if old is not None and old.final_at is not None:
        _count(rollups, turn, old, n=-1)
    _count(rollups, turn, new)
    if new.final_at is not None and new.final_at >= turn.born_at:
        # After a correction the counter of `expired` stays as it is: a Prometheus counter never goes back,
        # so such an invoice counts under both outcomes there; the buckets alone are exact.
        rollups.add(turn.key, OUTCOMES[new.state])
        if new.state is InvoiceState.SETTLED:
            rollups.add(turn.key, RECEIVED, new.paid_msat)


def _count(rollups: Rollups, turn: Turn, standing: _Standing, n: int = 1) -> None:
    # What was asked for and never paid is no money: anybody may ask for any amount.
    amount = standing.paid_msat if standing.state is InvoiceState.SETTLED else 0
    if standing.final_at is not None:
        summand = Summand(SERIES[standing.state], standing.final_at, n * amount, n)
        rollups.count(turn.key, turn.entry.at, summand)


def _receipt(key: _Hash, standing: _Standing) -> Row:
    site, source, payment_hash = key
    where = {"site": site, "source": source, "payment_hash": payment_hash}
    return {**where, "settled_at": standing.final_at, "paid_msat": standing.paid_msat}


def _row(key: _Hash, invoice: LightningInvoice, standing: _Standing) -> Row:
    site, source, payment_hash = key
    return {
        "site": site,
        "source": source,
        "payment_hash": payment_hash,
        "add_index": invoice.add_index,
        "settle_index": invoice.settle_index,
        "state": invoice.state.value,
        "value_msat": invoice.value_msat,
        "paid_msat": invoice.paid_msat,
        "created_at": invoice.created_at,
        "expires_at": invoice.expires_at,
        "final_at": standing.final_at,
        "keysend": invoice.keysend,
        "amp": invoice.amp,
        "private": invoice.private,
        "htlcs": standing.htlcs,
    }

"""Payments that a node made, and those that it carried for others."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from lnwatch.model.lightning import Forward, LightningPayment, PaymentState
from lnwatch.store import tables
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.rollups import Rollups, Summand
from lnwatch.store.upsert import Row, insert_new, put

PAYMENT_SERIES = {
    PaymentState.SUCCEEDED: "lightning_payment_succeeded",
    PaymentState.FAILED: "lightning_payment_failed",
}
PAYMENT_FEE = "lightning_payment_fee"
FORWARDED = "lightning_forward"
FORWARD_FEE = "lightning_forward_fee"

_Hash = tuple[str, str, str]


class _Standing(NamedTuple):
    """Ordered as a payment's story goes: a retry of the same hash has a higher index and begins anew."""

    number: int
    final: bool
    attempts: int
    fee_msat: int


def apply_payments(
    connection: Connection, told: Sequence[tuple[Turn, LightningPayment]], rollups: Rollups, touches: Touches
) -> None:
    """Fold the payments in the order in which they were told; each end of a payment counts once."""
    known = _standing(connection, told)
    changed: dict[_Hash, Row] = {}
    for turn, payment in told:
        key = (*turn.key, payment.payment_hash)
        final_at = _final_at(turn, payment)
        new = _Standing(payment.index, final_at is not None, payment.attempts, payment.fee_msat)
        old = known.get(key)
        if old is None and final_at is not None and final_at < turn.born_at:
            if turn.counts_history:
                _count(rollups, turn, payment, final_at)
            continue
        if old is not None and (new <= old or (old.final and old.number == new.number)):
            continue
        known[key] = new
        changed[key] = _payment_row(key, payment, final_at)
        touches.term(turn.entry.site, payment.payment_hash, turn.entry.at)
        if final_at is not None:
            _count(rollups, turn, payment, final_at)
    put(connection, tables.lightning_payment, list(changed.values()))


def _standing(connection: Connection, told: Sequence[tuple[Turn, LightningPayment]]) -> dict[_Hash, _Standing]:
    hashes = defaultdict(set)
    for turn, payment in told:
        hashes[turn.key].add(payment.payment_hash)
    row = tables.lightning_payment.c
    known = {}
    for (site, source), wanted in hashes.items():
        query = select(
            row.payment_hash, row.payment_index, row.final_at.is_not(None), row.attempts, row.fee_msat
        ).where(row.site == site, row.source == source, row.payment_hash.in_(wanted))
        for payment_hash, index, final, attempts, fee in connection.execute(query):
            known[site, source, payment_hash] = _Standing(index, bool(final), attempts, fee)
    return known


def _final_at(turn: Turn, payment: LightningPayment) -> float | None:
    if payment.state not in PAYMENT_SERIES:
        return None
    return turn.entry.at if payment.final_at is None else payment.final_at


def _count(rollups: Rollups, turn: Turn, payment: LightningPayment, final_at: float) -> None:
    told_at = turn.entry.at
    amount = payment.value_msat if payment.state is PaymentState.SUCCEEDED else 0
    rollups.count(turn.key, told_at, Summand(PAYMENT_SERIES[payment.state], final_at, amount))
    if payment.state is PaymentState.SUCCEEDED:
        rollups.count(turn.key, told_at, Summand(PAYMENT_FEE, final_at, payment.fee_msat))


def _payment_row(key: _Hash, payment: LightningPayment, final_at: float | None) -> Row:
    site, source, payment_hash = key
    return {
        "site": site,
        "source": source,
        "payment_hash": payment_hash,
        "payment_index": payment.index,
        "state": payment.state.value,
        "value_msat": payment.value_msat,
        "fee_msat": payment.fee_msat,
        "created_at": payment.created_at,
        "final_at": final_at,
        "failure": payment.failure,
        "destination": payment.destination,
        "attempts": payment.attempts,
    }


def apply_forwards(connection: Connection, told: Sequence[tuple[Turn, Forward]], rollups: Rollups) -> None:
    """Store each forward once, and count it with its row; from before birth it is a sum alone."""
    known = _known_forwards(connection, told)
    rows = []
    for turn, forward in told:
        key = (*turn.key, forward.at, forward.channel_in, forward.htlc_in)
        if forward.at < turn.born_at:
            if turn.counts_history:
                _count_forward(rollups, turn, forward)
        elif key not in known:
            known.add(key)
            _count_forward(rollups, turn, forward)
            rows.append(_forward_row(turn, forward))
    insert_new(connection, tables.forward, rows)


def _known_forwards(
    connection: Connection, told: Sequence[tuple[Turn, Forward]]
) -> set[tuple[str, str, float, str, int]]:
    times = defaultdict(set)
    for turn, forward in told:
        times[turn.key].add(forward.at)
    row = tables.forward.c
    known: set[tuple[str, str, float, str, int]] = set()
    for (site, source), wanted in times.items():
        query = select(row.at, row.channel_in, row.htlc_in).where(
            row.site == site, row.source == source, row.at.in_(wanted)
        )
        known.update((site, source, at, channel, htlc) for at, channel, htlc in connection.execute(query))
    return known


def _count_forward(rollups: Rollups, turn: Turn, forward: Forward) -> None:
    rollups.count(turn.key, turn.entry.at, Summand(FORWARDED, forward.at, forward.amount_out_msat))
    rollups.count(turn.key, turn.entry.at, Summand(FORWARD_FEE, forward.at, forward.fee_msat))


def _forward_row(turn: Turn, forward: Forward) -> Row:
    return {
        "site": turn.entry.site,
        "source": turn.entry.source,
        "at": forward.at,
        "channel_in": forward.channel_in,
        "htlc_in": forward.htlc_in,
        "channel_out": forward.channel_out,
        "htlc_out": forward.htlc_out,
        "amount_in_msat": forward.amount_in_msat,
        "amount_out_msat": forward.amount_out_msat,
        "fee_msat": forward.fee_msat,
    }

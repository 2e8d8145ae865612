"""Money that goes out, and requests for it to come in: payouts, claim links, payment requests."""

from collections.abc import Sequence

from sqlalchemy import Connection

from lnwatch.model.merchant import PAYOUT_FINAL, Method, PaymentRequest, Payout, PullPayment
from lnwatch.store import merchant_tables as tables
from lnwatch.store.apply.newest import fold, latest
from lnwatch.store.apply.touches import PAYOUT, Touches
from lnwatch.store.apply.turns import Turn
from lnwatch.store.columns import storable
from lnwatch.store.tables import watched_transaction
from lnwatch.store.upsert import Row, insert_new, least, merge


def apply_payouts(connection: Connection, told: Sequence[tuple[Turn, Payout]], touches: Touches) -> None:
    """Keep the newest state of each, watch the transactions of those under way, and touch what they are for."""
    at = {(turn.entry.site, payout.store, storable(payout.id)): turn.entry.at for turn, payout in reversed(told)}
    rows = [_payout_row(turn.entry.site, payout) for turn, payout in told]
    changed = fold(connection, tables.payout, rows, latest("seen_at"))
    for row in changed:
        if row["pull_payment"] is not None:
            touches.pull_payment(
                row["site"], row["store"], row["pull_payment"], at[row["site"], row["store"], row["id"]]
            )
    terms = [
        {"site": row["site"], "term": term, "kind": PAYOUT, "store": row["store"], "id": row["id"]}
        | {"at": row["created_at"]}
        for row in changed
        for term in {row["txid"], row["payment_hash"], row["destination"] if row["method"] == Method.CHAIN else None}
        if term
    ]
    insert_new(connection, tables.merchant_term, terms)
    watched: dict[tuple[str, str], float] = {}
    for turn, payout in told:
        if payout.txid is not None and payout.state not in PAYOUT_FINAL:
            key = (turn.entry.site, payout.txid)
            watched[key] = min(payout.seen_at, watched.get(key, payout.seen_at))
    pending = [{"site": site, "txid": txid, "since": since} for (site, txid), since in watched.items()]
    merge(connection, watched_transaction, pending, {"since": least})


def apply_pull_payments(connection: Connection, told: Sequence[tuple[Turn, PullPayment]], touches: Touches) -> None:
    """Keep the newest state of each, and touch the invoice that it is for."""
    at = {(turn.entry.site, link.store, storable(link.key)): turn.entry.at for turn, link in reversed(told)}
    rows = [_pull_payment_row(turn.entry.site, link) for turn, link in told]
    for row in fold(connection, tables.pull_payment, rows, latest("seen_at")):
        touches.pull_payment(row["site"], row["store"], row["id"], at[row["site"], row["store"], row["id"]])


def apply_requests(connection: Connection, told: Sequence[tuple[Turn, PaymentRequest]]) -> None:
    """Keep the newest state of each."""
    rows = [_request_row(turn.entry.site, request) for turn, request in told]
    fold(connection, tables.payment_request, rows, latest("seen_at"))


def _payout_row(site: str, payout: Payout) -> Row:
    return {
        "site": site,
        "store": payout.store,
        "id": storable(payout.id),
        "pull_payment": payout.pull_payment,
        "state": payout.state.value,
        "method": payout.method.value,
        "asked": str(payout.asked),
        "asked_currency": payout.asked_currency,
        "amount": None if payout.amount is None else str(payout.amount),
        "currency": payout.currency,
        "amount_msat": payout.amount_msat,
        "created_at": payout.created_at,
        "revision": payout.revision,
        "destination": payout.destination,
        "txid": payout.txid,
        "payment_hash": payout.payment_hash,
        "seen_at": payout.seen_at,
    }


def _pull_payment_row(site: str, link: PullPayment) -> Row:
    return {
        "site": site,
        "store": link.store,
        "id": storable(link.key),
        "refund_of": link.refund_of,
        "amount": str(link.amount),
        "currency": link.currency,
        "starts_at": link.starts_at,
        "expires_at": link.expires_at,
        "archived": link.archived,
        "auto_approved": link.auto_approved,
        "seen_at": link.seen_at,
    }


def _request_row(site: str, request: PaymentRequest) -> Row:
    return {
        "site": site,
        "store": request.store,
        "id": storable(request.id),
        "status": request.status.value,
        "amount": str(request.amount),
        "currency": request.currency,
        "created_at": request.created_at,
        "expires_at": request.expires_at,
        "archived": request.archived,
        "seen_at": request.seen_at,
    }

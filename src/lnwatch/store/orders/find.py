"""Orders by whatever a customer can name: order id, invoice id, payment hash, transaction, address, BOLT11."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

from sqlalchemy import Connection, select

from lnwatch.store.apply.touches import INVOICE
from lnwatch.store.columns import storable
from lnwatch.store.merchant_tables import merchant_invoice, merchant_term, payout, pull_payment, shop, webhook_event
from lnwatch.store.orders.bolt11 import payment_hash_of
from lnwatch.store.orders.values import ONE_ORDER
from lnwatch.store.upsert import Row

MOST = 20  # invoices whose orders are shown

Found = tuple[str, str, str]  # site, store, invoice
_SCHEMES = ("lightning:", "bitcoin:")


def marks_of(connection: Connection, words: str) -> Mapping[tuple[str, str], Mapping[str, Row]]:
    """Where in which groups the invoices stand that the words lead to: marks by site and store, then by group."""
    found: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    row = merchant_invoice.c
    for site, store, name in islice(dict.fromkeys(_named(connection, storable(words.strip()))), MOST):
        query = select(row.group_key, row.created_at).where(row.site == site, row.store == store, row.id == name)
        for key, created_at in connection.execute(query):
            mark = {"touches": 0, "newest": created_at, "oldest": created_at, "oldest_id": name}
            of_store = found[site, store]
            of_store[key] = min(of_store.get(key, mark), mark, key=lambda each: (each["oldest"], each["oldest_id"]))
    return found


def _named(connection: Connection, words: str) -> Iterator[Found]:
    row = shop.c
    shops = connection.execute(select(row.site, row.store).order_by(row.site, row.store)).all()
    invoice = merchant_invoice.c
    for site, store in shops:
        of_store = select(invoice.id).where(invoice.site == site, invoice.store == store)
        for name in connection.execute(of_store.where(invoice.id == words)).scalars():
            yield site, store, name
        of_order = of_store.where(invoice.group_key == ONE_ORDER + words)
        newest = of_order.order_by(invoice.created_at.desc(), invoice.id.desc()).limit(MOST)
        for name in connection.execute(newest).scalars():
            yield site, store, name
    terms = _terms(words)
    for site in dict.fromkeys(site for site, _ in shops):
        yield from _by_term(connection, site, terms)


def _by_term(connection: Connection, site: str, terms: frozenset[str]) -> Iterator[Found]:
    row = merchant_term.c
    query = select(row.kind, row.store, row.id).where(row.site == site, row.term.in_(terms))
    for kind, store, name in connection.execute(query.order_by(row.at.desc(), row.store, row.id).limit(MOST)).all():
        if kind == INVOICE:
            yield site, store, name
        else:
            yield from ((site, store, invoice) for invoice in _refunded_by(connection, site, store, name))


def _refunded_by(connection: Connection, site: str, store: str, name: str) -> Iterator[str]:
    """The invoices that a payout gave money back for."""
    paid, link, hook = payout.c, pull_payment.c, webhook_event.c
    of_payout = select(paid.pull_payment).where(paid.site == site, paid.store == store, paid.id == name)
    key = connection.execute(of_payout).scalar()
    if key is None:
        return
    named = select(link.refund_of).where(link.site == site, link.store == store, link.id == key)
    proven = select(hook.invoice_id).where(hook.site == site, hook.store == store, hook.pull_payment == key)
    for invoice in [*connection.execute(proven).scalars(), *connection.execute(named).scalars()]:
        if invoice is not None:
            yield invoice


def _terms(words: str) -> frozenset[str]:
    """What the words may be called in the ledger."""
    lower = words.lower()
    for scheme in _SCHEMES:
        if lower.startswith(scheme):
            words = words[len(scheme) :].partition("?")[0]
            lower = words.lower()
    output = lower.rpartition("-")  # BTCPay names an on-chain payment TXID-VOUT
    names = {words, lower, payment_hash_of(lower), output[0] if output[2].isdigit() else None}
    return frozenset(name for name in names if name)

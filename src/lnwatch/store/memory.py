"""What a source may ask of its own past."""

import json
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from lnwatch.model.chain import Block, WatchedTransaction
from lnwatch.model.lightning import InvoiceState, LightningInvoice, LightningPayment, PaymentState
from lnwatch.model.money import Msat
from lnwatch.store import tables
from lnwatch.store.apply.chain import tip_height
from lnwatch.store.apply.invoices import HTLCS
from lnwatch.store.workers import Workers

BURIED = 100  # blocks, after which a confirmed transaction is watched no longer


class LedgerMemory:
    """The ledger as one source of a site sees it. Everything raises LedgerError."""

    def __init__(self, workers: Workers, site: str, source: str) -> None:
        """Nothing is read yet."""
        self._workers = workers
        self._site = site
        self._source = source

    async def cursor(self, name: str) -> str | None:
        """The stored cursor of that name, None before the first."""
        row = tables.cursor.c
        query = select(row.value).where(row.site == self._site, row.source == self._source, row.name == name)
        return await self._workers.read(lambda connection: connection.execute(query).scalar())

    async def born_at(self) -> float | None:
        """The source's first good cycle; None while it has had none."""
        row = tables.source_birth.c
        query = select(row.born_at).where(row.site == self._site, row.source == self._source)
        return await self._workers.read(lambda connection: connection.execute(query).scalar())

    async def watched(self) -> tuple[WatchedTransaction, ...]:
        """The watch list of the site, oldest first; those under BURIED blocks and more are not in it."""
        return await self._workers.read(self._watched)

    def _watched(self, connection: Connection) -> tuple[WatchedTransaction, ...]:
        row = tables.watched_transaction.c
        tip = tip_height(connection, self._site)
        waiting = or_(row.block_height.is_(None), row.block_height > (tip or 0) - BURIED)
        columns = (row.txid, row.since, row.first_seen_at, row.block_height, row.block_hash)
        query = select(*columns).where(row.site == self._site, waiting).order_by(row.since, row.txid)
        return tuple(WatchedTransaction(*values) for values in connection.execute(query))

    async def blocks(self, limit: int) -> tuple[Block, ...]:
        """The newest blocks of the active chain as this source last knew it, newest first."""
        row = tables.block.c
        query = (
            select(tables.block)
            .where(row.site == self._site, row.source == self._source)
            .order_by(row.height.desc())
            .limit(limit)
        )
        return await self._workers.read(
            lambda connection: tuple(_block(values) for values in connection.execute(query))
        )

    async def open_invoices(self, limit: int) -> tuple[LightningInvoice, ...]:
        """This node's invoices that are not final, by rising add index."""
        row = tables.lightning_invoice.c
        query = (
            select(tables.lightning_invoice)
            .where(row.site == self._site, row.source == self._source, row.final_at.is_(None))
            .order_by(row.add_index)
            .limit(limit)
        )
        return await self._workers.read(
            lambda connection: tuple(invoice_of(values) for values in connection.execute(query))
        )

    async def open_payments(self, limit: int) -> tuple[LightningPayment, ...]:
        """This node's payments that are not final, by rising index."""
        row = tables.lightning_payment.c
        query = (
            select(tables.lightning_payment)
            .where(row.site == self._site, row.source == self._source, row.final_at.is_(None))
            .order_by(row.payment_index)
            .limit(limit)
        )
        return await self._workers.read(
            lambda connection: tuple(payment_of(values) for values in connection.execute(query))
        )


def _block(row: Row[Any]) -> Block:
    return Block(row.height, row.hash, row.previous_hash, row.time, row.seen_at, tuple(json.loads(row.txids)))


def invoice_of(row: Row[Any]) -> LightningInvoice:
    """The invoice that a row of `lightning_invoice` is."""
    return LightningInvoice(
        payment_hash=row.payment_hash,
        add_index=row.add_index,
        settle_index=row.settle_index,
        state=InvoiceState(row.state),
        value_msat=Msat(row.value_msat),
        paid_msat=Msat(row.paid_msat),
        created_at=row.created_at,
        expires_at=row.expires_at,
        final_at=row.final_at,
        keysend=row.keysend,
        amp=row.amp,
        private=row.private,
        htlcs=HTLCS.validate_json(row.htlcs),
    )


def payment_of(row: Row[Any]) -> LightningPayment:
    """The payment that a row of `lightning_payment` is."""
    return LightningPayment(
        payment_hash=row.payment_hash,
        index=row.payment_index,
        state=PaymentState(row.state),
        value_msat=Msat(row.value_msat),
        fee_msat=Msat(row.fee_msat),
        created_at=row.created_at,
        final_at=row.final_at,
        failure=row.failure,
        destination=row.destination,
        attempts=row.attempts,
    )

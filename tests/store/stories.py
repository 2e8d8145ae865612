"""What sources tell, with everything that a test does not care about filled in."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable

from lnwatch.model.chain import Block
from lnwatch.model.lightning import (
    Channel,
    Constraints,
    Forward,
    HtlcDirection,
    HtlcEvent,
    HtlcOutcome,
    InvoiceHtlc,
    InvoiceState,
    LightningInvoice,
    LightningPayment,
    PaymentState,
    PendingChannel,
    PendingState,
)
from lnwatch.model.money import Msat
from lnwatch.model.snapshot import Event, Facts, Reading
from lnwatch.store import Entry, Ledger, LedgerSettings, export

NOW = 1_800_000_000  # a whole hour
BORN = NOW - 86_400
SITE, NODE = "main", "ln1"


def entry(
    *events: Event,
    at: float = NOW,
    facts: Facts | None = None,
    cursors: Mapping[str, str] | None = None,
    history: bool = False,
    leads: bool = False,
    site: str = SITE,
    source: str = NODE,
    collector: str = "invoices",
) -> Entry:
    reading = Reading(facts=facts, events=events, cursors=cursors or {}, history=history)
    return Entry(site, source, lightning=True, collector=collector, at=at, reading=reading, leads=leads)


def birth(at: float = BORN, **where: Any) -> Entry:  # noqa: ANN401 - a table of fields
    return entry(at=at, leads=True, collector="node", **where)


def invoice(
    payment_hash: str = "aa",
    state: InvoiceState = InvoiceState.OPEN,
    final_at: int | None = None,
    **more: Any,  # noqa: ANN401 - a table of fields
) -> LightningInvoice:
    told = LightningInvoice(
        payment_hash=payment_hash,
        add_index=1,
        settle_index=0,
        state=state,
        value_msat=Msat(250_000),
        paid_msat=Msat(0),
        created_at=NOW - 600,
        expires_at=NOW + 3_000,
        final_at=final_at,
        keysend=False,
        amp=False,
        private=False,
        htlcs=(),
    )
    return replace(told, **more)


def settled(payment_hash: str = "aa", final_at: int = NOW - 5, paid: int = 250_000, **more: Any) -> LightningInvoice:  # noqa: ANN401 - a table of fields
    part = InvoiceHtlc("820000x12x1", 7, Msat(paid), final_at - 1, final_at, settled=True, canceled=False)
    given = {"paid_msat": Msat(paid), "settle_index": 1, "htlcs": (part,)} | more
    return invoice(payment_hash, InvoiceState.SETTLED, final_at, **given)


def payment(
    payment_hash: str = "cc",
    state: PaymentState = PaymentState.IN_FLIGHT,
    final_at: float | None = None,
    **more: Any,  # noqa: ANN401 - a table of fields
) -> LightningPayment:
    told = LightningPayment(
        payment_hash=payment_hash,
        index=1,
        state=state,
        value_msat=Msat(90_000),
        fee_msat=Msat(12),
        created_at=NOW - 60.5,
        final_at=final_at,
        failure=None,
        destination=None,
        attempts=1,
    )
    return replace(told, **more)


def forward(at: float = NOW - 3.25, htlc_in: int = 1, **more: Any) -> Forward:  # noqa: ANN401 - a table of fields
    told = Forward(
        at=at,
        channel_in="820000x1x0",
        channel_out="820000x2x1",
        htlc_in=htlc_in,
        htlc_out=4,
        amount_in_msat=Msat(10_010),
        amount_out_msat=Msat(10_000),
        fee_msat=Msat(10),
    )
    return replace(told, **more)


def htlc_event(at: float = NOW - 1.125, **more: Any) -> HtlcEvent:  # noqa: ANN401 - a table of fields
    told = HtlcEvent(
        at=at,
        direction=HtlcDirection.RECEIVE,
        outcome=HtlcOutcome.LINK_FAILED,
        channel_in="820000x1x0",
        channel_out=None,
        htlc_in=3,
        htlc_out=0,
        amount_msat=Msat(5_000),
        detail="INVOICE_NOT_OPEN",
    )
    return replace(told, **more)


def block(height: int, branch: str = "a", parent: str | None = None, txids: tuple[str, ...] = ()) -> Block:
    previous = f"{branch}{height - 1}" if parent is None else parent
    return Block(height, f"{branch}{height}", previous, NOW + height, NOW + height + 0.5, txids)


def channel(point: str = "f0:1", **more: Any) -> Channel:  # noqa: ANN401 - a table of fields
    side = Constraints(Msat(10_000_000), Msat(354_000), Msat(990_000_000), Msat(1_000), 483, 144)
    told = Channel(
        point=point,
        channel_id="820000x12x1",
        peer="02" + "ab" * 32,
        active=True,
        private=False,
        initiator=True,
        capacity_msat=Msat(1_000_000_000),
        local_msat=Msat(400_000_000),
        remote_msat=Msat(596_000_000),
        commit_fee_msat=Msat(3_000_000),
        fee_per_kw=2_500,
        anchors=True,
        unsettled_msat=Msat(0),
        local=side,
        remote=side,
        htlcs=(),
        sent_msat=Msat(0),
        received_msat=Msat(0),
        zero_conf=False,
        status_flags="ChanStatusDefault",
    )
    return replace(told, **more)


def pending(point: str, state: PendingState, closing_txid: str | None = None) -> PendingChannel:
    return PendingChannel(
        point=point,
        peer="02" + "ab" * 32,
        state=state,
        initiator=True,
        capacity_msat=Msat(1_000_000_000),
        local_msat=Msat(400_000_000),
        limbo_msat=Msat(0),
        recovered_msat=Msat(0),
        closing_txid=closing_txid,
        maturity_height=None,
        blocks_to_maturity=None,
        confirmations_until_active=None,
    )


async def run(ledger: Ledger, statement: Executable) -> None:
    """Do to the tables what no interface offers."""

    def job(connection: Connection) -> None:
        connection.execute(statement)

    await ledger._workers.write(job)


def rows(
    settings: LedgerSettings, table: str, site: str | None = None, folder: Path = Path("/nonexistent")
) -> list[dict[str, Any]]:
    """Every row of a table, by rising key."""
    return [dict(row) for row in export(settings, folder, table, site=site)]


def buckets(settings: LedgerSettings, site: str = SITE) -> dict[tuple[str, int, int], tuple[int, int]]:
    """What stands in the buckets of the node, by series, width and start; where nothing stands, nothing."""
    return {
        (row["series"], row["width"], row["start"]): (row["n"], row["sum"])
        for row in rows(settings, "bucket", site)
        if row["n"] or row["sum"]
    }

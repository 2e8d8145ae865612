"""What a batch does to the tables: one module per noun, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from lnwatch.model.chain import Reorganisation
from lnwatch.model.lightning import (
    ChannelEvent,
    ClosedChannel,
    Forward,
    HtlcEvent,
    LightningInvoice,
    LightningPayment,
)
from lnwatch.model.snapshot import StreamGap
from lnwatch.store.apply.chain import apply_chain, apply_reorganisations
from lnwatch.store.apply.channels import apply_channel_events, apply_closed_channels, apply_gaps, apply_htlc_events
from lnwatch.store.apply.invoices import apply_invoices
from lnwatch.store.apply.merchant import apply_merchant
from lnwatch.store.apply.payments import apply_forwards, apply_payments
from lnwatch.store.apply.snapshots import Packed, apply_snapshots
from lnwatch.store.apply.states import apply_liquidity, apply_states
from lnwatch.store.apply.touches import Touches
from lnwatch.store.apply.turns import Told, take_turns
from lnwatch.store.items import Entry, Item, LiquidityChange, StateChange
from lnwatch.store.rollups import Rollups


@dataclass(frozen=True, slots=True)
class Batch:
    """Items in the order in which they came, and the facts among them, packed."""

    items: Sequence[Item]
    packed: Packed


def apply(connection: Connection, batch: Batch, keep_buckets: float) -> bool:
    """Bring a batch into the ledger; told twice it changes nothing more. `keep_buckets` in seconds.

    Whether groups of invoices have to be looked at anew for it.
    """
    turns = take_turns(connection, [item for item in batch.items if isinstance(item, Entry)])
    rollups = Rollups(keep_buckets)
    told = Told(turns)
    touches = Touches()
    apply_invoices(connection, told.of(LightningInvoice), rollups, touches)
    apply_payments(connection, told.of(LightningPayment), rollups, touches)
    apply_forwards(connection, told.of(Forward), rollups)
    apply_closed_channels(connection, told.of(ClosedChannel))
    apply_channel_events(connection, told.of(ChannelEvent))
    apply_htlc_events(connection, told.of(HtlcEvent))
    apply_gaps(connection, told.of(StreamGap))
    apply_reorganisations(connection, told.of(Reorganisation))
    apply_merchant(connection, turns, told, touches)  # before the chain: it puts transactions on the watch list
    apply_chain(connection, turns, touches)
    apply_snapshots(connection, turns, batch.packed, rollups)
    apply_states(connection, [item for item in batch.items if isinstance(item, StateChange)])
    apply_liquidity(connection, [item for item in batch.items if isinstance(item, LiquidityChange)])
    rollups.write(connection)
    return touches.write(connection)

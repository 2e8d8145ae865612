"""What a batch does to the tables: one module per noun, in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

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
from lnwatch.model.snapshot import Event, StreamGap
from lnwatch.store.apply.chain import apply_chain, apply_reorganisations
from lnwatch.store.apply.channels import apply_channel_events, apply_closed_channels, apply_gaps, apply_htlc_events
from lnwatch.store.apply.invoices import apply_invoices
from lnwatch.store.apply.payments import apply_forwards, apply_payments
from lnwatch.store.apply.snapshots import Packed, apply_snapshots
from lnwatch.store.apply.states import apply_liquidity, apply_states
from lnwatch.store.apply.turns import Turn, take_turns
from lnwatch.store.items import Entry, Item, LiquidityChange, StateChange
from lnwatch.store.rollups import Rollups

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Batch:
    """Items in the order in which they came, and the facts among them, packed."""

    items: Sequence[Item]
    packed: Packed


def apply(connection: Connection, batch: Batch, keep_buckets: float) -> None:
    """Bring a batch into the ledger; told twice it changes nothing more. `keep_buckets` in seconds."""
    turns = take_turns(connection, [item for item in batch.items if isinstance(item, Entry)])
    rollups = Rollups(keep_buckets)
    told = _Told(turns)
    apply_invoices(connection, told.of(LightningInvoice), rollups)
    apply_payments(connection, told.of(LightningPayment), rollups)
    apply_forwards(connection, told.of(Forward), rollups)
    apply_closed_channels(connection, told.of(ClosedChannel))
    apply_channel_events(connection, told.of(ChannelEvent))
    apply_htlc_events(connection, told.of(HtlcEvent))
    apply_gaps(connection, told.of(StreamGap))
    apply_reorganisations(connection, told.of(Reorganisation))
    apply_chain(connection, turns)
    apply_snapshots(connection, turns, batch.packed, rollups)
    apply_states(connection, [item for item in batch.items if isinstance(item, StateChange)])
    apply_liquidity(connection, [item for item in batch.items if isinstance(item, LiquidityChange)])
    rollups.write(connection)


class _Told:
    """The events of a batch by kind, each with its entry's turn."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._events: dict[type[object], list[tuple[Turn, Event]]] = defaultdict(list)
        for turn in turns:
            for event in turn.entry.reading.events:
                self._events[type(event)].append((turn, event))

    def of(self, kind: type[E]) -> list[tuple[Turn, E]]:
        return cast("list[tuple[Turn, E]]", self._events[kind])

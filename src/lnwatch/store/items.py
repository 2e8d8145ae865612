"""What the engine brings to the ledger: readings of sources, and what follows from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import NodeLiquidity
from lnwatch.model.merchant import BtcpayInvoice
from lnwatch.model.snapshot import Reading, TargetState


@dataclass(frozen=True, slots=True)
class Entry:
    """One reading of `collector` (or stream) of a source, taken at `at`.

    `leads` marks a success of the source's leading collector: the first one is the birth of the
    source, and of its site if that has none yet. `lightning` tells that the source is a Lightning node.
    """

    site: str
    source: str
    lightning: bool
    collector: str
    at: float
    reading: Reading
    leads: bool


@dataclass(frozen=True, slots=True)
class StateChange:
    """A target is in another state than before, or says something else about it."""

    site: str
    source: str
    at: float
    state: TargetState
    detail: str
    version: str


@dataclass(frozen=True, slots=True)
class LiquidityChange:
    """What a node could receive and send at `at`, and the channel list from which that was reckoned.

    May be given with every list: a row is stored only where it differs from the last.
    """

    site: str
    node: str
    at: float
    liquidity: NodeLiquidity
    channels: Channels


Item = Entry | StateChange | LiquidityChange

SLICE = 200  # BTCPay invoices in one transaction


def parts(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The batch in parts small enough for a transaction each; all but invoices comes in the last, cursors too.

    A reading with facts is not parted: it may be the first of its store, and what it tells is live by that alone.
    """
    last: list[Item] = []
    for item in items:
        if not isinstance(item, Entry) or item.reading.facts is not None:
            last.append(item)
            continue
        *before, rest = _parted(item)
        yield from ([entry] for entry in before)
        last.append(rest)
    yield last


def _parted(entry: Entry) -> Sequence[Entry]:
    invoices = [event for event in entry.reading.events if isinstance(event, BtcpayInvoice)]
    if len(invoices) <= SLICE:
        return [entry]
    slices = [tuple(invoices[start : start + SLICE]) for start in range(0, len(invoices), SLICE)]
    before = [
        replace(entry, reading=Reading(events=part, history=entry.reading.history), leads=False) for part in slices[:-1]
    ]
    others = tuple(event for event in entry.reading.events if not isinstance(event, BtcpayInvoice))
    return [*before, replace(entry, reading=replace(entry.reading, events=(*slices[-1], *others)))]

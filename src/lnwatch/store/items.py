"""What the engine brings to the ledger: readings of sources, and what follows from them."""

from dataclasses import dataclass

from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import NodeLiquidity
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

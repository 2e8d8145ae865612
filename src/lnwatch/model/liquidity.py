"""What a node could receive and send right now."""

from collections.abc import Mapping
from dataclasses import dataclass

from lnwatch.model.money import Msat


@dataclass(frozen=True, slots=True)
class ChannelLiquidity:
    """Usable msat of one channel, and the largest single HTLC that it could take."""

    inbound_msat: Msat
    outbound_msat: Msat
    largest_in_msat: Msat


@dataclass(frozen=True, slots=True)
class NodeLiquidity:
    """Sums over the open channels, keyed by funding outpoint. `at` is the instant of the channel list.

    `receivable_one_msat` is R1, `receivable_many_msat` Rm: the largest invoice that can be received
    in one part, and in many.
    """

    at: float
    inbound_msat: Msat
    outbound_msat: Msat
    receivable_one_msat: Msat
    receivable_many_msat: Msat
    channels: Mapping[str, ChannelLiquidity]

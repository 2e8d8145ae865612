"""A node's peers: what each could bring, and how they are named."""

from collections import Counter
from collections.abc import Mapping

from lnwatch.domain.liquidity import usable_inbound
from lnwatch.model.lightning import Channels
from lnwatch.model.liquidity import NodeLiquidity

_SHOWN = 12  # characters of a public key: enough to find it in a list


def inbound_by_peer(channels: Channels, liquidity: NodeLiquidity | None = None) -> Mapping[str, int]:
    """What could be received over each peer's channels if every peer were online, in msat, by public key.

    `liquidity` is what was reckoned of these channels as they are; it stands for those that are active.
    """
    reckoned = liquidity.channels if liquidity is not None else {}
    found: Counter[str] = Counter()
    for channel in channels.channels:
        known = reckoned.get(channel.point) if channel.active else None
        found[channel.peer] += known.inbound_msat if known is not None else usable_inbound(channel)
    return found


def short(identity: str) -> str:
    """The beginning of a public key or hash, as sentences name it."""
    return identity if len(identity) <= _SHOWN else f"{identity[:_SHOWN]}…"

"""Blocks that are left, in words: nobody at night reckons in blocks."""

from lnwatch.domain.wording import count, duration
from lnwatch.model.lightning import NodeStatus
from lnwatch.model.view import TargetView, View

SECONDS_PER_BLOCK = 600.0  # on average, by Bitcoin's difficulty rule


def ahead(blocks: int) -> str:
    """How far a height is away: `in 6 blocks, about 1 h`, `with the present block`, `3 blocks ago`."""
    if blocks > 0:
        return f"in {count(blocks, 'block')}, about {duration(blocks * SECONDS_PER_BLOCK)}"
    return f"{count(-blocks, 'block')} ago" if blocks < 0 else "with the present block"


def node_height(view: View, target: TargetView) -> int | None:
    """The height that a Lightning node stands at; None where it was not seen just now."""
    snapshot = target.fresh("node", view.at)
    return snapshot.facts.block_height if snapshot and isinstance(snapshot.facts, NodeStatus) else None

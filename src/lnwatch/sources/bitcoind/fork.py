"""Where to go on reading the chain, given what is known of it and what is still true; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lnwatch.model.chain import Block

FIRST_BLOCKS: Final = 10  # read at the very first start, so that a reorganisation right after it has a depth


@dataclass(frozen=True, slots=True)
class Tip:
    """The newest block of the active chain; `behind` while the node itself knows of more to come."""

    height: int
    hash: str
    behind: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """The first height to read, the hash that it must follow (None: any), and how many of the known
    blocks have left the active chain."""

    height: int
    parent: str | None = None
    depth: int = 0


def where_to_start(known: Sequence[Block], common: Block | None, tip: Tip) -> Start | None:
    """Compare `known` (newest first) and the newest of them that is still active with the tip.

    None where there is nothing to tell: the tip is known, or the node is only on its way back to it,
    after a crash or while it builds its chain anew.
    """
    if not known:
        return Start(max(0, tip.height - FIRST_BLOCKS))
    newest, oldest = known[0], known[-1]
    if common is None and oldest.height <= tip.height:
        # Every block that can be compared is gone: begin with the oldest, deeper is not known.
        return Start(oldest.height, depth=newest.height - oldest.height + 1)
    if common is not None and common.height < tip.height:
        return Start(common.height + 1, common.hash, newest.height - common.height)
    if common is newest or tip.behind:
        return None
    # The chain was cut back to its present tip: told once more, it takes what stood above it away.
    return Start(tip.height, depth=newest.height - tip.height)

"""Reads the active chain from bitcoind: hashes, headers and the transaction ids of blocks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter

from lnwatch.errors import FailureReason
from lnwatch.model.chain import Block
from lnwatch.sources.bitcoind.answers import BlockContent, Hash, Header
from lnwatch.sources.bitcoind.fork import Tip
from lnwatch.sources.bitcoind.rpc import Call, Rpc
from lnwatch.sources.bitcoind.status import Remarks

_HASH: Final = TypeAdapter(Hash)
_HEADER: Final = TypeAdapter(Header)
_CONTENT: Final = TypeAdapter(BlockContent)
_FORK_STEP: Final = 10  # known blocks compared in one batch: reorganisations are hardly ever deeper


@dataclass(slots=True)
class ChainReader:
    """The calls that the collector `blocks` is made of. Each raises SourceError."""

    rpc: Rpc
    remarks: Remarks

    async def newest_common(self, known: Sequence[Block], tip: Tip) -> Block | None:
        """The newest of the `known` blocks (newest first) that is still in the active chain."""
        comparable = [block for block in known if block.height <= tip.height]
        for start in range(0, len(comparable), _FORK_STEP):
            step = comparable[start : start + _FORK_STEP]
            outcomes, _ = await self.rpc.batch([Call("getblockhash", (block.height,)) for block in step])
            for block, outcome in zip(step, outcomes, strict=True):
                if outcome.read(_HASH) == block.hash:
                    return block
        return None

    async def headers(self, first: int, last: int, parent: str | None) -> list[Header]:
        """Headers of the active chain from height `first` to `last`, each the child of the one before.

        The first is the child of `parent` (None: of any). Shorter, or empty, where the chain changed while
        it was read.
        """
        outcomes, _ = await self.rpc.batch([Call("getblockhash", (height,)) for height in range(first, last + 1)])
        # -8: the chain became shorter in the meantime
        hashes = [outcome.read(_HASH) for outcome in outcomes if outcome.forbidden or outcome.code is None]
        if not hashes:
            return []
        outcomes, _ = await self.rpc.batch([Call("getblockheader", (block_hash,)) for block_hash in hashes])
        headers: list[Header] = []
        for header in (outcome.read(_HEADER) for outcome in outcomes):
            if parent is not None and header.previousblockhash != parent:
                break
            headers.append(header)
            parent = header.hash
        return headers

    async def watched_in(self, block_hash: str, height: int, watched: Collection[str]) -> tuple[str, ...]:
        """Which of the `watched` transactions are in a block, in their order there.

        A block that can't be had (pruned, or `getblock` not allowed) is remarked and has none.
        """
        if not watched:
            return ()
        outcome = await self.rpc.call("getblock", block_hash, 1)
        failure = outcome.failure()
        if failure is None:
            self.remarks.say("getblock", None)
            return tuple(txid for txid in outcome.read(_CONTENT).tx if txid in watched)
        if failure.reason is FailureReason.FORBIDDEN:
            self.remarks.say("getblock", "without getblock it can't be seen when watched transactions confirm")
        elif failure.reason is FailureReason.FAILED:
            text = f"block {height} can't be read ({outcome.message}): watched transactions in it are not seen"
            self.remarks.say("unread block", text)
        else:
            raise failure
        return ()

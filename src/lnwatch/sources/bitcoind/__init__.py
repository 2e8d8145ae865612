"""Bitcoin Core (and Knots) over JSON-RPC: chain, peers, mempool, fees, blocks and watched transactions."""

from lnwatch.sources import SourceKind
from lnwatch.sources.bitcoind.settings import BitcoindSettings
from lnwatch.sources.bitcoind.source import Bitcoind

__all__ = ["SOURCE", "Bitcoind", "BitcoindSettings"]

SOURCE = SourceKind(kind="bitcoind", settings=BitcoindSettings, open=Bitcoind)

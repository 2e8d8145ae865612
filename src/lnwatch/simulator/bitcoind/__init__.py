"""A double of Bitcoin Core 24 to 31: HTTP and JSON-RPC as the real one speaks them, over a chain in memory."""

from lnwatch.simulator.bitcoind.chain import Chain, SimulatedBlock
from lnwatch.simulator.bitcoind.node import Faults, Node, User
from lnwatch.simulator.bitcoind.server import BitcoindDouble

__all__ = ["BitcoindDouble", "Chain", "Faults", "Node", "SimulatedBlock", "User"]

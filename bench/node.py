"""The stand-in for LND, as a process: lnwatch's own double, with the answers that only the obvious way asks for.

    python -m bench.node FOLDER --channels N --invoices N --control PORT

Writes `tls.cert`, `readonly.macaroon` and `address` into FOLDER, and tells on its control port what was asked of it.
Every 15 s one channel in a hundred has other balances, as on a node that forwards; nothing else happens.
"""

import argparse
import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from bench.control import METHOD
from bench.graph import answers
from lnwatch.simulator.lnd import LndDouble, Node
from lnwatch.simulator.lnd.calls import CALLS, Call
from lnwatch.simulator.lnd.node import Scale

CHANGES_EVERY = 15.0  # seconds
SHARE_THAT_CHANGES = 100  # one in so many


def offer_more() -> None:
    """Let the double answer what the obvious way asks for and lnwatch does not."""
    for method, (request, message, permission) in answers().items():
        CALLS[f"/{method}"] = Call(request, permission, _always(message))


def _always(message: Message) -> Any:  # noqa: ANN401 - an answer of the double, whoever asks
    return lambda _node, _request: message


class _Control(grpc.GenericRpcHandler):
    """Tells what was asked; not part of LND, so on a port of its own."""

    def __init__(self, double: LndDouble) -> None:
        self._double = double

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """The one method there is."""
        return grpc.unary_unary_rpc_method_handler(self._counts) if handler_call_details.method == METHOD else None

    async def _counts(self, _request: bytes, _context: object) -> bytes:
        streams = {path for path, call in CALLS.items() if call.streams}
        counts = {
            "calls": {path: count for path, count in self._double.calls.items() if path not in streams},
            "streams": {path: count for path, count in self._double.calls.items() if path in streams},
            "sent_bytes": self._double.bytes_sent.total(),
        }
        return json.dumps(counts).encode()


async def _forward(node: Node) -> None:
    """Let balances move, quietly."""
    rng = random.Random(3)
    while True:
        await asyncio.sleep(CHANGES_EVERY)
        for channel in rng.sample(node.channels, max(1, len(node.channels) // SHARE_THAT_CHANGES)):
            moved = min(1_000, channel.remote_balance)
            channel.remote_balance -= moved
            channel.local_balance += moved
            channel.num_updates += 2


async def serve(folder: Path, scale: Scale, control: int) -> None:
    """Serve until killed."""
    offer_more()
    # At the height that its HTLCs were made for: they have 144 blocks left, so that nothing is wrong with this node.
    node = Node(now=time.time, scale=scale, network="mainnet")
    double = LndDouble(node, folder)
    await double.start()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Control(double),))
    server.add_insecure_port(f"127.0.0.1:{control}")
    await server.start()
    (folder / "address").write_text(double.address)
    await _forward(node)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--invoices", type=int, required=True)
    parser.add_argument("--control", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.folder, Scale(channels=given.channels, invoices=given.invoices), given.control))


if __name__ == "__main__":
    main()

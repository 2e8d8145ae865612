"""The double as a process of its own: `python -m lnwatch.simulator.lnd DIRECTORY [--channels N] ...`.

Writes its credentials into DIRECTORY, prints its address as the first line, and serves until it is killed.
"""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from lnwatch.simulator.lnd.node import Node, Scale
from lnwatch.simulator.lnd.server import LndDouble


async def serve(directory: Path, scale: Scale, release: str) -> None:
    """Serve a node of that scale."""
    double = LndDouble(Node(now=time.time, scale=scale, release=release), directory)
    await double.start()
    sys.stdout.write(f"{double.address}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m lnwatch.simulator.lnd", description="A double of LND.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument("--invoices", type=int, default=0, help="made before the start")
    parser.add_argument("--payments", type=int, default=0)
    parser.add_argument("--forwards", type=int, default=0)
    parser.add_argument("--release", default="0.21.2")
    given = parser.parse_args()
    scale = Scale(given.channels, given.invoices, given.payments, given.forwards)
    asyncio.run(serve(given.directory, scale, given.release))


if __name__ == "__main__":
    main()
